//! Paging through products while they are added, sold, sent back to the shelf and priced anew.

use std::{
    cell::RefCell,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use ordering::{OrderCancelled, OrderEvent, PriceChanged, ProductEvent, Sku, Status};
use ordering_views::{
    Limit,
    product::{self, ProductFilter, ProductSort},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::runtime::Runtime;

use crate::{
    model::{Dice, Line, Model, Order, Product, order_happens, product_happens, text},
    stage::{Stage, at, leave_waiting},
};

const SORTS: [ProductSort; 4] = [
    ProductSort::Name,
    ProductSort::CheapestFirst,
    ProductSort::DearestFirst,
    ProductSort::MostSoldFirst,
];

/// What happens between two pages, to a product as the dice fall.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    Added,
    PricedAnew,
    Sold,
    /// An order that sold something is called off.
    Unsold,
    /// What was sold is counted, and not added yet. That moves nothing.
    LeftWaiting,
}

/// One reading of a list from its first page to its last.
#[derive(Clone, Debug)]
struct Reading {
    seed: u64,
    products: usize,
    limit: u16,
    sort: ProductSort,
    meanwhile: Vec<Vec<Meanwhile>>,
}

fn reading() -> impl Strategy<Value = Reading> {
    let event = prop_oneof![
        Just(Meanwhile::Added),
        Just(Meanwhile::PricedAnew),
        Just(Meanwhile::Sold),
        Just(Meanwhile::Unsold),
        Just(Meanwhile::LeftWaiting),
    ];
    let sort = proptest::sample::select(SORTS.to_vec());
    let parts = (0..u64::MAX, 0..50_usize, 1..12_u16, sort);
    (parts, vec(vec(event, 0..4), 1..10)).prop_map(|((seed, products, limit, sort), meanwhile)| {
        Reading { seed, products, limit, sort, meanwhile }
    })
}

/// A department that is nobody else's: one database serves all readings.
struct Department {
    name: String,
    dice: Dice,
    model: Model,
    /// Orders of one line that are not called off.
    orders: Vec<Order>,
    units: BTreeMap<String, i64>,
}

impl Department {
    fn new(seed: u64) -> Self {
        let (dice, model) = (Dice(seed), Model::default());
        let (orders, units) = (Vec::new(), BTreeMap::new());
        Self { name: format!("DEPARTMENT {seed}"), dice, model, orders, units }
    }

    /// A product; few different names and prices, so that many are equal.
    fn add(&mut self, stage: &mut Stage) {
        let place = self.model.products.len();
        self.model.stock(&mut self.dice, 1);
        let product = &mut self.model.products[place];
        // Not in the order in which they come.
        let turned = (place as u64).wrapping_mul(0x9e37_79b9) & 0xffff;
        product.sku = format!("{turned:04X}-{}", self.name.replace(' ', "-"));
        product.department = self.name.clone();
        product_happens(stage, product);
    }

    fn any(&mut self) -> Option<usize> {
        let products = self.model.products.len() as u64;
        (products > 0).then(|| self.dice.below(products) as usize)
    }

    fn sells(&mut self, stage: &mut Stage, place: usize) {
        let Product { sku, price, .. } = self.model.products[place].clone();
        let quantity = 1 + self.dice.below(3) as i64;
        let line = Line { sku: sku.clone(), quantity, price, returned: 0 };
        let reference = format!("{} {}", self.name, self.dice.below(u64::MAX));
        let order = Order {
            id: ordering::OrderId::imported(&reference),
            reference,
            customer: ordering::CustomerId::derived(&self.name),
            status: Status::Placed,
            placed_at: at("2017-01-01T00:00:00Z"),
            lines: vec![line],
            tracking: None,
            returned_at: None,
        };
        order_happens(stage, &order);
        *self.units.entry(sku).or_default() += quantity;
        self.orders.push(order);
    }

    async fn lives_on(&mut self, stage: &mut Stage, meanwhile: Meanwhile) {
        let Some(place) = self.any() else { return };
        match meanwhile {
            Meanwhile::Added => self.add(stage),
            Meanwhile::PricedAnew => {
                let product = &mut self.model.products[place];
                product.price = *self.dice.of(&[100, 250, 400]);
                let sku: Sku = product.sku.parse().unwrap();
                let anew = PriceChanged { unit_price_cents: product.price.try_into().unwrap() };
                stage.happens::<ProductEvent>(&sku.stream(), at("2017-01-02T00:00:00Z"), anew);
            }
            Meanwhile::Sold => self.sells(stage, place),
            Meanwhile::Unsold => {
                let Some(order) = self.orders.pop() else { return };
                let cancelled = OrderCancelled { reason: text("late") };
                stage.happens::<OrderEvent>(&order.id.stream(), order.placed_at, cancelled);
                *self.units.entry(order.lines[0].sku.clone()).or_default() -=
                    order.lines[0].quantity;
            }
            Meanwhile::LeftWaiting => {
                stage.project().await;
                leave_waiting(&stage.pool, &self.model.products[place].sku).await;
            }
        }
    }

    /// Where each product is in the list.
    fn places(&self, sort: ProductSort) -> BTreeSet<(Key, String)> {
        let place = |product: &Product| {
            let units = self.units.get(&product.sku).copied().unwrap_or(0);
            (Key::of(sort, (&product.name, product.price, units)), product.sku.clone())
        };
        self.model.products.iter().map(place).collect()
    }
}

/// What a list is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Text(String),
    Upwards(i64),
    Downwards(Reverse<i64>),
}

impl Key {
    fn of(sort: ProductSort, (name, price, units): (&str, i64, i64)) -> Self {
        match sort {
            ProductSort::Name => Self::Text(name.to_owned()),
            ProductSort::CheapestFirst => Self::Upwards(price),
            ProductSort::DearestFirst => Self::Downwards(Reverse(price)),
            ProductSort::MostSoldFirst => Self::Downwards(Reverse(units)),
        }
    }
}

/// Reads the list; what stays in its place from beginning to end must be seen once.
async fn read(stage: &mut Stage, reading: Reading) -> Result<(), TestCaseError> {
    let mut department = Department::new(reading.seed);
    for place in 0..reading.products {
        department.add(stage);
        if place % 2 == 0 {
            department.sells(stage, place);
        }
    }
    stage.project().await;
    let filter =
        ProductFilter { department: Some(department.name.clone()), ..ProductFilter::default() };
    let limit: Limit = reading.limit.to_string().parse().unwrap();
    let mut throughout = department.places(reading.sort);
    let (mut seen, mut after) = (Vec::new(), None);
    let mut meanwhile = reading.meanwhile.iter().cycle();
    loop {
        let page = (after, limit);
        let page = product::list(&stage.pool, &filter, reading.sort, page).await.unwrap();
        seen.extend(page.items.into_iter().map(|found| {
            let key = (found.name.as_str(), found.unit_price_cents, found.units_sold);
            (Key::of(reading.sort, key), found.sku)
        }));
        let Some(next) = page.next else { break };
        after = Some(next);
        for event in meanwhile.next().into_iter().flatten() {
            department.lives_on(stage, *event).await;
        }
        stage.project().await;
        throughout = &throughout & &department.places(reading.sort);
    }
    for (key, sku) in &throughout {
        let found: Vec<_> = seen.iter().filter(|(_, seen)| seen == sku).collect();
        prop_assert_eq!(found.len(), 1, "{} at {:?}: {:?}", sku, key, seen);
    }
    let downwards = matches!(reading.sort, ProductSort::DearestFirst | ProductSort::MostSoldFirst);
    let sorted = if downwards {
        seen.is_sorted_by_key(|(key, sku)| (key.clone(), Reverse(sku.clone())))
    } else {
        seen.is_sorted()
    };
    prop_assert!(sorted, "out of order: {:?}", seen);
    Ok(())
}

#[test]
fn no_product_that_stays_in_its_place_is_skipped_or_seen_twice_while_others_move() {
    let runtime = Runtime::new().unwrap();
    let stage = RefCell::new(runtime.block_on(Stage::set()));
    // Shrinking would read another department's list in the same database: the seed says it all.
    let config =
        Config { failure_persistence: None, max_shrink_iters: 0, ..Config::with_cases(40) };
    let checked = TestRunner::new(config)
        .run(&reading(), |reading| runtime.block_on(read(&mut stage.borrow_mut(), reading)));
    checked.unwrap();
}
