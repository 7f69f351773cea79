//! Histories of a small shop: random commands, of which the accepted ones leave their commits.

use std::collections::BTreeMap;

use chrono::{TimeDelta, TimeZone, Utc};
use ordering::*;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

/// What every customer is called.
const NAME: &str = "Ann Ñoño";

/// A shop while its history is made.
struct Shop {
    random: StdRng,
    commits: Vec<Commit>,
    versions: BTreeMap<StreamId, u64>,
    products: BTreeMap<Sku, Product>,
    carts: BTreeMap<CartId, Cart>,
    orders: BTreeMap<OrderId, Order>,
    customers: BTreeMap<CustomerId, Customer>,
}

/// The commits of one random history, in the order in which they were made: a shop is opened, and
/// so many commands are tried.
///
/// # Panics
/// Never: the shop of the history writes soundly.
#[must_use]
pub fn of_a_shop(seed: u64, commands: u32) -> Vec<Commit> {
    let mut shop = Shop {
        random: StdRng::seed_from_u64(seed),
        commits: Vec::new(),
        versions: BTreeMap::new(),
        products: BTreeMap::new(),
        carts: BTreeMap::new(),
        orders: BTreeMap::new(),
        customers: BTreeMap::new(),
    };
    shop.open_for_business();
    for _ in 0..commands {
        shop.anything();
    }
    shop.commits
}

impl Shop {
    fn commit<E: Event>(&mut self, stream: StreamId, events: &[E]) {
        if events.is_empty() {
            return;
        }
        let version = self.versions.entry(stream.clone()).or_default();
        *version += 1;
        let start = Utc.with_ymd_and_hms(2026, 1, 31, 23, 50, 0).single();
        let passed = TimeDelta::seconds(37 * self.commits.len() as i64);
        self.commits.push(Commit {
            stream,
            version: Version(*version),
            recorded_at: start.expect("there was such a night") + passed,
            events: events.iter().map(Event::record).collect(),
            metadata: Metadata {
                actor: "ann".to_owned(),
                command_id: format!("command {}", self.commits.len()),
                correlation_id: "a history".to_owned(),
                ..Metadata::default()
            },
        });
    }

    fn number(&mut self, most: i64) -> i64 {
        self.random.random_range(1..=most)
    }

    fn quantity(&mut self, most: i64) -> Quantity {
        Quantity::new(self.number(most)).expect("a small number of pieces is a quantity")
    }

    fn product(&mut self, sku: Sku, command: ProductCommand) {
        let product = self.products.entry(sku.clone()).or_default();
        if let Ok(events) = product.decide((sku.clone(), command)) {
            *product = events.iter().fold(product.clone(), Product::evolve);
            self.commit(sku.stream(), &events);
        }
    }

    fn order(&mut self, id: OrderId, command: OrderCommand) {
        let order = self.orders.entry(id).or_default();
        let Ok(events) = order.decide(command) else { return };
        let before = order.clone();
        *order = events.iter().fold(order.clone(), Order::evolve);
        self.commit(id.stream(), &events);
        let cancelled = matches!(events.first(), Some(OrderEvent::Cancelled(_)));
        if let (true, Order::Known(known)) = (cancelled, &before) {
            for back in restock(id, known) {
                self.product(back.sku, back.command);
            }
        }
    }

    fn open_for_business(&mut self) {
        for (number, name) in ["JALAPEÑO", "BEV/JUICE 50-100%", "Milk"].into_iter().enumerate() {
            let sku = text::<Sku>(&format!("P{number}"));
            let added = ProductAdded {
                sku: sku.clone(),
                name: text(name),
                department: text("GROCERY"),
                category: (number > 0).then(|| text("DRINKS")),
                brand: None,
                unit_price_cents: Cents::new(100 + number as i64).unwrap_or_default(),
            };
            self.product(sku.clone(), ProductCommand::Add(added));
            let quantity = self.quantity(40);
            self.product(sku, ProductCommand::Receive(quantity));
        }
        witness::note_name(NAME);
        for number in 0..3 {
            let id = CustomerId(Uuid::from_u128(number));
            let customer = CustomerRegistered::from(NewCustomer {
                name: text(NAME),
                email: text(&format!("ann-{number}@example.com")),
                reference: None,
            });
            let events = [CustomerEvent::Registered(customer)];
            self.customers.insert(id, events.iter().fold(Customer::default(), Customer::evolve));
            self.commit(id.stream(), &events);
        }
    }

    fn anything(&mut self) {
        let customers: Vec<_> = self.customers.keys().copied().collect();
        let customer = *customers.choose(&mut self.random).expect("there are three customers");
        let skus: Vec<_> = self.products.keys().cloned().collect();
        let sku = skus.choose(&mut self.random).expect("there are three products").clone();
        match self.number(16) {
            1 => {
                let price = Cents::new(self.number(500)).unwrap_or_default();
                self.product(sku, ProductCommand::ChangePrice(price));
            }
            2 => {
                let counted = self.number(30).unsigned_abs() as u32;
                self.product(sku, ProductCommand::Count(counted));
            }
            3 => self.move_mail(customer),
            4 | 5 => self.open_cart(customer),
            6..=9 => self.fill_a_cart(sku),
            10 | 11 => self.check_out(),
            12 => self.import(customer, sku),
            13 if self.number(4) == 1 => self.erase(customer),
            _ => self.move_an_order_on(sku),
        }
    }

    fn move_mail(&mut self, id: CustomerId) {
        let email = text(&format!("{id}-{}@example.com", self.commits.len()));
        let customer = self.customers.entry(id).or_default();
        if let Ok(events) = customer.decide(CustomerCommand::ChangeEmail(email)) {
            *customer = events.iter().fold(customer.clone(), Customer::evolve);
            self.commit(id.stream(), &events);
        }
    }

    fn erase(&mut self, id: CustomerId) {
        let customer = self.customers.entry(id).or_default();
        if let Ok(events) = customer.decide(CustomerCommand::Erase) {
            *customer = events.iter().fold(customer.clone(), Customer::evolve);
            self.commit(id.stream(), &events);
        }
    }

    fn open_cart(&mut self, customer: CustomerId) {
        let id = CartId(Uuid::from_u128(self.random.random()));
        self.cart(id, CartCommand::Open(customer));
    }

    fn cart(&mut self, id: CartId, command: CartCommand) {
        let cart = self.carts.entry(id).or_default();
        if let Ok(events) = cart.decide(command) {
            *cart = events.iter().fold(cart.clone(), Cart::evolve);
            self.commit(id.stream(), &events);
        }
    }

    fn any_cart(&mut self) -> Option<CartId> {
        let carts: Vec<_> = self.carts.keys().copied().collect();
        carts.choose(&mut self.random).copied()
    }

    fn fill_a_cart(&mut self, sku: Sku) {
        let Some(id) = self.any_cart() else { return };
        let quantity = self.quantity(5);
        let command = match self.number(4) {
            1 => CartCommand::RemoveItem(sku),
            2 => CartCommand::SetQuantity(sku, quantity),
            _ => CartCommand::AddItem(sku, quantity),
        };
        self.cart(id, command);
    }

    fn check_out(&mut self) {
        let Some(id) = self.any_cart() else { return };
        let Ok(done) = checkout(id, &self.carts[&id], &self.products) else { return };
        if done.cart.is_empty() {
            return;
        }
        self.cart(id, CartCommand::CheckOut(id.order()));
        for (sku, events) in done.stock {
            let product = self.products.entry(sku.clone()).or_default();
            *product = events.iter().fold(product.clone(), Product::evolve);
            self.commit(sku.stream(), &events);
        }
        self.orders.insert(id.order(), done.order.iter().fold(Order::default(), Order::evolve));
        self.commit(id.order().stream(), &done.order);
    }

    fn import(&mut self, customer_id: CustomerId, sku: Sku) {
        let reference = format!("basket-{}", self.number(9));
        let lines = (0..self.number(4)).map(|_| OrderLine {
            sku: sku.clone(),
            quantity: self.quantity(5),
            unit_price_cents: Cents::new(self.number(900)).unwrap_or_default(),
        });
        let lines = lines.collect();
        let statuses = [Status::Placed, Status::Delivered, Status::Delivered, Status::Cancelled];
        let import = Import {
            reference: text(&reference),
            customer_id,
            placed_at: Utc.timestamp_millis_opt(1_483_272_000_000).single().unwrap_or_default(),
            status: *statuses.choose(&mut self.random).expect("there are four"),
            lines,
        };
        self.order(OrderId::imported(&reference), OrderCommand::Import(import));
    }

    fn move_an_order_on(&mut self, sku: Sku) {
        let orders: Vec<_> = self.orders.keys().copied().collect();
        let Some(&id) = orders.choose(&mut self.random) else { return };
        let total = self.orders[&id].known().map(|known| known.total_cents).unwrap_or_default();
        let command = match self.number(6) {
            1 => OrderCommand::Cancel(OrderCancelled { reason: text("late") }),
            2 => OrderCommand::Return(Return {
                items: vec![(sku, self.quantity(2))],
                reason: text("sour"),
            }),
            3 => OrderCommand::Ship(OrderShipped {
                carrier: text("Hermes"),
                tracking_number: text("Ä-1"),
            }),
            4 => OrderCommand::Deliver,
            _ => {
                OrderCommand::Pay(Payment { payment_reference: text("card"), amount_cents: total })
            }
        };
        self.order(id, command);
    }
}

fn text<T: TryFrom<String, Error: std::fmt::Debug>>(text: &str) -> T {
    text.to_owned().try_into().expect("the shop of the test writes soundly")
}
