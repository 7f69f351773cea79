//! What a product answers to each command.

use decider::testing::given;
use ordering::{
    Cents, OrderId, PriceChanged, Product, ProductAdded, ProductCommand, ProductDiscontinued,
    ProductEvent, Quantity, Rejection, Sku, StockCounted, StockGivenBack, StockReceived,
    StockTaken,
};

fn sku() -> Sku {
    "P-1".parse().expect("a sku")
}

fn cents(cents: i64) -> Cents {
    Cents::new(cents).expect("an amount")
}

fn pieces(pieces: i64) -> Quantity {
    Quantity::new(pieces).expect("a quantity")
}

fn order_id() -> OrderId {
    OrderId::derived("an order")
}

fn salsa() -> ProductAdded {
    ProductAdded {
        sku: sku(),
        name: "Salsa".to_owned().try_into().expect("a name"),
        department: "Grocery".to_owned().try_into().expect("a department"),
        category: None,
        brand: None,
        unit_price_cents: cents(250),
    }
}

fn added() -> ProductEvent {
    salsa().into()
}

fn repriced(price: i64) -> ProductEvent {
    PriceChanged { unit_price_cents: cents(price) }.into()
}

fn received(quantity: i64) -> ProductEvent {
    StockReceived { quantity: pieces(quantity) }.into()
}

fn counted(counted: u32) -> ProductEvent {
    StockCounted { counted }.into()
}

fn taken(quantity: i64) -> ProductEvent {
    StockTaken { order_id: order_id(), quantity: pieces(quantity) }.into()
}

fn given_back(quantity: i64) -> ProductEvent {
    StockGivenBack { order_id: order_id(), quantity: pieces(quantity) }.into()
}

fn discontinued() -> ProductEvent {
    ProductDiscontinued {}.into()
}

fn add() -> (Sku, ProductCommand) {
    (sku(), ProductCommand::Add(salsa()))
}

fn reprice(price: i64) -> (Sku, ProductCommand) {
    (sku(), ProductCommand::ChangePrice(cents(price)))
}

fn receive(quantity: i64) -> (Sku, ProductCommand) {
    (sku(), ProductCommand::Receive(pieces(quantity)))
}

fn count(counted: u32) -> (Sku, ProductCommand) {
    (sku(), ProductCommand::Count(counted))
}

fn discontinue() -> (Sku, ProductCommand) {
    (sku(), ProductCommand::Discontinue)
}

fn take(quantity: i64) -> (Sku, ProductCommand) {
    let quantity = pieces(quantity);
    (sku(), ProductCommand::Take(StockTaken { order_id: order_id(), quantity }))
}

fn give_back(quantity: i64) -> (Sku, ProductCommand) {
    let quantity = pieces(quantity);
    (sku(), ProductCommand::GiveBack(StockGivenBack { order_id: order_id(), quantity }))
}

fn unknown() -> Rejection {
    Rejection::UnknownProduct(sku())
}

fn out_of_stock(stock: i64, wanted: u32) -> Rejection {
    Rejection::OutOfStock { sku: sku(), stock, wanted }
}

#[test]
fn a_product_comes_into_the_shop_with_nothing_in_stock() {
    let product = given::<Product>([]).when(add()).then([added()]);
    let listing = product.listing().expect("it is listed");
    assert_eq!((listing.stock, listing.unit_price_cents), (0, cents(250)));
}

#[test]
fn a_sku_names_one_product_only() {
    given::<Product>([added()]).when(add()).then_rejected(Rejection::SkuTaken(sku()));
}

#[test]
fn a_discontinued_product_keeps_its_sku() {
    given::<Product>([added(), discontinued()])
        .when(add())
        .then_rejected(Rejection::SkuTaken(sku()));
}

#[test]
fn a_price_changes() {
    let product = given::<Product>([added()]).when(reprice(300)).then([repriced(300)]);
    assert_eq!(product.listing().unwrap().unit_price_cents, cents(300));
}

#[test]
fn a_price_changes_back() {
    given::<Product>([added(), repriced(300)]).when(reprice(250)).then([repriced(250)]);
}

#[test]
fn naming_the_price_that_it_has_changes_nothing() {
    given::<Product>([added(), repriced(300)]).when(reprice(300)).then_nothing();
}

#[test]
fn an_unknown_product_has_no_price_to_change() {
    given::<Product>([]).when(reprice(300)).then_rejected(unknown());
}

#[test]
fn goods_come_in() {
    let product = given::<Product>([added(), received(2)]).when(receive(5)).then([received(5)]);
    assert_eq!(product.listing().unwrap().stock, 7);
}

#[test]
fn the_same_goods_again_are_more_goods() {
    given::<Product>([added(), received(5)]).when(receive(5)).then([received(5)]);
}

#[test]
fn a_discontinued_product_still_takes_goods_in() {
    given::<Product>([added(), discontinued()]).when(receive(5)).then([received(5)]);
}

#[test]
fn stock_is_full_at_what_a_count_can_say() {
    given::<Product>([added(), counted(u32::MAX - 5)]).when(receive(5)).then([received(5)]);
}

#[test]
fn more_goods_than_a_count_can_say_are_refused() {
    given::<Product>([added(), counted(u32::MAX - 5)])
        .when(receive(6))
        .then_rejected(Rejection::QuantityTooLarge(u32::MAX.into()));
}

#[test]
fn an_unknown_product_takes_no_goods_in() {
    given::<Product>([]).when(receive(5)).then_rejected(unknown());
}

#[test]
fn a_quantity_is_from_one_to_a_million() {
    assert!([1, 1_000_000].map(Quantity::new).iter().all(Result::is_ok));
    assert!([i64::MIN, -1, 0, 1_000_001, i64::MAX].map(Quantity::new).iter().all(Result::is_err));
}

#[test]
fn a_price_is_never_negative() {
    assert!([0, i64::MAX].map(Cents::new).iter().all(Result::is_ok));
    assert!([i64::MIN, -1].map(Cents::new).iter().all(Result::is_err));
}

#[test]
fn a_count_overrides_what_was_believed() {
    let product = given::<Product>([added(), received(5)]).when(count(3)).then([counted(3)]);
    assert_eq!(product.listing().unwrap().stock, 3);
}

#[test]
fn a_count_may_find_nothing() {
    given::<Product>([added(), received(5)]).when(count(0)).then([counted(0)]);
}

#[test]
fn a_count_that_confirms_what_was_believed_changes_nothing() {
    given::<Product>([added(), received(5), taken(2)]).when(count(3)).then_nothing();
}

#[test]
fn an_unknown_product_is_not_counted() {
    given::<Product>([]).when(count(3)).then_rejected(unknown());
}

#[test]
fn a_product_is_discontinued() {
    given::<Product>([added(), received(5)]).when(discontinue()).then([discontinued()]);
}

#[test]
fn discontinuing_twice_changes_nothing() {
    given::<Product>([added(), discontinued()]).when(discontinue()).then_nothing();
}

#[test]
fn an_unknown_product_is_not_discontinued() {
    given::<Product>([]).when(discontinue()).then_rejected(unknown());
}

#[test]
fn only_a_listed_product_is_sold() {
    let product = given::<Product>([]).when(add()).then([added()]);
    assert_eq!(product.sold(&sku()).map(|listing| listing.stock), Ok(0));
    assert_eq!(Product::Unknown.sold(&sku()).err(), Some(unknown()));
}

#[test]
fn a_discontinued_product_is_not_sold() {
    let product = given::<Product>([added()]).when(discontinue()).then([discontinued()]);
    assert_eq!(product.sold(&sku()).err(), Some(Rejection::Discontinued(sku())));
}

#[test]
fn an_order_takes_the_last_pieces() {
    let product = given::<Product>([added(), received(5)]).when(take(5)).then([taken(5)]);
    assert_eq!(product.listing().unwrap().stock, 0);
}

#[test]
fn an_order_takes_no_more_than_is_there() {
    given::<Product>([added(), received(5)]).when(take(6)).then_rejected(out_of_stock(5, 6));
}

#[test]
fn what_is_taken_is_gone() {
    given::<Product>([added(), received(5), taken(4)])
        .when(take(2))
        .then_rejected(out_of_stock(1, 2));
}

#[test]
fn a_count_decides_what_can_be_taken() {
    given::<Product>([added(), received(5), counted(1)])
        .when(take(2))
        .then_rejected(out_of_stock(1, 2));
}

#[test]
fn a_new_product_has_nothing_to_take() {
    given::<Product>([added()]).when(take(1)).then_rejected(out_of_stock(0, 1));
}

#[test]
fn a_discontinued_product_is_not_taken() {
    given::<Product>([added(), received(5), discontinued()])
        .when(take(1))
        .then_rejected(Rejection::Discontinued(sku()));
}

#[test]
fn an_unknown_product_is_not_taken() {
    given::<Product>([]).when(take(1)).then_rejected(unknown());
}

#[test]
fn a_cancelled_order_gives_its_pieces_back() {
    let sold_out = [added(), received(5), taken(5)];
    let product = given::<Product>(sold_out).when(give_back(5)).then([given_back(5)]);
    assert_eq!(product.listing().unwrap().stock, 5);
}

#[test]
fn what_was_given_back_is_taken_again() {
    given::<Product>([added(), received(5), taken(5), given_back(5)])
        .when(take(5))
        .then([taken(5)]);
}

#[test]
fn a_discontinued_product_is_given_back() {
    given::<Product>([added(), received(5), taken(5), discontinued()])
        .when(give_back(5))
        .then([given_back(5)]);
}

#[test]
fn an_unknown_product_is_not_given_back() {
    given::<Product>([]).when(give_back(5)).then_rejected(unknown());
}
