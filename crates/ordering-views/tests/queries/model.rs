//! A shop in plain data, grown at random from a seed. What happens in it is told to the engine;
//! what a query must answer is read off the data.

use chrono::Duration;
use ordering::{
    Currency, CustomerEvent, CustomerId, CustomerRegistered, ItemsReturned, NewCustomer,
    OrderCancelled, OrderDelivered, OrderEvent, OrderId, OrderImported, OrderLine, OrderPaid,
    OrderShipped, ProductAdded, ProductDiscontinued, ProductEvent, Quantity, ReturnedLine, Status,
    StockReceived, Timestamp,
};

use crate::stage::{Stage, at};

/// Numbers that look random and are the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    pub(crate) fn of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len() as u64) as usize]
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) department: String,
    pub(crate) category: Option<String>,
    pub(crate) price: i64,
    pub(crate) stock: i64,
    pub(crate) discontinued: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) id: CustomerId,
    pub(crate) name: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) quantity: i64,
    pub(crate) price: i64,
    pub(crate) returned: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    pub(crate) reference: String,
    pub(crate) customer: CustomerId,
    pub(crate) status: Status,
    pub(crate) placed_at: Timestamp,
    pub(crate) lines: Vec<Line>,
    pub(crate) tracking: Option<String>,
    pub(crate) returned_at: Option<Timestamp>,
}

impl Order {
    pub(crate) fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.quantity * line.price).sum()
    }

    /// When it was paid, shipped and delivered, as far as it has come: after times that differ
    /// from order to order and are often equal.
    pub(crate) fn steps(&self) -> Vec<Timestamp> {
        let taken = match self.status {
            Status::Placed | Status::Cancelled => 0,
            Status::Paid => 1,
            Status::Shipped => 2,
            Status::Delivered => 3,
        };
        let seconds = self.id.0.as_bytes().iter().map(|byte| i64::from(*byte % 50) * 100);
        let sums = seconds.scan(self.placed_at, |at, seconds| {
            *at += Duration::seconds(seconds);
            Some(*at)
        });
        sums.take(taken).collect()
    }

    pub(crate) fn refund(&self) -> i64 {
        self.lines.iter().map(|line| line.returned * line.price).sum()
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) products: Vec<Product>,
    pub(crate) customers: Vec<Customer>,
    pub(crate) orders: Vec<Order>,
}

const NAMES: [&str; 8] = [
    "JALAPEÑO PEPPERS",
    "BEV/JUICE 50-100%",
    "Crème brûlée",
    "HOT SAUCE (6 OZ)",
    "milk 2% gallon",
    "Milk chocolate",
    "PAPER TOWELS & HOLDERS",
    "UNLISTED PRODUCT",
];
const DEPARTMENTS: [&str; 3] = ["GROCERY", "DRUG GM", "PRODUCE"];
const CATEGORIES: [Option<&str>; 3] = [Some("SNACKS"), Some("DAIRY/EGGS"), None];
const PEOPLE: [&str; 5] = ["Ann Peña", "Bob Smith", "Household 7", "Household 70", "Zoë Hot"];

impl Model {
    /// A shop with so many orders. Of one product and one customer nothing is known yet.
    pub(crate) fn grow(seed: u64, orders: usize) -> Self {
        let mut dice = Dice(seed);
        let mut model = Self::default();
        model.stock(&mut dice, 24);
        for (place, name) in PEOPLE.into_iter().enumerate() {
            let id = CustomerId::derived(&format!("{seed} {place}"));
            model.customers.push(Customer { id, name: name.to_owned() });
        }
        for place in 0..orders {
            let order = model.order(&mut dice, &format!("ref-{seed}/{place}"));
            model.orders.push(order);
        }
        model
    }

    /// As many products more.
    pub(crate) fn stock(&mut self, dice: &mut Dice, products: usize) {
        for place in (self.products.len()..).take(products) {
            self.products.push(Product {
                sku: format!("X{place:03}"),
                name: (*dice.of(&NAMES)).to_owned(),
                department: (*dice.of(&DEPARTMENTS)).to_owned(),
                category: dice.of(&CATEGORIES).map(str::to_owned),
                price: *dice.of(&[100, 250, 250, 1999]),
                stock: *dice.of(&[0, 3, 50]),
                discontinued: dice.below(6) == 0,
            });
        }
    }

    /// An order at random. Few different times and prices, so that many are equal.
    pub(crate) fn order(&self, dice: &mut Dice, reference: &str) -> Order {
        let statuses =
            [Status::Placed, Status::Paid, Status::Shipped, Status::Delivered, Status::Cancelled];
        let status = *dice.of(&statuses);
        let stranger = CustomerId::derived("nobody registered this one");
        let customer = match dice.below(10) {
            0 => stranger,
            _ => dice.of(&self.customers).id,
        };
        let lines = (0..=dice.below(4)).map(|_| {
            let known = dice.of(&self.products);
            let sku = if dice.below(12) == 0 { "NOT-SEEN-YET" } else { known.sku.as_str() };
            let (quantity, price) = (1 + dice.below(5) as i64, known.price);
            let returns = status == Status::Delivered && dice.below(3) == 0;
            let returned = if returns { 1 + dice.below(quantity as u64) as i64 } else { 0 };
            Line { sku: sku.to_owned(), quantity, price, returned }
        });
        let lines: Vec<_> = lines.collect();
        let placed_at = at("2016-12-29T22:00:00Z") + Duration::hours(3 * dice.below(300) as i64);
        let sent = matches!(status, Status::Shipped | Status::Delivered);
        let tracking = sent.then(|| format!("TRK-{}", 1000 + dice.below(40)));
        let back = lines.iter().any(|line| line.returned > 0);
        let returned_at = back.then(|| placed_at + Duration::days(10));
        Order {
            id: OrderId::imported(reference),
            reference: reference.to_owned(),
            customer,
            status,
            placed_at,
            lines,
            tracking,
            returned_at,
        }
    }

    pub(crate) fn product(&self, sku: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.sku == sku)
    }

    pub(crate) fn name_of(&self, id: CustomerId) -> Option<&str> {
        self.customers.iter().find(|customer| customer.id == id).map(|c| c.name.as_str())
    }

    /// Lets all of it happen, orders first: they must come right when the rest is seen.
    pub(crate) async fn happens_on(&self, stage: &mut Stage) {
        for order in &self.orders {
            order_happens(stage, order);
        }
        for product in &self.products {
            product_happens(stage, product);
        }
        for customer in &self.customers {
            witness::note_name(&customer.name);
            let registered = CustomerRegistered::from(NewCustomer {
                name: text(&customer.name),
                email: format!("{}@example.com", customer.id).try_into().unwrap(),
                reference: None,
            });
            let stream = customer.id.stream();
            stage.happens::<CustomerEvent>(&stream, at("2016-01-01T00:00:00Z"), registered);
        }
        stage.project().await;
    }
}

pub(crate) fn text<T: TryFrom<String, Error: std::fmt::Debug>>(text: &str) -> T {
    text.to_owned().try_into().unwrap()
}

pub(crate) fn pieces(quantity: i64) -> Quantity {
    Quantity::new(quantity).unwrap()
}

pub(crate) fn product_happens(stage: &mut Stage, product: &Product) {
    let sku: ordering::Sku = product.sku.parse().unwrap();
    let (stream, when) = (sku.stream(), at("2016-01-01T00:00:00Z"));
    let added = ProductAdded {
        sku,
        name: text(&product.name),
        department: text(&product.department),
        category: product.category.as_deref().map(text),
        brand: None,
        unit_price_cents: product.price.try_into().unwrap(),
    };
    stage.happens::<ProductEvent>(&stream, when, added);
    if product.stock > 0 {
        let received = StockReceived { quantity: pieces(product.stock) };
        stage.happens::<ProductEvent>(&stream, when, received);
    }
    if product.discontinued {
        stage.happens::<ProductEvent>(&stream, when, ProductDiscontinued {});
    }
}

pub(crate) fn order_happens(stage: &mut Stage, order: &Order) {
    let stream = order.id.stream();
    let line = |line: &Line| OrderLine {
        sku: line.sku.parse().unwrap(),
        quantity: pieces(line.quantity),
        unit_price_cents: line.price.try_into().unwrap(),
    };
    let imported = OrderImported {
        reference: text(&order.reference),
        customer_id: order.customer,
        placed_at: order.placed_at,
        status: Status::Placed,
        lines: order.lines.iter().map(line).collect(),
        total_cents: order.total().try_into().unwrap(),
        currency: Default::default(),
    };
    let mut events: Vec<(Timestamp, OrderEvent)> = vec![(order.placed_at, imported.into())];
    if order.status == Status::Cancelled {
        events.push((order.placed_at, OrderCancelled { reason: text("late") }.into()));
    }
    let amount_cents = order.total().try_into().unwrap();
    let tracking = || text(order.tracking.as_deref().unwrap());
    for (step, at) in order.steps().into_iter().enumerate() {
        let event = match step {
            0 => OrderPaid { payment_reference: text("p"), amount_cents, currency: Currency::Usd }
                .into(),
            1 => OrderShipped { carrier: text("DHL"), tracking_number: tracking() }.into(),
            _ => OrderDelivered {}.into(),
        };
        events.push((at, event));
    }
    for (at, event) in events {
        stage.happens::<OrderEvent>(&stream, at, event);
    }
    if let Some(returned_at) = order.returned_at {
        stage.happens::<OrderEvent>(&stream, returned_at, returned(order));
    }
}

fn returned(order: &Order) -> ItemsReturned {
    let back = |(line_no, line): (u32, &Line)| ReturnedLine {
        line_no,
        sku: line.sku.parse().unwrap(),
        quantity: pieces(line.returned),
        refund_cents: (line.returned * line.price).try_into().unwrap(),
    };
    let lines = (1..).zip(&order.lines).filter(|(_, line)| line.returned > 0);
    ItemsReturned {
        lines: lines.map(back).collect(),
        refund_cents: order.refund().try_into().unwrap(),
        reason: text("broken"),
    }
}
