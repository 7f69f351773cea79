//! The shop's read model proved: whatever is changed in it, a verifier finds.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[expect(dead_code, reason = "the queries' tests ask the model more than these do")]
#[path = "queries/model.rs"]
mod model;
#[expect(dead_code, reason = "the queries' tests ask the stage more than these do")]
#[path = "queries/stage.rs"]
mod stage;

use std::collections::BTreeSet;

use model::{Model, order_happens, pieces, product_happens, text};
use ordering::{
    CartCheckedOut, CartEvent, CartId, CartOpened, CustomerEvent, CustomerId, CustomerRegistered,
    EmailClaimEvent, EmailClaimed, ItemQuantitySet, NewCustomer, OrderId,
};
use ordering_views::{
    Checked, Commit, CommitSource, Delivery, Mismatch, ReadModel, Shop, StreamId, Verifier, Version,
};
use sqlx::AssertSqlSafe;
use stage::{Stage, at};
use uuid::Uuid;

/// All that happened.
#[derive(Clone)]
struct Shelf(Vec<Commit>);

impl CommitSource for Shelf {
    async fn read_after(&self, stream: &StreamId, after: Version) -> Result<Vec<Delivery>, String> {
        let of_stream = self.0.iter().filter(|commit| commit.stream == *stream);
        let open = of_stream.filter(|commit| commit.version > after);
        Ok(open.cloned().map(Delivery::Commit).collect())
    }
}

/// A shop with rows in every table, and all that happened in it.
async fn a_busy_shop() -> (Stage, Shelf) {
    let mut stage = Stage::set().await;
    let model = Model::grow(7, 60);
    model.orders.iter().for_each(|order| order_happens(&mut stage, order));
    model.products.iter().for_each(|product| product_happens(&mut stage, product));
    people_come(&mut stage);
    let shelf = Shelf(commits(&stage).collect());
    stage.project().await;
    (stage, shelf)
}

/// What has happened and is not in the rows.
fn commits(stage: &Stage) -> impl Iterator<Item = Commit> {
    stage.waiting.iter().filter_map(|delivery| match delivery {
        Delivery::Commit(commit) => Some(commit.clone()),
        Delivery::Unreadable(_) => None,
    })
}

/// A customer who holds an address and fills two carts.
fn people_come(stage: &mut Stage) {
    let (ann, now) = (CustomerId::derived("ann"), at("2026-01-31T23:59:59.999Z"));
    let registered = CustomerRegistered::from(NewCustomer {
        name: text("Ann"),
        email: text("ann@example.com"),
        reference: Some(text("7")),
    });
    stage.happens::<CustomerEvent>(&ann.stream(), now, registered);
    let claim = StreamId::new("email", "ann").unwrap();
    stage.happens::<EmailClaimEvent>(&claim, now, EmailClaimed { customer_id: ann });
    for number in 1..=2 {
        let cart = CartId(Uuid::from_u128(number)).stream();
        stage.happens::<CartEvent>(&cart, now, CartOpened { customer_id: ann });
        let set = ItemQuantitySet { sku: "X001".parse().unwrap(), quantity: pieces(3) };
        stage.happens::<CartEvent>(&cart, now, set);
    }
    let order_id = OrderId::imported("elsewhere");
    let cart = CartId(Uuid::from_u128(2)).stream();
    stage.happens::<CartEvent>(&cart, now, CartCheckedOut { order_id });
}

async fn verify_all(stage: &Stage, shelf: &Shelf) -> Checked {
    let verifier = Verifier::new(stage.pool.clone(), Shop, shelf.clone());
    let mut run = verifier.all().await.unwrap();
    let mut all = Checked::default();
    while let Some(checked) = run.next().await.unwrap() {
        all += checked;
    }
    all
}

/// A column of the read model: where it is, its type, and whether it is of the primary key.
type ColumnOf = (String, String, String, bool);

/// All columns that are written, by the database's own account: but for `popularity`, which only the
/// release before reads, and for what waits to be added to a count, which is not there by itself.
async fn columns(stage: &Stage) -> Vec<ColumnOf> {
    let sql = "select c.table_name::text, c.column_name::text, c.data_type::text, \
             exists(select from information_schema.key_column_usage k \
                    where k.table_name = c.table_name and k.column_name = c.column_name) \
         from information_schema.columns c \
         where c.table_schema = 'public' and c.is_generated = 'NEVER' \
             and c.column_name <> 'popularity' and c.table_name not like '%\\_waiting' \
             and c.table_name = any($1) order by 1, 2";
    let tables: Vec<_> = Shop::VIEWS.iter().flat_map(|view| view.tables).collect();
    sqlx::query_as(sql).bind(tables).fetch_all(&stage.pool).await.unwrap()
}

async fn by_hand(stage: &Stage, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&stage.pool).await.unwrap();
}

#[tokio::test]
async fn an_untouched_shop_has_no_differences() {
    let (stage, shelf) = a_busy_shop().await;
    let all = verify_all(&stage, &shelf).await;
    assert!(all.agrees(), "{:?} {:?}", all.differences, all.unfolded);
    assert_eq!(all.commits, shelf.0.len() as u64);
    assert!(all.tally_keys > 5, "{all:?}");
    assert_eq!((all.lagging_streams, all.parked_streams, all.absent_streams), (0, 0, 0));
}

#[tokio::test]
async fn a_change_to_any_column_of_any_table_is_found() {
    let (stage, shelf) = a_busy_shop().await;
    let constraints = "select format('alter table %s drop constraint %I;', conrelid::regclass, \
         conname) from pg_constraint where contype = 'c' and conrelid <> 0";
    let loosen: Vec<String> = sqlx::query_scalar(constraints).fetch_all(&stage.pool).await.unwrap();
    by_hand(&stage, loosen.concat()).await;
    let mut changed = BTreeSet::new();
    for (table, column, kind, of_key) in columns(&stage).await {
        if of_key {
            continue;
        }
        let other = match kind.as_str() {
            "text" => format!("coalesce({column}, '') || 'x'"),
            "bigint" => format!("{column} + 1"),
            "boolean" => format!("not {column}"),
            "uuid" => "gen_random_uuid()".to_owned(),
            "jsonb" => format!("{column} || '{{\"changed\": 1.0}}'"),
            "timestamp with time zone" => {
                format!("coalesce({column}, now()) + interval '1 microsecond'")
            }
            other => panic!("a column of type {other}"),
        };
        let one = format!("(select min(ctid) from {table})");
        by_hand(&stage, format!("update {table} set {column} = {other} where ctid = {one}")).await;
        changed.insert((table, column));
    }
    let differences = verify_all(&stage, &shelf).await.differences;
    let found = differences.into_iter().map(|difference| match difference.mismatch {
        Mismatch::Column { column, .. } => (difference.table, column),
        other @ (Mismatch::Missing { .. } | Mismatch::Surplus { .. }) => {
            panic!("{}: {other:?}", difference.table)
        }
    });
    assert_eq!(found.collect::<BTreeSet<_>>(), changed);
    assert!(changed.len() > 50, "{changed:?}");
}

#[tokio::test]
async fn a_row_that_is_gone_from_any_table_is_found() {
    let (stage, shelf) = a_busy_shop().await;
    let tables: BTreeSet<_> = columns(&stage).await.into_iter().map(|column| column.0).collect();
    for table in &tables {
        let one = format!("(select min(ctid) from {table})");
        by_hand(&stage, format!("delete from {table} where ctid = {one}")).await;
    }
    let differences = verify_all(&stage, &shelf).await.differences;
    assert_eq!(differences.len(), tables.len(), "{differences:?}");
    let missing = differences.into_iter().filter_map(|difference| {
        matches!(difference.mismatch, Mismatch::Missing { .. }).then_some(difference.table)
    });
    assert_eq!(missing.collect::<BTreeSet<_>>(), tables);
}

#[tokio::test]
async fn what_waits_to_be_added_counts_and_is_compared() {
    let (stage, shelf) = a_busy_shop().await;
    let wait = "with counted as (delete from product_sales returning sku, units) \
         insert into product_sales_waiting \
         select array_agg(sku order by sku), array_agg(units order by sku) from counted";
    by_hand(&stage, wait.to_owned()).await;
    assert!(verify_all(&stage, &shelf).await.agrees());
    by_hand(&stage, "update product_sales_waiting set counts[1] = counts[1] + 1".to_owned()).await;
    let differences = verify_all(&stage, &shelf).await.differences;
    let [one] = differences.as_slice() else { panic!("one of {differences:?}") };
    assert_eq!(one.table, "product_sales");
}

#[tokio::test]
async fn a_row_of_nobody_is_found_in_any_table() {
    let (stage, shelf) = a_busy_shop().await;
    by_hand(&stage, "delete from position where stream = 'email-ann'".to_owned()).await;
    by_hand(&stage, "delete from position where stream like 'cart-%02'".to_owned()).await;
    let differences = verify_all(&stage, &shelf).await.differences;
    let found: Vec<_> = differences.iter().map(|difference| difference.table.as_str()).collect();
    let surplus = |difference: &ordering_views::Difference| {
        matches!(difference.mismatch, Mismatch::Surplus { .. })
    };
    assert!(differences.iter().all(surplus), "{differences:?}");
    assert_eq!(
        found,
        ["cart", "cart_line", "audit_trail", "audit_trail", "audit_trail", "audit_trail"]
    );
}

#[tokio::test]
async fn a_stream_that_no_row_can_be_named_after_parks_alone() {
    let (mut stage, mut shelf) = a_busy_shop().await;
    let (ann, now) = (CustomerId::derived("ann"), at("2026-02-01T00:00:00Z"));
    for cart in ["cart-foo".parse().unwrap(), CartId(Uuid::from_u128(3)).stream()] {
        stage.happens::<CartEvent>(&cart, now, CartOpened { customer_id: ann });
    }
    shelf.0.extend(commits(&stage));
    stage.project_what_can_be().await;
    let all = verify_all(&stage, &shelf).await;
    assert!(all.agrees(), "{:?} {:?}", all.differences, all.unfolded);
    assert_eq!((all.lagging_streams, all.parked_streams), (0, 1));
    assert_eq!(all.commits, shelf.0.len() as u64 - 1);
}
