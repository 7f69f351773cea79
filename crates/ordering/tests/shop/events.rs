//! Events at random, whether or not they could ever follow each other.

use ordering::{
    CartCheckedOut, CartEvent, CartOpened, Currency, CustomerEvent, CustomerRegistered,
    EmailChanged, EmailClaimEvent, EmailClaimed, EmailReleased, ItemQuantitySet, ItemRemoved,
    ItemsReturned, NewCustomer, OrderCancelled, OrderDelivered, OrderEvent, OrderImported,
    OrderPaid, OrderPlaced, OrderShipped, PriceChanged, ProductAdded, ProductDiscontinued,
    ProductEvent, ReturnedLine, StockCounted, StockGivenBack, StockReceived, StockTaken,
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::asks::{
    reference, some_cart, some_customer, some_email, some_line, some_order, some_pieces,
    some_price, some_sku, some_status,
};

pub(crate) fn product_event() -> impl Strategy<Value = ProductEvent> {
    let moved = || (some_order(), some_pieces());
    prop_oneof![
        (some_sku(), reference(), reference(), some_price()).prop_map(
            |(sku, name, department, unit_price_cents)| {
                let (category, brand) = (None, None);
                ProductAdded { sku, name, department, category, brand, unit_price_cents }.into()
            }
        ),
        some_price().prop_map(|unit_price_cents| PriceChanged { unit_price_cents }.into()),
        some_pieces().prop_map(|quantity| StockReceived { quantity }.into()),
        any::<u32>().prop_map(|counted| StockCounted { counted }.into()),
        moved().prop_map(|(order_id, quantity)| StockTaken { order_id, quantity }.into()),
        moved().prop_map(|(order_id, quantity)| StockGivenBack { order_id, quantity }.into()),
        Just(ProductDiscontinued {}.into()),
    ]
}

pub(crate) fn customer_event() -> impl Strategy<Value = CustomerEvent> {
    prop_oneof![
        (reference(), some_email()).prop_map(|(name, email)| {
            CustomerRegistered::from(NewCustomer { name, email, reference: None }).into()
        }),
        some_email().prop_map(|email| EmailChanged::from(email).into()),
    ]
}

pub(crate) fn claim_event() -> impl Strategy<Value = EmailClaimEvent> {
    prop_oneof![
        some_customer().prop_map(|customer_id| EmailClaimed { customer_id }.into()),
        Just(EmailReleased {}.into()),
    ]
}

pub(crate) fn cart_event() -> impl Strategy<Value = CartEvent> {
    prop_oneof![
        some_customer().prop_map(|customer_id| CartOpened { customer_id }.into()),
        (some_sku(), some_pieces())
            .prop_map(|(sku, quantity)| ItemQuantitySet { sku, quantity }.into()),
        some_sku().prop_map(|sku| ItemRemoved { sku }.into()),
        some_order().prop_map(|order_id| CartCheckedOut { order_id }.into()),
    ]
}

pub(crate) fn order_event() -> impl Strategy<Value = OrderEvent> {
    prop_oneof![
        placed(),
        imported(),
        (reference(), some_price()).prop_map(|(payment_reference, amount_cents)| {
            OrderPaid { payment_reference, amount_cents, currency: Currency::Usd }.into()
        }),
        (reference(), reference()).prop_map(|(carrier, tracking_number)| {
            OrderShipped { carrier, tracking_number }.into()
        }),
        Just(OrderDelivered {}.into()),
        reference().prop_map(|reason| OrderCancelled { reason }.into()),
        returned(),
    ]
}

fn placed() -> impl Strategy<Value = OrderEvent> {
    (some_customer(), some_cart(), vec(some_line(), 0..4), some_price()).prop_map(
        |(customer_id, cart_id, lines, total_cents)| {
            let currency = Currency::Usd;
            OrderPlaced { customer_id, cart_id, lines, total_cents, currency }.into()
        },
    )
}

fn imported() -> impl Strategy<Value = OrderEvent> {
    (reference(), some_customer(), some_status(), vec(some_line(), 0..4), some_price()).prop_map(
        |(reference, customer_id, status, lines, total_cents)| {
            let placed_at = "2017-01-31T10:15:30Z".parse().expect("a time");
            let currency = Currency::Usd;
            OrderImported {
                reference,
                customer_id,
                placed_at,
                status,
                lines,
                total_cents,
                currency,
            }
            .into()
        },
    )
}

fn returned() -> impl Strategy<Value = OrderEvent> {
    let line_no = select(&[0, 1, 2, 3, u32::MAX][..]);
    let line = (line_no, some_sku(), some_pieces(), some_price()).prop_map(
        |(line_no, sku, quantity, refund_cents)| ReturnedLine {
            line_no,
            sku,
            quantity,
            refund_cents,
        },
    );
    (vec(line, 0..4), some_price(), reference()).prop_map(|(lines, refund_cents, reason)| {
        ItemsReturned { lines, refund_cents, reason }.into()
    })
}
