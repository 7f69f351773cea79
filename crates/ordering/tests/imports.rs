//! What becomes of an order from before this system.

use decider::testing::given;
use ordering::{
    Cents, Currency, CustomerId, Decider, Import, Order, OrderCancelled, OrderCommand,
    OrderDelivered, OrderEvent, OrderId, OrderImported, OrderLine, OrderPaid, OrderShipped,
    Payment, Quantity, Rejection, Status, Text, Timestamp,
};

fn text<const MOST: usize>(text: &str) -> Text<MOST> {
    text.to_owned().try_into().expect("a sound text")
}

fn cents(cents: i64) -> Cents {
    Cents::new(cents).expect("an amount")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn line(sku: &str, quantity: i64, unit_price: i64) -> OrderLine {
    OrderLine {
        sku: sku.parse().expect("a sku"),
        quantity: Quantity::new(quantity).expect("a quantity"),
        unit_price_cents: cents(unit_price),
    }
}

fn basket(status: Status) -> Import {
    Import {
        reference: text("basket 7"),
        customer_id: CustomerId::derived("ann"),
        placed_at: at("2017-01-31T10:15:30Z"),
        status,
        lines: vec![line("P-1", 3, 250), line("P-2", 1, 1_000)],
    }
}

fn imported(status: Status) -> OrderEvent {
    let Import { reference, customer_id, placed_at, status, lines } = basket(status);
    let (total_cents, currency) = (cents(1_750), Currency::Usd);
    OrderImported { reference, customer_id, placed_at, status, lines, total_cents, currency }.into()
}

fn payment() -> Payment {
    Payment { payment_reference: text("pay-1"), amount_cents: cents(1_750) }
}

fn paid() -> OrderEvent {
    let Payment { payment_reference, amount_cents } = payment();
    OrderPaid { payment_reference, amount_cents, currency: Currency::Usd }.into()
}

fn parcel() -> OrderShipped {
    OrderShipped { carrier: text("UPS"), tracking_number: text("1Z-1") }
}

fn delivered() -> OrderEvent {
    OrderDelivered {}.into()
}

fn cancellation() -> OrderCancelled {
    OrderCancelled { reason: text("never sent") }
}

fn import(import: Import) -> OrderCommand {
    OrderCommand::Import(import)
}

const EVERY_STATUS: [Status; 5] =
    [Status::Placed, Status::Paid, Status::Shipped, Status::Delivered, Status::Cancelled];

#[test]
fn an_order_is_imported_as_far_as_it_had_come() {
    for status in EVERY_STATUS {
        let order = given::<Order>([]).when(import(basket(status))).then([imported(status)]);
        assert_eq!(order.known().unwrap().status, status);
    }
}

#[test]
fn an_order_with_very_many_lines_is_imported_whole() {
    let lines: Vec<_> = (0..1_000).map(|number| line(&format!("P-{number}"), 1, 10)).collect();
    let long = Import { lines, ..basket(Status::Delivered) };
    let events = Order::Unknown.decide(import(long.clone())).unwrap();
    assert!(matches!(&events[..], [OrderEvent::Imported(whole)] if whole.lines == long.lines));
}

#[test]
fn importing_an_order_twice_changes_nothing() {
    for status in EVERY_STATUS {
        given::<Order>([imported(status)]).when(import(basket(status))).then_nothing();
    }
}

#[test]
fn importing_an_order_again_after_it_went_on_changes_nothing() {
    given::<Order>([imported(Status::Shipped), delivered()])
        .when(import(basket(Status::Shipped)))
        .then_nothing();
}

#[test]
fn the_reference_determines_the_order() {
    assert_eq!(OrderId::imported("basket 7"), OrderId::imported("basket 7"));
    assert_ne!(OrderId::imported("basket 7"), OrderId::imported("basket 8"));
}

#[test]
fn a_reference_belongs_to_one_order() {
    let basket = basket(Status::Delivered);
    let others = [
        Import { customer_id: CustomerId::derived("bob"), ..basket.clone() },
        Import { placed_at: at("2017-01-31T10:15:31Z"), ..basket.clone() },
        Import { status: Status::Shipped, ..basket.clone() },
        Import { lines: vec![line("P-1", 3, 250)], ..basket.clone() },
        Import { lines: vec![line("P-1", 3, 250), line("P-2", 2, 1_000)], ..basket },
    ];
    for other in others {
        given::<Order>([imported(Status::Delivered)])
            .when(import(other))
            .then_rejected(Rejection::ReferenceTaken);
    }
}

#[test]
fn an_imported_order_has_a_line() {
    given::<Order>([])
        .when(import(Import { lines: vec![], ..basket(Status::Delivered) }))
        .then_rejected(Rejection::OrderEmpty);
}

#[test]
fn an_imported_total_beyond_what_can_be_booked_is_refused() {
    let lines = vec![line("P-1", 1, i64::MAX), line("P-2", 1, 1)];
    given::<Order>([])
        .when(import(Import { lines, ..basket(Status::Delivered) }))
        .then_rejected(Rejection::TotalTooLarge);
}

#[test]
fn an_order_imported_as_placed_is_paid() {
    given::<Order>([imported(Status::Placed)]).when(OrderCommand::Pay(payment())).then([paid()]);
}

#[test]
fn an_order_imported_as_paid_is_not_paid_again() {
    for status in [Status::Paid, Status::Shipped, Status::Delivered] {
        given::<Order>([imported(status)])
            .when(OrderCommand::Pay(payment()))
            .then_rejected(Rejection::AlreadyPaid);
    }
}

#[test]
fn an_order_imported_as_paid_is_shipped() {
    given::<Order>([imported(Status::Paid)])
        .when(OrderCommand::Ship(parcel()))
        .then([parcel().into()]);
}

#[test]
fn an_order_imported_as_shipped_is_not_shipped_again() {
    for status in [Status::Shipped, Status::Delivered] {
        given::<Order>([imported(status)])
            .when(OrderCommand::Ship(parcel()))
            .then_rejected(Rejection::AlreadyShipped);
    }
}

#[test]
fn an_order_imported_as_shipped_is_delivered() {
    given::<Order>([imported(Status::Shipped)]).when(OrderCommand::Deliver).then([delivered()]);
}

#[test]
fn an_order_imported_as_delivered_is_there_already() {
    given::<Order>([imported(Status::Delivered)]).when(OrderCommand::Deliver).then_nothing();
}

#[test]
fn an_imported_order_is_cancelled_until_shipped() {
    for status in [Status::Placed, Status::Paid] {
        given::<Order>([imported(status)])
            .when(OrderCommand::Cancel(cancellation()))
            .then([cancellation().into()]);
    }
}

#[test]
fn an_order_imported_as_shipped_cannot_be_cancelled() {
    for status in [Status::Shipped, Status::Delivered] {
        given::<Order>([imported(status)])
            .when(OrderCommand::Cancel(cancellation()))
            .then_rejected(Rejection::AlreadyShipped);
    }
}

#[test]
fn an_order_imported_as_cancelled_goes_no_further() {
    let (pay, ship) = (OrderCommand::Pay(payment()), OrderCommand::Ship(parcel()));
    for command in [pay, ship, OrderCommand::Deliver] {
        given::<Order>([imported(Status::Cancelled)])
            .when(command)
            .then_rejected(Rejection::OrderCancelled);
    }
}
