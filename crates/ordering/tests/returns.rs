//! What comes back of an order, and what is refunded for it.

use decider::testing::given;
use ordering::{
    CartId, Cents, Currency, CustomerId, ItemsReturned, Order, OrderCancelled, OrderCommand,
    OrderDelivered, OrderEvent, OrderImported, OrderLine, OrderPaid, OrderPlaced, OrderShipped,
    Quantity, Rejection, Return, ReturnedLine, Sku, Status, Text,
};

fn text<const MOST: usize>(text: &str) -> Text<MOST> {
    text.to_owned().try_into().expect("a sound text")
}

fn sku(text: &str) -> Sku {
    text.parse().expect("a sku")
}

fn cents(cents: i64) -> Cents {
    Cents::new(cents).expect("an amount")
}

fn pieces(pieces: i64) -> Quantity {
    Quantity::new(pieces).expect("a quantity")
}

fn line(item: &str, quantity: i64, unit_price: i64) -> OrderLine {
    let (quantity, unit_price_cents) = (pieces(quantity), cents(unit_price));
    OrderLine { sku: sku(item), quantity, unit_price_cents }
}

fn placed() -> OrderEvent {
    OrderPlaced {
        customer_id: CustomerId::derived("ann"),
        cart_id: CartId::derived("a cart"),
        lines: vec![line("P-1", 3, 250), line("P-2", 1, 1_000)],
        total_cents: cents(1_750),
        currency: Currency::Usd,
    }
    .into()
}

fn paid() -> OrderEvent {
    OrderPaid {
        payment_reference: text("pay-1"),
        amount_cents: cents(1_750),
        currency: Currency::Usd,
    }
    .into()
}

fn shipped() -> OrderEvent {
    OrderShipped { carrier: text("UPS"), tracking_number: text("1Z-1") }.into()
}

fn cancelled() -> OrderEvent {
    OrderCancelled { reason: text("too late") }.into()
}

fn delivered() -> Vec<OrderEvent> {
    vec![placed(), paid(), shipped(), OrderDelivered {}.into()]
}

/// A basket that was scanned the same product twice, at two prices.
fn imported_with_a_product_on_two_lines() -> OrderEvent {
    OrderImported {
        reference: text("basket 7"),
        customer_id: CustomerId::derived("ann"),
        placed_at: "2017-01-31T10:15:30Z".parse().expect("a time"),
        status: Status::Delivered,
        lines: vec![line("P-1", 2, 250), line("P-2", 1, 1_000), line("P-1", 2, 200)],
        total_cents: cents(1_900),
        currency: Currency::Usd,
    }
    .into()
}

fn back(line_no: u32, item: &str, quantity: i64, refund: i64) -> ReturnedLine {
    let (quantity, refund_cents) = (pieces(quantity), cents(refund));
    ReturnedLine { line_no, sku: sku(item), quantity, refund_cents }
}

fn returned(lines: impl Into<Vec<ReturnedLine>>, refund: i64) -> OrderEvent {
    let (lines, refund_cents) = (lines.into(), cents(refund));
    ItemsReturned { lines, refund_cents, reason: text("stale") }.into()
}

fn take_back<const N: usize>(items: [(&str, i64); N]) -> OrderCommand {
    let items = items.map(|(item, quantity)| (sku(item), pieces(quantity))).into();
    OrderCommand::Return(Return { items, reason: text("stale") })
}

fn too_many(item: &str, left: u64, wanted: u64) -> Rejection {
    Rejection::ReturnTooLarge { sku: sku(item), left, wanted }
}

#[test]
fn pieces_come_back_for_what_they_cost() {
    let order = given::<Order>(delivered())
        .when(take_back([("P-1", 2)]))
        .then([returned([back(1, "P-1", 2, 500)], 500)]);
    assert_eq!(order.known().unwrap().refund_cents, cents(500));
}

#[test]
fn a_whole_order_comes_back_for_all_that_was_paid() {
    given::<Order>(delivered())
        .when(take_back([("P-2", 1), ("P-1", 3)]))
        .then([returned([back(1, "P-1", 3, 750), back(2, "P-2", 1, 1_000)], 1_750)]);
}

#[test]
fn the_rest_comes_back_later() {
    let some = returned([back(1, "P-1", 2, 500)], 500);
    let order = given::<Order>([delivered(), vec![some]].concat())
        .when(take_back([("P-1", 1)]))
        .then([returned([back(1, "P-1", 1, 250)], 250)]);
    assert_eq!(order.known().unwrap().refund_cents, cents(750));
}

#[test]
fn what_comes_back_bit_by_bit_adds_up() {
    let one = || returned([back(1, "P-1", 1, 250)], 250);
    given::<Order>([delivered(), vec![one(), one()]].concat())
        .when(take_back([("P-1", 2)]))
        .then_rejected(too_many("P-1", 1, 2));
}

#[test]
fn an_order_of_which_something_came_back_stays_delivered() {
    let some = returned([back(1, "P-1", 2, 500)], 500);
    given::<Order>([delivered(), vec![some]].concat()).when(OrderCommand::Deliver).then_nothing();
}

#[test]
fn no_more_comes_back_than_was_bought() {
    given::<Order>(delivered()).when(take_back([("P-1", 4)])).then_rejected(too_many("P-1", 3, 4));
}

#[test]
fn no_more_comes_back_than_is_left() {
    let some = returned([back(1, "P-1", 2, 500)], 500);
    given::<Order>([delivered(), vec![some]].concat())
        .when(take_back([("P-1", 2)]))
        .then_rejected(too_many("P-1", 1, 2));
}

#[test]
fn what_came_back_whole_does_not_come_back_again() {
    let all = returned([back(1, "P-1", 3, 750)], 750);
    given::<Order>([delivered(), vec![all]].concat())
        .when(take_back([("P-1", 1)]))
        .then_rejected(too_many("P-1", 0, 1));
}

#[test]
fn the_same_product_named_twice_adds_up() {
    given::<Order>(delivered())
        .when(take_back([("P-1", 1), ("P-1", 2)]))
        .then([returned([back(1, "P-1", 3, 750)], 750)]);
}

#[test]
fn naming_a_product_twice_gets_no_more_back() {
    given::<Order>(delivered())
        .when(take_back([("P-1", 2), ("P-1", 2)]))
        .then_rejected(too_many("P-1", 3, 4));
}

#[test]
fn what_was_not_bought_does_not_come_back() {
    given::<Order>(delivered())
        .when(take_back([("P-3", 1)]))
        .then_rejected(Rejection::NotInOrder(sku("P-3")));
}

#[test]
fn one_wrong_line_refuses_the_whole_return() {
    given::<Order>(delivered())
        .when(take_back([("P-1", 1), ("P-2", 2)]))
        .then_rejected(too_many("P-2", 1, 2));
}

#[test]
fn a_return_of_nothing_is_refused() {
    given::<Order>(delivered()).when(take_back([])).then_rejected(Rejection::ReturnEmpty);
}

#[test]
fn a_product_on_two_lines_comes_back_from_the_first_on() {
    given::<Order>([imported_with_a_product_on_two_lines()])
        .when(take_back([("P-1", 3)]))
        .then([returned([back(1, "P-1", 2, 500), back(3, "P-1", 1, 200)], 700)]);
}

#[test]
fn a_line_that_came_back_whole_is_passed_over() {
    let first = returned([back(1, "P-1", 2, 500)], 500);
    given::<Order>([imported_with_a_product_on_two_lines(), first])
        .when(take_back([("P-1", 1)]))
        .then([returned([back(3, "P-1", 1, 200)], 200)]);
}

#[test]
fn no_more_comes_back_than_both_lines_of_a_product_hold() {
    given::<Order>([imported_with_a_product_on_two_lines()])
        .when(take_back([("P-1", 5)]))
        .then_rejected(too_many("P-1", 4, 5));
}

#[test]
fn only_what_was_delivered_comes_back() {
    for so_far in [vec![placed()], vec![placed(), paid()], vec![placed(), paid(), shipped()]] {
        given::<Order>(so_far).when(take_back([("P-1", 1)])).then_rejected(Rejection::NotDelivered);
    }
}

#[test]
fn nothing_comes_back_of_a_cancelled_order() {
    given::<Order>([placed(), paid(), cancelled()])
        .when(take_back([("P-1", 1)]))
        .then_rejected(Rejection::OrderCancelled);
}

#[test]
fn nothing_comes_back_of_an_unknown_order() {
    given::<Order>([]).when(take_back([("P-1", 1)])).then_rejected(Rejection::UnknownOrder);
}
