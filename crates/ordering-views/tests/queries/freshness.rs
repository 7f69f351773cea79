//! Waiting for a write, and telling how far the rows are.

use std::time::Duration;

use ordering_views::{Freshness, StreamId, Version, lag_ms, progress, wait_for};
use projection::RecordedEvent;
use sqlx::postgres::PgPoolOptions;
use tokio::time::Instant;

use crate::{
    model::{Model, order_happens},
    stage::{Stage, at},
};

fn write(stream: &StreamId, version: u64) -> (StreamId, Version) {
    (stream.clone(), Version(version))
}

#[tokio::test]
async fn a_reader_waits_until_every_write_is_in_the_rows() {
    let mut stage = Stage::set().await;
    let model = Model::grow(15, 2);
    let (first, second) = (model.orders[0].id.stream(), model.orders[1].id.stream());
    order_happens(&mut stage, &model.orders[0]);
    stage.project().await;
    let both = [write(&first, 1), write(&second, 1)];

    let none = Duration::ZERO;
    assert_eq!(wait_for(&stage.pool, &both[..1], none).await.unwrap(), Freshness::Fresh);
    assert_eq!(wait_for(&stage.pool, &both, none).await.unwrap(), Freshness::Behind);
    assert_eq!(wait_for(&stage.pool, &[], none).await.unwrap(), Freshness::Fresh);
    let never = [write(&first, u64::MAX)];
    assert_eq!(wait_for(&stage.pool, &never, none).await.unwrap(), Freshness::Behind);

    let pool = stage.pool.clone();
    let waiting =
        tokio::spawn(async move { wait_for(&pool, &both, Duration::from_secs(20)).await.unwrap() });
    order_happens(&mut stage, &model.orders[1]);
    stage.project().await;
    assert_eq!(waiting.await.unwrap(), Freshness::Fresh);
}

#[tokio::test]
async fn a_reader_waits_no_longer_than_it_said() {
    let stage = Stage::set().await;
    let started = Instant::now();
    let nowhere = [write(&"order-x".parse().unwrap(), 1)];
    let patience = Duration::from_millis(120);
    assert_eq!(wait_for(&stage.pool, &nowhere, patience).await.unwrap(), Freshness::Behind);
    let waited = started.elapsed();
    assert!(waited >= patience && waited < patience * 20, "{waited:?}");
}

/// An event that no build knows.
fn riddle() -> Vec<RecordedEvent> {
    let (name, data) = ("Riddle".to_owned(), "{}".to_owned());
    vec![RecordedEvent { name, schema_version: 1, data, ..RecordedEvent::default() }]
}

#[tokio::test]
async fn a_parked_stream_is_told_at_once_and_counted() {
    let mut stage = Stage::set().await;
    let model = Model::grow(16, 1);
    let stream = model.orders[0].id.stream();
    order_happens(&mut stage, &model.orders[0]);
    stage.project().await;
    let fine = progress(&stage.pool).await.unwrap();
    assert!(fine.caught_up);

    let riddle = stage.commit(&stream, at("2026-01-01T00:00:00Z"), riddle());
    stage.project_what_can_be().await;
    let (seen, parked) = ([write(&stream, 1)], [(stream, riddle)]);
    let long = Duration::from_secs(20);
    assert_eq!(wait_for(&stage.pool, &seen, long).await.unwrap(), Freshness::Fresh);
    assert_eq!(wait_for(&stage.pool, &parked, long).await.unwrap(), Freshness::Parked);

    let stuck = progress(&stage.pool).await.unwrap();
    assert!(!stuck.caught_up);
    let counts: Vec<_> = stuck
        .views
        .iter()
        .map(|view| (view.name.as_str(), view.parked_streams, view.quarantined_commits))
        .collect();
    let none = |name| (name, 0, 0);
    assert_eq!(
        counts,
        [
            none("products"),
            none("customers"),
            none("carts"),
            ("orders", 1, 1),
            ("audit_trail", 1, 1)
        ]
    );
}

#[tokio::test]
async fn the_lag_is_from_recorded_to_visible() {
    let mut stage = Stage::set().await;
    assert_eq!(lag_ms(&stage.pool).await.unwrap(), 0);
    let empty = progress(&stage.pool).await.unwrap();
    assert!(empty.caught_up && empty.newest_commit_at.is_none());
    assert!(empty.views.iter().all(|view| view.lag_ms.is_none() && view.last_applied_at.is_none()));

    let now: ordering_views::Timestamp =
        sqlx::query_scalar("select now()").fetch_one(&stage.pool).await.unwrap();
    let hour = Duration::from_secs(3600);
    let stream = "product-A".parse().unwrap();
    let added = ordering::ProductEvent::from(ordering::ProductAdded {
        sku: "A".parse().unwrap(),
        name: crate::model::text("a"),
        department: crate::model::text("d"),
        category: None,
        brand: None,
        unit_price_cents: Default::default(),
    });
    stage.happens::<ordering::ProductEvent>(&stream, now - hour, added);
    stage.project().await;
    let lag = lag_ms(&stage.pool).await.unwrap();
    assert!((3_600_000..3_660_000).contains(&lag), "{lag}");
    let progress = progress(&stage.pool).await.unwrap();
    assert_eq!(progress.views[0].lag_ms, Some(lag));
    assert_eq!(progress.views[4].lag_ms, Some(lag));
    assert_eq!(progress.views[1].lag_ms, None);
    assert_eq!(progress.newest_commit_at, Some(now - hour));

    // A clock that is ahead is no negative lag.
    let riddle = ordering::ProductEvent::from(ordering::ProductDiscontinued {});
    stage.happens::<ordering::ProductEvent>(&stream, now + hour, riddle);
    stage.project().await;
    assert_eq!(lag_ms(&stage.pool).await.unwrap(), 0);
}

#[tokio::test]
async fn who_waits_holds_no_connection_and_looks_now_and_then() {
    let stage = Stage::set().await;
    // One position, and a count of how often it is looked at.
    let counting = "insert into position values ('order-y', 0, 1, now(), now(), false); \
         alter table position rename to counted; create sequence look; \
         create view position as select * from counted where nextval('look') > 0";
    sqlx::raw_sql(counting).execute(&stage.pool).await.unwrap();
    let url = &stage.database.url;
    let single = PgPoolOptions::new().max_connections(1).connect(url).await.unwrap();

    let (waiting, nowhere) = (single.clone(), [write(&"order-x".parse().unwrap(), 1)]);
    let patience = Duration::from_secs(2);
    let waiting = tokio::spawn(async move { wait_for(&waiting, &nowhere, patience).await });
    let (mut others, mut idle) = (0, 0);
    while !waiting.is_finished() {
        // The only connection there is: it can be had while the other waits.
        sqlx::query("select 1").execute(&single).await.unwrap();
        others += 1;
        let held = "select count(*) from pg_stat_activity \
             where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'";
        let held: i64 = sqlx::query_scalar(held).fetch_one(&stage.pool).await.unwrap();
        idle += i64::from(held == 0);
    }
    assert_eq!(waiting.await.unwrap().unwrap(), Freshness::Behind);
    // At most every 50 milliseconds, but for the first few.
    let looks: i64 =
        sqlx::query_scalar("select last_value from look").fetch_one(&stage.pool).await.unwrap();
    assert!((2..=60).contains(&looks), "{looks} looks");
    assert!(others > looks && idle > 0, "{others} others, {idle} times nothing held");
}
