//! What an order answers from the cart to the door. Imports and returns have files of their own.

use decider::testing::given;
use ordering::{
    CartId, Cents, Currency, CustomerId, Order, OrderCancelled, OrderCommand, OrderDelivered,
    OrderEvent, OrderLine, OrderPaid, OrderPlaced, OrderShipped, Payment, Place, Quantity,
    Rejection, Status, Text,
};

const TOTAL: i64 = 1_750;

fn text<const MOST: usize>(text: &str) -> Text<MOST> {
    text.to_owned().try_into().expect("a sound text")
}

fn cents(cents: i64) -> Cents {
    Cents::new(cents).expect("an amount")
}

fn line(sku: &str, quantity: i64, unit_price: i64) -> OrderLine {
    OrderLine {
        sku: sku.parse().expect("a sku"),
        quantity: Quantity::new(quantity).expect("a quantity"),
        unit_price_cents: cents(unit_price),
    }
}

fn lines() -> Vec<OrderLine> {
    vec![line("P-1", 3, 250), line("P-2", 1, 1_000)]
}

fn placed() -> OrderEvent {
    OrderPlaced {
        customer_id: CustomerId::derived("ann"),
        cart_id: CartId::derived("a cart"),
        lines: lines(),
        total_cents: cents(TOTAL),
        currency: Currency::Usd,
    }
    .into()
}

fn paid() -> OrderEvent {
    let (payment_reference, amount_cents) = (text("pay-1"), cents(TOTAL));
    OrderPaid { payment_reference, amount_cents, currency: Currency::Usd }.into()
}

fn shipped() -> OrderEvent {
    parcel("1Z-1").into()
}

fn delivered() -> OrderEvent {
    OrderDelivered {}.into()
}

fn cancelled() -> OrderEvent {
    cancellation("too late").into()
}

fn payment(reference: &str, amount: i64) -> Payment {
    Payment { payment_reference: text(reference), amount_cents: cents(amount) }
}

fn parcel(tracking_number: &str) -> OrderShipped {
    OrderShipped { carrier: text("UPS"), tracking_number: text(tracking_number) }
}

fn cancellation(reason: &str) -> OrderCancelled {
    OrderCancelled { reason: text(reason) }
}

fn place(lines: Vec<OrderLine>) -> OrderCommand {
    let (customer_id, cart_id) = (CustomerId::derived("ann"), CartId::derived("a cart"));
    OrderCommand::Place(Place { customer_id, cart_id, lines })
}

fn pay(reference: &str, amount: i64) -> OrderCommand {
    OrderCommand::Pay(payment(reference, amount))
}

fn ship(tracking_number: &str) -> OrderCommand {
    OrderCommand::Ship(parcel(tracking_number))
}

fn cancel(reason: &str) -> OrderCommand {
    OrderCommand::Cancel(cancellation(reason))
}

fn amount_differs(offered: i64) -> Rejection {
    Rejection::AmountDiffers { due: cents(TOTAL), offered: cents(offered) }
}

#[test]
fn an_order_is_placed_for_the_sum_of_its_lines() {
    given::<Order>([]).when(place(lines())).then([placed()]);
}

#[test]
fn placing_an_order_twice_changes_nothing() {
    given::<Order>([placed()]).when(place(lines())).then_nothing();
}

#[test]
fn an_order_has_a_line() {
    given::<Order>([]).when(place(vec![])).then_rejected(Rejection::OrderEmpty);
}

#[test]
fn a_line_beyond_what_can_be_booked_is_refused() {
    given::<Order>([])
        .when(place(vec![line("P-1", 2, i64::MAX / 2 + 1)]))
        .then_rejected(Rejection::TotalTooLarge);
}

#[test]
fn a_total_beyond_what_can_be_booked_is_refused() {
    given::<Order>([])
        .when(place(vec![line("P-1", 1, i64::MAX), line("P-2", 1, 1)]))
        .then_rejected(Rejection::TotalTooLarge);
}

#[test]
fn an_order_is_paid_in_full() {
    given::<Order>([placed()]).when(pay("pay-1", TOTAL)).then([paid()]);
}

#[test]
fn an_order_is_not_paid_in_part() {
    given::<Order>([placed()])
        .when(pay("pay-1", TOTAL - 1))
        .then_rejected(amount_differs(TOTAL - 1));
}

#[test]
fn an_order_is_not_overpaid() {
    given::<Order>([placed()])
        .when(pay("pay-1", TOTAL + 1))
        .then_rejected(amount_differs(TOTAL + 1));
}

#[test]
fn the_same_payment_twice_changes_nothing() {
    given::<Order>([placed(), paid()]).when(pay("pay-1", TOTAL)).then_nothing();
}

#[test]
fn a_payment_that_is_told_again_after_delivery_changes_nothing() {
    for so_far in [vec![shipped()], vec![shipped(), delivered()]] {
        given::<Order>([vec![placed(), paid()], so_far].concat())
            .when(pay("pay-1", TOTAL))
            .then_nothing();
    }
}

#[test]
fn an_order_is_paid_once() {
    given::<Order>([placed(), paid()])
        .when(pay("pay-2", TOTAL))
        .then_rejected(Rejection::AlreadyPaid);
}

#[test]
fn a_payment_does_not_change_its_amount() {
    given::<Order>([placed(), paid()])
        .when(pay("pay-1", TOTAL - 1))
        .then_rejected(Rejection::AlreadyPaid);
}

#[test]
fn a_delivered_order_is_not_paid_again() {
    given::<Order>([placed(), paid(), shipped(), delivered()])
        .when(pay("pay-2", TOTAL))
        .then_rejected(Rejection::AlreadyPaid);
}

#[test]
fn a_paid_order_is_shipped() {
    given::<Order>([placed(), paid()]).when(ship("1Z-1")).then([shipped()]);
}

#[test]
fn an_unpaid_order_is_not_shipped() {
    given::<Order>([placed()]).when(ship("1Z-1")).then_rejected(Rejection::NotPaid);
}

#[test]
fn shipping_the_same_parcel_twice_changes_nothing() {
    given::<Order>([placed(), paid(), shipped()]).when(ship("1Z-1")).then_nothing();
}

#[test]
fn a_parcel_that_is_told_again_after_delivery_changes_nothing() {
    given::<Order>([placed(), paid(), shipped(), delivered()]).when(ship("1Z-1")).then_nothing();
}

#[test]
fn an_order_goes_out_in_one_parcel() {
    given::<Order>([placed(), paid(), shipped()])
        .when(ship("1Z-2"))
        .then_rejected(Rejection::AlreadyShipped);
}

#[test]
fn a_delivered_order_is_not_shipped_again() {
    given::<Order>([placed(), paid(), shipped(), delivered()])
        .when(ship("1Z-2"))
        .then_rejected(Rejection::AlreadyShipped);
}

#[test]
fn a_shipped_order_is_delivered() {
    let on_its_way = [placed(), paid(), shipped()];
    let order = given::<Order>(on_its_way).when(OrderCommand::Deliver).then([delivered()]);
    assert_eq!(order.known().unwrap().status, Status::Delivered);
}

#[test]
fn delivering_twice_changes_nothing() {
    given::<Order>([placed(), paid(), shipped(), delivered()])
        .when(OrderCommand::Deliver)
        .then_nothing();
}

#[test]
fn an_order_that_was_not_shipped_is_not_delivered() {
    for so_far in [vec![placed()], vec![placed(), paid()]] {
        given::<Order>(so_far).when(OrderCommand::Deliver).then_rejected(Rejection::NotShipped);
    }
}

#[test]
fn a_placed_order_is_cancelled() {
    given::<Order>([placed()]).when(cancel("too late")).then([cancelled()]);
}

#[test]
fn a_paid_order_is_cancelled() {
    given::<Order>([placed(), paid()]).when(cancel("too late")).then([cancelled()]);
}

#[test]
fn cancelling_twice_changes_nothing() {
    given::<Order>([placed(), cancelled()]).when(cancel("too late")).then_nothing();
}

#[test]
fn cancelling_again_for_another_reason_changes_nothing() {
    given::<Order>([placed(), cancelled()]).when(cancel("too dear")).then_nothing();
}

#[test]
fn a_shipped_order_cannot_be_cancelled() {
    given::<Order>([placed(), paid(), shipped()])
        .when(cancel("too late"))
        .then_rejected(Rejection::AlreadyShipped);
}

#[test]
fn a_delivered_order_cannot_be_cancelled() {
    given::<Order>([placed(), paid(), shipped(), delivered()])
        .when(cancel("too late"))
        .then_rejected(Rejection::AlreadyShipped);
}

#[test]
fn a_cancelled_order_goes_no_further() {
    for command in [pay("pay-1", TOTAL), ship("1Z-1"), OrderCommand::Deliver] {
        given::<Order>([placed(), cancelled()])
            .when(command)
            .then_rejected(Rejection::OrderCancelled);
    }
}

#[test]
fn the_payment_of_a_cancelled_order_is_not_taken_again() {
    given::<Order>([placed(), paid(), cancelled()])
        .when(pay("pay-1", TOTAL))
        .then_rejected(Rejection::OrderCancelled);
}

#[test]
fn an_unknown_order_takes_no_command() {
    let deliver = OrderCommand::Deliver;
    for command in [pay("pay-1", TOTAL), ship("1Z-1"), deliver, cancel("too late")] {
        given::<Order>([]).when(command).then_rejected(Rejection::UnknownOrder);
    }
}
