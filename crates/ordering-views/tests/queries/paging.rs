//! Paging while the shop goes on.

use std::collections::BTreeSet;

use ordering::{Currency, CustomerId, OrderCancelled, OrderEvent, OrderPaid, Status};
use ordering_views::{
    Limit,
    order_history::{self, OrderFilter, OrderSort},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::runtime::Runtime;

use crate::{
    model::{Dice, Model, Order, order_happens, text},
    stage::Stage,
};

const SORTS: [OrderSort; 4] = [
    OrderSort::NewestFirst,
    OrderSort::OldestFirst,
    OrderSort::LargestFirst,
    OrderSort::SmallestFirst,
];

/// What happens between two pages.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    /// Somebody orders; where the order goes in the list is as the dice fall.
    Ordered,
    /// An order that was placed is called off, and passes no filter for placed ones any more.
    Cancelled,
    /// An order that was placed is paid: it moves to another status.
    Paid,
}

/// One reading of a list from its first page to its last.
#[derive(Clone, Debug)]
struct Reading {
    seed: u64,
    orders: usize,
    limit: u16,
    sort: OrderSort,
    only_placed: bool,
    meanwhile: Vec<Vec<Meanwhile>>,
}

fn reading() -> impl Strategy<Value = Reading> {
    let event =
        prop_oneof![Just(Meanwhile::Ordered), Just(Meanwhile::Cancelled), Just(Meanwhile::Paid)];
    let sort = proptest::sample::select(SORTS.to_vec());
    let parts = (0..u64::MAX, 0..60_usize, 1..20_u16, sort, any::<bool>());
    (parts, vec(vec(event, 0..4), 1..10)).prop_map(
        |((seed, orders, limit, sort, only_placed), meanwhile)| Reading {
            seed,
            orders,
            limit,
            sort,
            only_placed,
            meanwhile,
        },
    )
}

/// The orders of one customer, who is nobody else's: one database serves all readings.
struct Customer {
    model: Model,
    dice: Dice,
    id: CustomerId,
    orders: Vec<Order>,
}

impl Customer {
    fn new(seed: u64) -> Self {
        let id = CustomerId::derived(&format!("reading {seed}"));
        Self { model: Model::grow(seed % 100, 0), dice: Dice(seed), id, orders: Vec::new() }
    }

    /// An order with few different times and totals, so that many are equal.
    fn orders(&mut self, stage: &mut Stage) {
        let reference = format!("{}/{}", self.id, self.orders.len());
        let mut order = self.model.order(&mut self.dice, &reference);
        order.customer = self.id;
        order.status = Status::Placed;
        order.returned_at = None;
        order.lines.truncate(1);
        order.lines[0].returned = 0;
        order_happens(stage, &order);
        self.orders.push(order);
    }

    fn placed(&mut self) -> Option<&mut Order> {
        let placed = self.orders.iter_mut().filter(|order| order.status == Status::Placed);
        let mut placed: Vec<_> = placed.collect();
        let chosen = (!placed.is_empty()).then(|| self.dice.below(placed.len() as u64))?;
        Some(placed.swap_remove(chosen as usize))
    }

    fn lives_on(&mut self, stage: &mut Stage, meanwhile: Meanwhile) {
        if let Meanwhile::Ordered = meanwhile {
            return self.orders(stage);
        }
        let Some(order) = self.placed() else { return };
        let (stream, at) = (order.id.stream(), order.placed_at);
        if let Meanwhile::Cancelled = meanwhile {
            order.status = Status::Cancelled;
            stage.happens::<OrderEvent>(&stream, at, OrderCancelled { reason: text("late") });
        } else {
            order.status = Status::Paid;
            let amount_cents = order.total().try_into().unwrap();
            let paid =
                OrderPaid { payment_reference: text("p"), amount_cents, currency: Currency::Usd };
            stage.happens::<OrderEvent>(&stream, at, paid);
        }
    }

    /// The ids of those that pass the filter now.
    fn passing(&self, only_placed: bool) -> BTreeSet<uuid::Uuid> {
        let passes = |order: &&Order| !only_placed || order.status == Status::Placed;
        self.orders.iter().filter(passes).map(|order| order.id.0).collect()
    }
}

/// Reads the list; what is in it from beginning to end must be seen, and nothing twice.
async fn read(stage: &mut Stage, reading: Reading) -> Result<(), TestCaseError> {
    let mut customer = Customer::new(reading.seed);
    for _ in 0..reading.orders {
        customer.orders(stage);
    }
    stage.project().await;
    let filter = OrderFilter {
        customer_id: Some(customer.id.0),
        statuses: if reading.only_placed { vec![Status::Placed] } else { Vec::new() },
        ..OrderFilter::default()
    };
    let limit: Limit = reading.limit.to_string().parse().unwrap();
    let mut throughout = customer.passing(reading.only_placed);
    let (mut seen, mut keys, mut after) = (Vec::new(), Vec::new(), None);
    let mut meanwhile = reading.meanwhile.iter().cycle();
    loop {
        let page = (after, limit);
        let page = order_history::list(&stage.pool, &filter, reading.sort, page).await.unwrap();
        seen.extend(page.items.iter().map(|order| order.id));
        keys.extend(page.items.iter().map(|order| match reading.sort {
            OrderSort::NewestFirst | OrderSort::OldestFirst => {
                (order.placed_at.timestamp_millis(), order.id)
            }
            OrderSort::LargestFirst | OrderSort::SmallestFirst => (order.total_cents, order.id),
        }));
        let Some(next) = page.next else { break };
        after = Some(next);
        for event in meanwhile.next().into_iter().flatten() {
            customer.lives_on(stage, *event);
        }
        stage.project().await;
        throughout = &throughout & &customer.passing(reading.only_placed);
    }
    let each: BTreeSet<_> = seen.iter().copied().collect();
    prop_assert_eq!(each.len(), seen.len(), "seen twice");
    prop_assert!(throughout.is_subset(&each), "skipped");
    if matches!(reading.sort, OrderSort::NewestFirst | OrderSort::LargestFirst) {
        keys.reverse();
    }
    prop_assert!(keys.is_sorted(), "out of order");
    Ok(())
}

#[test]
fn no_order_is_skipped_or_seen_twice_while_others_are_added_cancelled_and_paid() {
    let runtime = Runtime::new().unwrap();
    let stage = std::cell::RefCell::new(runtime.block_on(Stage::set()));
    // Shrinking would read another customer's list in the same database: the seed says it all.
    let config =
        Config { failure_persistence: None, max_shrink_iters: 0, ..Config::with_cases(40) };
    let checked = TestRunner::new(config)
        .run(&reading(), |reading| runtime.block_on(read(&mut stage.borrow_mut(), reading)));
    checked.unwrap();
}

#[tokio::test]
async fn the_last_page_says_that_it_is_the_last() {
    let mut stage = Stage::set().await;
    Model::grow(11, 6).happens_on(&mut stage).await;
    let page = async |limit: &str| {
        let (filter, limit) = (OrderFilter::default(), limit.parse().unwrap());
        order_history::list(&stage.pool, &filter, OrderSort::default(), (None, limit))
            .await
            .unwrap()
    };
    assert!(page("5").await.next.is_some());
    assert!(page("6").await.next.is_none());
    assert!(page("7").await.next.is_none());
}
