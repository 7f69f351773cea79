//! `GET /projection` of a projection that has stopped.

use crate::{caller::STAFF, stage::Stage};

async fn beats(stage: &Stage, sql: &'static str) -> serde_json::Value {
    sqlx::raw_sql(sql).execute(&stage.pool).await.unwrap();
    stage.get("/projection", STAFF).answer().await.ok()
}

#[tokio::test]
async fn without_a_beat_nothing_is_known_to_have_stopped() {
    let stage = Stage::set().await;
    let projection = beats(&stage, "").await;
    assert_eq!(projection["caught_up"], true);
    assert!(projection.get("stopped").is_none(), "the contract does not have it");
}

#[tokio::test]
async fn a_beat_that_is_late_is_a_lag_that_grows_and_soon_a_projection_that_has_stopped() {
    let stage = Stage::set().await;
    let sent = "insert into heartbeat select 'heartbeat-0', now() - interval '5 s', null, \
                now() - interval '5 s'";
    let late = beats(&stage, sent).await;
    assert_eq!(late["caught_up"], true, "it may still come");
    for view in late["views"].as_array().unwrap() {
        assert!(view["lag_ms"].as_i64().unwrap() >= 5_000, "{view}");
    }
    let stopped = beats(&stage, "update heartbeat set waiting_since = now() - interval '11 s'");
    let stopped = stopped.await;
    assert_eq!(stopped["caught_up"], false);
    let answer = stage.get("/products", STAFF).answer().await;
    assert!(answer.header("projection-lag-ms").is_some(), "{stopped}");
    let arrived = "update heartbeat set arrived_at = sent_at, waiting_since = null";
    assert_eq!(beats(&stage, arrived).await["caught_up"], true);
}

#[tokio::test]
async fn beats_that_are_not_sent_any_more_prove_nothing() {
    let stage = Stage::set().await;
    let silent = "insert into heartbeat select 'heartbeat-0', now() - interval '4 min', \
                  now() - interval '4 min', null";
    assert_eq!(beats(&stage, silent).await["caught_up"], false);
}

#[tokio::test]
async fn the_newest_thing_in_the_table_may_be_one_that_has_not_arrived() {
    let stage = Stage::set().await;
    let before = beats(&stage, "").await["newest_commit_at"].clone();
    let sent = "insert into heartbeat values ('heartbeat-0', '2100-01-01', null, '2100-01-01')";
    let after = beats(&stage, sent).await["newest_commit_at"].clone();
    assert!(before.as_str() < after.as_str(), "{before} {after}");
    assert!(after.as_str().unwrap().starts_with("2100-01-01"), "{after}");
}
