//! A checkout and a cancellation: several streams change together, or none.

use std::collections::BTreeMap;

use ordering::{
    Cart, CartCheckedOut, CartCommand, CartEvent, CartId, CartOpened, Cents, Checkout, Currency,
    CustomerId, Decider, Import, ItemQuantitySet, KnownOrder, Order, OrderCancelled, OrderCommand,
    OrderEvent, OrderId, OrderLine, OrderPlaced, PriceChanged, Product, ProductAdded,
    ProductCommand, ProductDiscontinued, ProductEvent, Quantity, Rejection, Restock, Sku, Status,
    StockGivenBack, StockReceived, StockTaken, Text, checkout, restock,
};

type Products = BTreeMap<Sku, Product>;

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

fn cart_id() -> CartId {
    CartId::derived("a cart")
}

fn ann() -> CustomerId {
    CustomerId::derived("ann")
}

fn line(item: &str, quantity: i64, price: i64) -> OrderLine {
    OrderLine { sku: sku(item), quantity: pieces(quantity), unit_price_cents: cents(price) }
}

fn folded<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> D {
    events.into_iter().fold(D::default(), |state, event| state.evolve(&event))
}

fn cart(items: &[(&str, i64)]) -> Cart {
    let set = |&(item, quantity): &(&str, i64)| -> CartEvent {
        ItemQuantitySet { sku: sku(item), quantity: pieces(quantity) }.into()
    };
    let opened = CartOpened { customer_id: ann() }.into();
    folded([opened].into_iter().chain(items.iter().map(set)))
}

/// Products in the shop: sku, price, stock.
fn shop(products: &[(&str, i64, i64)]) -> Products {
    let on_the_shelf = |&(item, price, stock): &(&str, i64, i64)| {
        let added = ProductAdded {
            sku: sku(item),
            name: text("Salsa"),
            department: text("Grocery"),
            category: None,
            brand: None,
            unit_price_cents: cents(price),
        };
        let received = StockReceived { quantity: pieces(stock) };
        (sku(item), folded([added.into(), received.into()]))
    };
    products.iter().map(on_the_shelf).collect()
}

fn then(mut products: Products, item: &str, event: ProductEvent) -> Products {
    let product = products.remove(&sku(item)).expect("a product of this shop").evolve(&event);
    products.insert(sku(item), product);
    products
}

fn after(mut products: Products, checkout: &Checkout) -> Products {
    for (sku, events) in &checkout.stock {
        let product = products.remove(sku).expect("a product of this shop");
        products.insert(sku.clone(), events.iter().fold(product, Product::evolve));
    }
    products
}

fn stock(products: &Products, item: &str) -> i64 {
    products[&sku(item)].listing().expect("a listed product").stock
}

fn taken(quantity: i64) -> Vec<ProductEvent> {
    vec![StockTaken { order_id: cart_id().order(), quantity: pieces(quantity) }.into()]
}

fn ordered(lines: Vec<OrderLine>, total: i64) -> Vec<OrderEvent> {
    let (total_cents, currency) = (cents(total), Currency::Usd);
    vec![
        OrderPlaced { customer_id: ann(), cart_id: cart_id(), lines, total_cents, currency }.into(),
    ]
}

#[test]
fn a_cart_becomes_the_order_that_it_determines() {
    let shop = shop(&[("P-1", 250, 5)]);
    let checkout = checkout(cart_id(), &cart(&[("P-1", 2)]), &shop).unwrap();
    assert_eq!(checkout.cart, [CartCheckedOut { order_id: cart_id().order() }.into()]);
    assert_eq!(checkout.order, ordered(vec![line("P-1", 2, 250)], 500));
}

#[test]
fn stock_is_taken_for_every_line() {
    let shop = shop(&[("P-1", 250, 5), ("P-2", 1_000, 5)]);
    let checkout = checkout(cart_id(), &cart(&[("P-1", 2), ("P-2", 5)]), &shop).unwrap();
    assert_eq!(checkout.stock, BTreeMap::from([(sku("P-1"), taken(2)), (sku("P-2"), taken(5))]));
}

#[test]
fn prices_are_those_of_the_checkout() {
    let repriced = PriceChanged { unit_price_cents: cents(300) }.into();
    let shop = then(shop(&[("P-1", 250, 5)]), "P-1", repriced);
    let checkout = checkout(cart_id(), &cart(&[("P-1", 2)]), &shop).unwrap();
    assert_eq!(checkout.order, ordered(vec![line("P-1", 2, 300)], 600));
}

#[test]
fn a_product_that_is_out_of_stock_refuses_the_whole_checkout() {
    let shop = shop(&[("P-1", 250, 5), ("P-2", 1_000, 5)]);
    let refused = checkout(cart_id(), &cart(&[("P-1", 2), ("P-2", 6)]), &shop);
    assert_eq!(refused, Err(Rejection::OutOfStock { sku: sku("P-2"), stock: 5, wanted: 6 }));
}

#[test]
fn the_last_pieces_are_sold_once() {
    let shop = shop(&[("P-1", 250, 5)]);
    let first = checkout(cart_id(), &cart(&[("P-1", 5)]), &shop).unwrap();
    let second = checkout(CartId::derived("another"), &cart(&[("P-1", 1)]), &after(shop, &first));
    assert_eq!(second, Err(Rejection::OutOfStock { sku: sku("P-1"), stock: 0, wanted: 1 }));
}

#[test]
fn a_product_discontinued_meanwhile_refuses_the_whole_checkout() {
    let shop =
        then(shop(&[("P-1", 250, 5), ("P-2", 1_000, 5)]), "P-2", ProductDiscontinued {}.into());
    let refused = checkout(cart_id(), &cart(&[("P-1", 2), ("P-2", 1)]), &shop);
    assert_eq!(refused, Err(Rejection::Discontinued(sku("P-2"))));
}

#[test]
fn a_product_that_is_not_in_the_shop_refuses_the_checkout() {
    let refused = checkout(cart_id(), &cart(&[("P-1", 2)]), &shop(&[]));
    assert_eq!(refused, Err(Rejection::UnknownProduct(sku("P-1"))));
}

#[test]
fn a_total_beyond_what_can_be_booked_refuses_the_checkout() {
    let shop = shop(&[("P-1", i64::MAX, 5)]);
    let refused = checkout(cart_id(), &cart(&[("P-1", 2)]), &shop);
    assert_eq!(refused, Err(Rejection::TotalTooLarge));
}

#[test]
fn an_empty_cart_is_not_checked_out() {
    let refused = checkout(cart_id(), &cart(&[]), &shop(&[("P-1", 250, 5)]));
    assert_eq!(refused, Err(Rejection::CartEmpty));
}

#[test]
fn an_unknown_cart_is_not_checked_out() {
    let refused = checkout(cart_id(), &Cart::Unknown, &shop(&[("P-1", 250, 5)]));
    assert_eq!(refused, Err(Rejection::UnknownCart));
}

#[test]
fn a_second_checkout_changes_nothing() {
    let (shop, open) = (shop(&[("P-1", 250, 5)]), cart(&[("P-1", 2)]));
    let first = checkout(cart_id(), &open, &shop).unwrap();
    let closed = first.cart.iter().fold(open, Cart::evolve);
    assert_eq!(checkout(cart_id(), &closed, &after(shop, &first)), Ok(Checkout::default()));
}

#[test]
fn a_second_checkout_changes_nothing_whatever_became_of_the_products() {
    let open = cart(&[("P-1", 2)]);
    let first = checkout(cart_id(), &open, &shop(&[("P-1", 250, 5)])).unwrap();
    let closed = first.cart.iter().fold(open, Cart::evolve);
    assert_eq!(checkout(cart_id(), &closed, &shop(&[])), Ok(Checkout::default()));
}

#[test]
fn a_full_cart_is_checked_out_in_one_transaction() {
    let skus: Vec<String> = (0..Cart::MOST_ITEMS).map(|number| format!("P-{number}")).collect();
    let items: Vec<_> = skus.iter().map(|item| (item.as_str(), 1)).collect();
    let products: Vec<_> = skus.iter().map(|item| (item.as_str(), 250, 5)).collect();
    let checkout = checkout(cart_id(), &cart(&items), &shop(&products)).unwrap();
    assert_eq!(checkout.stock.len() + 2, 100, "the most items of a DynamoDB transaction");
}

#[test]
fn a_closed_cart_takes_nothing_more() {
    let open = cart(&[("P-1", 2)]);
    let closing = checkout(cart_id(), &open, &shop(&[("P-1", 250, 5)])).unwrap().cart;
    let late = closing.iter().fold(open, Cart::evolve).decide(CartCommand::RemoveItem(sku("P-1")));
    assert_eq!(late, Err(Rejection::CartCheckedOut));
}

mod restocking {
    use super::*;

    fn cancel() -> OrderCommand {
        OrderCommand::Cancel(OrderCancelled { reason: text("too late") })
    }

    fn give_back(item: &str, quantity: i64) -> Restock {
        let back = StockGivenBack { order_id: cart_id().order(), quantity: pieces(quantity) };
        Restock { sku: sku(item), command: ProductCommand::GiveBack(back) }
    }

    fn known(order: Order) -> KnownOrder {
        order.known().expect("an order").clone()
    }

    #[test]
    fn a_cancelled_order_gives_every_line_back() {
        let shop = shop(&[("P-1", 250, 5), ("P-2", 1_000, 5)]);
        let checkout = checkout(cart_id(), &cart(&[("P-1", 2), ("P-2", 5)]), &shop).unwrap();
        let back = restock(cart_id().order(), &known(folded(checkout.order)));
        assert_eq!(back, [give_back("P-1", 2), give_back("P-2", 5)]);
    }

    #[test]
    fn a_cancelled_order_leaves_the_stock_as_it_was() {
        let shop = shop(&[("P-1", 250, 5)]);
        let checkout = checkout(cart_id(), &cart(&[("P-1", 2)]), &shop).unwrap();
        let mut shop = after(shop, &checkout);
        assert_eq!(stock(&shop, "P-1"), 3);
        for Restock { sku, command } in restock(cart_id().order(), &known(folded(checkout.order))) {
            let events = shop[&sku].decide((sku.clone(), command)).unwrap();
            shop = then(shop, sku.as_str(), events[0].clone());
        }
        assert_eq!(stock(&shop, "P-1"), 5);
    }

    #[test]
    fn an_order_is_cancelled_once_so_it_gives_back_once() {
        let shop = shop(&[("P-1", 250, 5)]);
        let placed = checkout(cart_id(), &cart(&[("P-1", 2)]), &shop).unwrap().order;
        let order: Order = folded(placed);
        let cancelled = order.decide(cancel()).unwrap().iter().fold(order, Order::evolve);
        assert_eq!(cancelled.decide(cancel()), Ok(vec![]));
    }

    #[test]
    fn an_imported_order_gives_nothing_back() {
        let import = Import {
            reference: text("basket 7"),
            customer_id: ann(),
            placed_at: "2017-01-31T10:15:30Z".parse().unwrap(),
            status: Status::Placed,
            lines: vec![line("P-1", 3, 250)],
        };
        let imported = Order::Unknown.decide(OrderCommand::Import(import)).unwrap();
        let order = known(folded(imported));
        assert_eq!(restock(OrderId::imported("basket 7"), &order), []);
    }
}
