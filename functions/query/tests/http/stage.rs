//! A small shop: Ann with three orders and a cart, Bob with one order, two products.

use std::collections::HashMap;

use decider::{Event, Metadata, RecordedEvent};
use edge::Handler;
use local_postgres::{TestDatabase, test_database};
use ordering::{
    CartEvent, CartId, CartOpened, Cents, Currency, CustomerEvent, CustomerId, CustomerRegistered,
    EmailClaimEvent, EmailClaimed, ItemQuantitySet, NewCustomer, OrderEvent, OrderId,
    OrderImported, OrderLine, OrderPaid, OrderPlaced, ProductAdded, ProductEvent, Quantity, Sku,
    Status,
};
use ordering_views::{
    Commit, CommitSource, Delivery, Engine, MIGRATOR, Removal, Removed, Shop, StreamId, Timestamp,
    Version,
};
use query::Queries;
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::caller::{Asked, Caller};

/// Everything is delivered, so nothing is ever read again.
#[derive(Clone, Debug)]
pub(crate) struct NothingMissing;

impl CommitSource for NothingMissing {
    async fn read_after(&self, _: &StreamId, _: Version) -> Result<Vec<Delivery>, String> {
        Ok(Vec::new())
    }
}

pub(crate) struct Stage {
    pub(crate) pool: PgPool,
    pub(crate) handler: Handler,
    engine: Engine<Shop, NothingMissing>,
    versions: HashMap<StreamId, u64>,
    pub(crate) database: TestDatabase,
}

impl Stage {
    /// The tables, with nothing in them.
    pub(crate) async fn empty() -> Self {
        witness::watch();
        let database = test_database().await.unwrap();
        let pool = PgPoolOptions::new().max_connections(4).connect(&database.url).await.unwrap();
        MIGRATOR.run(&pool).await.unwrap();
        let engine = Engine::new(pool.clone(), Shop, NothingMissing);
        let read_only = query::connect(&database.url).unwrap();
        let handler = Handler::new(query::router(Queries::new(read_only, vec![7; 32])));
        Self { pool, handler, engine, versions: HashMap::new(), database }
    }

    pub(crate) async fn set() -> Self {
        let mut stage = Self::empty().await;
        for (sku, name) in [("A", "JALAPEÑO"), ("B", "MILK 2%")] {
            stage.product(sku, name).await;
        }
        for name in ["ann", "bob"] {
            stage.customer(name).await;
        }
        for (place, customer) in ["ann", "ann", "ann", "bob"].into_iter().enumerate() {
            stage.order(customer, &format!("order {place}"), 1 + place as i64).await;
        }
        let cart = cart_of("ann");
        let opened = CartOpened { customer_id: CustomerId::derived("ann") };
        stage.happens::<CartEvent>(&cart.stream(), opened).await;
        let set = ItemQuantitySet { sku: sku("A"), quantity: Quantity::new(2).unwrap() };
        stage.happens::<CartEvent>(&cart.stream(), set).await;
        stage
    }

    async fn product(&mut self, number: &str, name: &str) {
        let added = ProductAdded {
            sku: sku(number),
            name: name.to_owned().try_into().unwrap(),
            department: "GROCERY".to_owned().try_into().unwrap(),
            category: None,
            brand: None,
            unit_price_cents: 150.try_into().unwrap(),
        };
        self.happens::<ProductEvent>(&sku(number).stream(), added).await;
    }

    async fn customer(&mut self, name: &str) {
        witness::note_name(name);
        let registered = CustomerRegistered::from(NewCustomer {
            name: name.to_owned().try_into().unwrap(),
            email: format!("{name}@example.com").try_into().unwrap(),
            reference: None,
        });
        let claim = registered.digest.claim_stream();
        let customer_id = CustomerId::derived(name);
        self.happens::<CustomerEvent>(&customer_id.stream(), registered).await;
        self.happens::<EmailClaimEvent>(&claim, EmailClaimed { customer_id }).await;
    }

    pub(crate) async fn order(&mut self, customer: &str, reference: &str, pieces: i64) -> Version {
        let imported = OrderImported {
            reference: reference.to_owned().try_into().unwrap(),
            customer_id: CustomerId::derived(customer),
            placed_at: "2017-01-31T12:00:00Z".parse().unwrap(),
            status: Status::Delivered,
            lines: vec![OrderLine {
                sku: sku("A"),
                quantity: Quantity::new(pieces).unwrap(),
                unit_price_cents: 100.try_into().unwrap(),
            }],
            total_cents: (pieces * 100).try_into().unwrap(),
            currency: Default::default(),
        };
        self.happens::<OrderEvent>(&order(reference).stream(), imported).await
    }

    /// An order of Ann's with a piece of each, placed and paid just now.
    pub(crate) async fn paid_order_of(&mut self, skus: &[&str]) {
        let unit_price_cents = 100.try_into().unwrap();
        let line = |number: &&str| OrderLine {
            sku: sku(number),
            quantity: Quantity::new(1).unwrap(),
            unit_price_cents,
        };
        let total_cents: Cents = (100 * skus.len() as i64).try_into().unwrap();
        let placed = OrderPlaced {
            customer_id: customer("ann"),
            cart_id: cart_of("bought"),
            lines: skus.iter().map(line).collect(),
            total_cents,
            currency: Default::default(),
        };
        let payment_reference = "p1".to_owned().try_into().unwrap();
        let paid =
            OrderPaid { payment_reference, amount_cents: total_cents, currency: Currency::Usd };
        let stream = cart_of("bought").order().stream();
        self.happens::<OrderEvent>(&stream, placed).await;
        self.happens::<OrderEvent>(&stream, paid).await;
    }

    /// So many orders at once, each with a line of its own total, straight into the rows: what is
    /// asked for is their number.
    pub(crate) async fn many_orders(&mut self, count: i32) {
        for sql in [
            "insert into order_history (id, reference, status, customer_id, total_cents, \
               refund_cents, currency, placed_at, words, version) \
             select gen_random_uuid(), 'many-' || n, 'delivered', gen_random_uuid(), n, 0, 'USD', \
               timestamptz '2017-01-01Z' + n * interval '1 minute', 'many ' || n, 1 \
             from generate_series(1, $1) n",
            "insert into order_line (order_id, line_no, sku, quantity, returned_quantity, \
               unit_price_cents, total_cents) \
             select id, 1, 'A', 1, 0, total_cents, total_cents from order_history where $1 > 0",
        ] {
            sqlx::query(sql).bind(count).execute(&self.pool).await.unwrap();
        }
    }

    pub(crate) async fn happens<E: Event>(
        &mut self,
        stream: &StreamId,
        event: impl Into<E>,
    ) -> Version {
        self.commit(stream, event.into().record()).await
    }

    /// One event in one commit, in the rows at once.
    pub(crate) async fn commit(&mut self, stream: &StreamId, event: RecordedEvent) -> Version {
        let next = self.versions.entry(stream.clone()).or_default();
        *next += 1;
        let commit = Commit {
            stream: stream.clone(),
            version: Version(*next),
            recorded_at: now(),
            events: vec![event],
            metadata: Metadata { actor: "sam".to_owned(), ..Metadata::default() },
        };
        self.engine.apply(vec![Delivery::Commit(commit)]).await.unwrap();
        Version(*next)
    }

    /// Somebody took a commit of this stream out of the event table.
    pub(crate) async fn removed(&self, stream: StreamId, removal: Removal) {
        let at = "2026-02-03T04:05:06Z".parse().unwrap();
        let removed = Removed { stream, version: Version(1), removal, at };
        self.engine.remove(vec![removed]).await.unwrap();
    }

    pub(crate) fn get(&self, path_and_query: &str, caller: Caller<'_>) -> Asked<'_> {
        Asked::get(&self.handler, path_and_query, caller)
    }
}

fn now() -> Timestamp {
    std::time::SystemTime::now().into()
}

pub(crate) fn sku(number: &str) -> Sku {
    number.parse().unwrap()
}

pub(crate) fn order(reference: &str) -> OrderId {
    OrderId::imported(reference)
}

pub(crate) fn cart_of(name: &str) -> CartId {
    CartId::derived(name)
}

pub(crate) fn customer(name: &str) -> CustomerId {
    CustomerId::derived(name)
}
