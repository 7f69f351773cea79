//! What a cart answers to each command. What happens beyond it at checkout is in `checkout`.

use decider::testing::given;
use ordering::{
    Cart, CartCheckedOut, CartCommand, CartEvent, CartOpened, CustomerId, ItemQuantitySet,
    ItemRemoved, OrderId, Quantity, Rejection, Sku,
};

fn sku(text: &str) -> Sku {
    text.parse().expect("a sku")
}

fn pieces(pieces: i64) -> Quantity {
    Quantity::new(pieces).expect("a quantity")
}

fn ann() -> CustomerId {
    CustomerId::derived("ann")
}

fn bob() -> CustomerId {
    CustomerId::derived("bob")
}

fn order_id() -> OrderId {
    OrderId::derived("an order")
}

fn opened() -> CartEvent {
    CartOpened { customer_id: ann() }.into()
}

fn holds(item: &str, quantity: i64) -> CartEvent {
    ItemQuantitySet { sku: sku(item), quantity: pieces(quantity) }.into()
}

fn removed(item: &str) -> CartEvent {
    ItemRemoved { sku: sku(item) }.into()
}

fn checked_out() -> CartEvent {
    CartCheckedOut { order_id: order_id() }.into()
}

/// A cart with as many different products as fit.
fn full() -> Vec<CartEvent> {
    let items = (0..Cart::MOST_ITEMS).map(|number| holds(&format!("P-{number}"), 1));
    [opened()].into_iter().chain(items).collect()
}

fn add(item: &str, quantity: i64) -> CartCommand {
    CartCommand::AddItem(sku(item), pieces(quantity))
}

fn set(item: &str, quantity: i64) -> CartCommand {
    CartCommand::SetQuantity(sku(item), pieces(quantity))
}

fn remove(item: &str) -> CartCommand {
    CartCommand::RemoveItem(sku(item))
}

fn check_out() -> CartCommand {
    CartCommand::CheckOut(order_id())
}

fn cart_full() -> Rejection {
    Rejection::CartFull(Cart::MOST_ITEMS)
}

#[test]
fn a_customer_takes_a_cart() {
    let cart = given::<Cart>([]).when(CartCommand::Open(ann())).then([opened()]);
    assert_eq!(cart.customer_id(), Some(ann()));
}

#[test]
fn taking_the_same_cart_twice_changes_nothing() {
    given::<Cart>([opened(), holds("P-1", 2)]).when(CartCommand::Open(ann())).then_nothing();
}

#[test]
fn taking_a_cart_that_became_an_order_changes_nothing() {
    given::<Cart>([opened(), holds("P-1", 2), checked_out()])
        .when(CartCommand::Open(ann()))
        .then_nothing();
}

#[test]
fn the_cart_of_another_customer_is_not_there() {
    given::<Cart>([opened()]).when(CartCommand::Open(bob())).then_rejected(Rejection::UnknownCart);
}

#[test]
fn a_product_is_put_into_a_cart() {
    let cart = given::<Cart>([opened()]).when(add("P-1", 2)).then([holds("P-1", 2)]);
    assert_eq!(cart.open().unwrap().items[&sku("P-1")], pieces(2));
}

#[test]
fn pieces_are_put_on_top_of_what_is_there() {
    given::<Cart>([opened(), holds("P-1", 2)]).when(add("P-1", 3)).then([holds("P-1", 5)]);
}

#[test]
fn each_product_of_a_cart_has_its_own_quantity() {
    given::<Cart>([opened(), holds("P-1", 2)]).when(add("P-2", 3)).then([holds("P-2", 3)]);
}

#[test]
fn a_product_that_was_put_back_starts_anew() {
    given::<Cart>([opened(), holds("P-1", 2), removed("P-1")])
        .when(add("P-1", 3))
        .then([holds("P-1", 3)]);
}

#[test]
fn a_cart_holds_the_most_pieces_of_a_product() {
    given::<Cart>([opened(), holds("P-1", 999_999)])
        .when(add("P-1", 1))
        .then([holds("P-1", 1_000_000)]);
}

#[test]
fn more_pieces_than_a_line_takes_are_refused() {
    given::<Cart>([opened(), holds("P-1", 999_999)])
        .when(add("P-1", 2))
        .then_rejected(Rejection::QuantityTooLarge(1_000_000));
}

#[test]
fn a_cart_takes_its_last_product() {
    let but_one = full().split_last().unwrap().1.to_vec();
    given::<Cart>(but_one).when(add("P-other", 1)).then([holds("P-other", 1)]);
}

#[test]
fn a_full_cart_takes_no_other_product() {
    given::<Cart>(full()).when(add("P-other", 1)).then_rejected(cart_full());
}

#[test]
fn a_full_cart_takes_more_of_what_is_in_it() {
    given::<Cart>(full()).when(add("P-7", 1)).then([holds("P-7", 2)]);
}

#[test]
fn a_quantity_is_set_on_no_other_product_of_a_full_cart() {
    given::<Cart>(full()).when(set("P-other", 1)).then_rejected(cart_full());
}

#[test]
fn a_full_cart_has_room_after_something_was_put_back() {
    let one_put_back = [full(), vec![removed("P-7")]].concat();
    given::<Cart>(one_put_back).when(add("P-other", 1)).then([holds("P-other", 1)]);
}

#[test]
fn a_quantity_is_set_whatever_it_was() {
    given::<Cart>([opened(), holds("P-1", 5)]).when(set("P-1", 2)).then([holds("P-1", 2)]);
}

#[test]
fn a_quantity_is_set_for_a_product_that_was_not_there() {
    given::<Cart>([opened()]).when(set("P-1", 2)).then([holds("P-1", 2)]);
}

#[test]
fn setting_the_same_quantity_twice_changes_nothing() {
    given::<Cart>([opened(), holds("P-1", 5), holds("P-1", 2)]).when(set("P-1", 2)).then_nothing();
}

#[test]
fn a_product_is_put_back() {
    let cart = given::<Cart>([opened(), holds("P-1", 2), holds("P-2", 1)])
        .when(remove("P-1"))
        .then([removed("P-1")]);
    assert_eq!(cart.open().unwrap().items.keys().collect::<Vec<_>>(), [&sku("P-2")]);
}

#[test]
fn putting_a_product_back_twice_changes_nothing() {
    given::<Cart>([opened(), holds("P-1", 2), removed("P-1")]).when(remove("P-1")).then_nothing();
}

#[test]
fn a_cart_becomes_an_order() {
    let filled = [opened(), holds("P-1", 2)];
    let cart = given::<Cart>(filled).when(check_out()).then([checked_out()]);
    assert_eq!(cart, Cart::CheckedOut { customer_id: ann(), order_id: order_id() });
}

#[test]
fn becoming_the_same_order_twice_changes_nothing() {
    given::<Cart>([opened(), holds("P-1", 2), checked_out()]).when(check_out()).then_nothing();
}

#[test]
fn a_cart_becomes_one_order_only() {
    given::<Cart>([opened(), holds("P-1", 2), checked_out()])
        .when(CartCommand::CheckOut(OrderId::derived("another order")))
        .then_rejected(Rejection::CartCheckedOut);
}

#[test]
fn a_new_cart_is_too_empty_to_become_an_order() {
    given::<Cart>([opened()]).when(check_out()).then_rejected(Rejection::CartEmpty);
}

#[test]
fn an_emptied_cart_does_not_become_an_order() {
    given::<Cart>([opened(), holds("P-1", 2), removed("P-1")])
        .when(check_out())
        .then_rejected(Rejection::CartEmpty);
}

#[test]
fn nothing_is_changed_in_a_cart_that_became_an_order() {
    for command in [add("P-1", 1), add("P-2", 1), set("P-1", 2), remove("P-1")] {
        given::<Cart>([opened(), holds("P-1", 2), checked_out()])
            .when(command)
            .then_rejected(Rejection::CartCheckedOut);
    }
}

#[test]
fn an_unknown_cart_takes_no_command() {
    for command in [add("P-1", 1), set("P-1", 1), remove("P-1"), check_out()] {
        given::<Cart>([]).when(command).then_rejected(Rejection::UnknownCart);
    }
}
