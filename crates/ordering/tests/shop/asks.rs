//! What people ask of the shop, at random.
//!
//! Few products, customers, carts and orders, so that what is asked meets.

use ordering::{
    CartCommand, CartId, Cents, CustomerId, Email, Import, NewCustomer, OrderCancelled,
    OrderCommand, OrderId, OrderLine, OrderShipped, Payment, ProductAdded, ProductCommand,
    Quantity, Return, Sku, Status, StreamId, Text,
};
use proptest::{collection::vec, prelude::*, sample::select};

/// A request, as it comes in over HTTP.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Product(Sku, ProductCommand),
    Register(CustomerId, NewCustomer),
    Move(CustomerId, Email),
    Cart(CartId, CartCommand),
    CheckOut(CartId),
    Order(OrderId, OrderCommand),
    /// Pays whatever the order costs.
    PayInFull(OrderId, Text<100>),
}

impl Ask {
    /// The stream that it is addressed to, which remembers it.
    pub(crate) fn stream(&self) -> StreamId {
        match self {
            Self::Product(sku, _) => sku.stream(),
            Self::Register(customer, _) | Self::Move(customer, _) => customer.stream(),
            Self::Cart(cart, _) | Self::CheckOut(cart) => cart.stream(),
            Self::Order(order, _) | Self::PayInFull(order, _) => order.stream(),
        }
    }

    /// Whether the same again means as much again: only a key tells a retry from a second wish.
    pub(crate) fn adds_up(&self) -> bool {
        matches!(
            self,
            Self::Product(_, ProductCommand::Receive(_))
                | Self::Cart(_, CartCommand::AddItem(..))
                | Self::Order(_, OrderCommand::Return(_))
        )
    }

    pub(crate) fn counts(&self) -> bool {
        matches!(self, Self::Product(_, ProductCommand::Count(_)))
    }
}

/// A shop with something on its shelves and people in it, and then anything.
pub(crate) fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let next = prop_oneof![
        8 => ask().prop_map(|ask| vec![ask]),
        1 => (some_cart(), 1..=4_usize).prop_map(|(cart, far)| towards_the_door(cart, far)),
    ];
    (vec(import(), 2), vec(next, 0..80)).prop_map(|(imports, asks)| {
        let imports = BASKETS.into_iter().map(OrderId::imported).zip(imports);
        let imports = imports.map(|(order, ask)| Ask::Order(order, ask));
        opening().into_iter().chain(imports).chain(asks.concat()).collect()
    })
}

/// The first steps of a cart to the door: by chance alone, hardly an order would get there.
fn towards_the_door(cart: CartId, steps: usize) -> Vec<Ask> {
    let parcel = OrderShipped { carrier: text("UPS"), tracking_number: text("one") };
    let way = [
        Ask::CheckOut(cart),
        Ask::PayInFull(cart.order(), text("one")),
        Ask::Order(cart.order(), OrderCommand::Ship(parcel)),
        Ask::Order(cart.order(), OrderCommand::Deliver),
    ];
    way.into_iter().take(steps).collect()
}

fn opening() -> Vec<Ask> {
    let mut asks = vec![];
    for number in 1..=3 {
        asks.push(Ask::Product(sku(number), ProductCommand::Add(product(number))));
        asks.push(Ask::Product(sku(number), ProductCommand::Receive(pieces(12))));
    }
    for name in ["ann", "bob"] {
        asks.push(Ask::Register(CustomerId::derived(name), customer(name)));
    }
    for number in 1..=4 {
        let owner = CustomerId::derived(if number % 2 == 0 { "ann" } else { "bob" });
        asks.push(Ask::Cart(cart(number), CartCommand::Open(owner)));
        asks.push(Ask::Cart(cart(number), CartCommand::AddItem(sku(1), pieces(2))));
        asks.push(Ask::Cart(cart(number), CartCommand::AddItem(sku(number % 2 + 2), pieces(3))));
    }
    asks
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        3 => (some_sku(), product_command()).prop_map(|(sku, ask)| Ask::Product(sku, ask)),
        1 => (some_customer(), some_email()).prop_map(|(id, email)| {
            Ask::Register(id, NewCustomer { email, ..customer("ann") })
        }),
        1 => (some_customer(), some_email()).prop_map(|(id, email)| Ask::Move(id, email)),
        4 => (some_cart(), cart_command()).prop_map(|(cart, ask)| Ask::Cart(cart, ask)),
        3 => some_cart().prop_map(Ask::CheckOut),
        10 => (some_order(), order_command()).prop_map(|(order, ask)| Ask::Order(order, ask)),
        3 => (some_order(), reference()).prop_map(|(order, by)| Ask::PayInFull(order, by)),
    ]
}

fn product_command() -> impl Strategy<Value = ProductCommand> {
    prop_oneof![
        1 => (4..6_i64).prop_map(|number| ProductCommand::Add(product(number))),
        2 => some_price().prop_map(ProductCommand::ChangePrice),
        4 => some_pieces().prop_map(ProductCommand::Receive),
        2 => (0..9_u32).prop_map(ProductCommand::Count),
        1 => Just(ProductCommand::Count(u32::MAX)),
        1 => Just(ProductCommand::Discontinue),
    ]
}

fn cart_command() -> impl Strategy<Value = CartCommand> {
    let item = || (some_sku(), some_pieces());
    prop_oneof![
        1 => some_customer().prop_map(CartCommand::Open),
        4 => item().prop_map(|(sku, quantity)| CartCommand::AddItem(sku, quantity)),
        2 => item().prop_map(|(sku, quantity)| CartCommand::SetQuantity(sku, quantity)),
        1 => some_sku().prop_map(CartCommand::RemoveItem),
    ]
}

fn order_command() -> impl Strategy<Value = OrderCommand> {
    prop_oneof![
        2 => import(),
        1 => (reference(), some_price()).prop_map(|(payment_reference, amount_cents)| {
            OrderCommand::Pay(Payment { payment_reference, amount_cents })
        }),
        4 => reference().prop_map(|tracking_number| {
            OrderCommand::Ship(OrderShipped { carrier: text("UPS"), tracking_number })
        }),
        4 => Just(OrderCommand::Deliver),
        2 => reference().prop_map(|reason| OrderCommand::Cancel(OrderCancelled { reason })),
        8 => vec((some_sku(), some_pieces()), 0..3).prop_map(|items| {
            OrderCommand::Return(Return { items, reason: text("stale") })
        }),
    ]
}

fn import() -> impl Strategy<Value = OrderCommand> {
    (some_customer(), vec(some_line(), 0..6), some_status()).prop_map(
        |(customer_id, lines, status)| {
            let placed_at = "2017-01-31T10:15:30Z".parse().expect("a time");
            let reference = text("basket");
            OrderCommand::Import(Import { reference, customer_id, placed_at, status, lines })
        },
    )
}

const EVERY_STATUS: [Status; 5] =
    [Status::Placed, Status::Paid, Status::Shipped, Status::Delivered, Status::Cancelled];

fn text<const MOST: usize>(text: &str) -> Text<MOST> {
    text.to_owned().try_into().expect("a sound text")
}

pub(crate) fn sku(number: i64) -> Sku {
    format!("P-{number}").parse().expect("a sku")
}

pub(crate) fn pieces(pieces: i64) -> Quantity {
    Quantity::new(pieces).expect("a quantity")
}

fn cart(number: i64) -> CartId {
    CartId::derived(&format!("cart {number}"))
}

fn email(text: &str) -> Email {
    text.to_owned().try_into().expect("an address")
}

fn product(number: i64) -> ProductAdded {
    ProductAdded {
        sku: sku(number),
        name: text("Salsa"),
        department: text("Grocery"),
        category: None,
        brand: None,
        unit_price_cents: Cents::new(number * 125).expect("an amount"),
    }
}

fn customer(name: &str) -> NewCustomer {
    let email = email(&format!("{name}@example.com"));
    NewCustomer { name: text(name), email, reference: None }
}

/// One more than the shop opened with.
pub(crate) fn some_sku() -> impl Strategy<Value = Sku> {
    (1..=4_i64).prop_map(sku)
}

pub(crate) fn some_pieces() -> impl Strategy<Value = Quantity> {
    prop_oneof![20 => 1..=4_i64, 1 => Just(i64::from(Quantity::MOST))].prop_map(pieces)
}

pub(crate) fn some_price() -> impl Strategy<Value = Cents> {
    prop_oneof![10 => 0..1_000_i64, 1 => select(vec![i64::MAX / 3, i64::MAX])]
        .prop_map(|cents| Cents::new(cents).expect("an amount"))
}

pub(crate) fn some_line() -> impl Strategy<Value = OrderLine> {
    (some_sku(), some_pieces(), some_price())
        .prop_map(|(sku, quantity, unit_price_cents)| OrderLine { sku, quantity, unit_price_cents })
}

pub(crate) fn some_customer() -> impl Strategy<Value = CustomerId> {
    select(&["ann", "bob", "cid"][..]).prop_map(CustomerId::derived)
}

pub(crate) fn some_cart() -> impl Strategy<Value = CartId> {
    (1..=4_i64).prop_map(cart)
}

const BASKETS: [&str; 2] = ["basket 1", "basket 2"];

/// One of a cart, or an imported one.
pub(crate) fn some_order() -> impl Strategy<Value = OrderId> {
    prop_oneof![
        3 => some_cart().prop_map(CartId::order),
        2 => select(&BASKETS[..]).prop_map(OrderId::imported),
    ]
}

pub(crate) fn some_email() -> impl Strategy<Value = Email> {
    let addresses =
        vec!["ann@example.com", "Ann@Example.com", "bob@example.com", "cid@example.com"];
    select(addresses).prop_map(email)
}

pub(crate) fn reference<const MOST: usize>() -> impl Strategy<Value = Text<MOST>> {
    select(&["one", "two"][..]).prop_map(text)
}

pub(crate) fn some_status() -> impl Strategy<Value = Status> {
    prop_oneof![1 => select(&EVERY_STATUS[..]), 1 => Just(Status::Delivered)]
}
