//! A product that goods have come in for a hundred thousand times. How long a command on it takes
//! is measured by `make bench ONLY=commands`; here it is what a command does that is counted.

use journeys::{Desk, Order, Table, Wire, product_moved_often};
use serde_json::json;

const LONG: u64 = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_product_with_100_000_movements_takes_a_command_with_two_reads_at_once_and_a_put()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let wire = Wire::over(Table::in_file(&folder.path().join("dynamodb.sqlite")).await?).await?;
    product_moved_often(&Desk::open(&wire.endpoint()), &wire.table, "LONG", LONG).await?;
    // the pages of requests that nobody left, as nobody sent these commands, are made now: the
    // newest one by the second command, as it is full with the last of them
    for first in ["the first of today", "the second"] {
        receive(&Desk::open(&wire.endpoint()), first).await?;
    }
    wire.calls();
    let cold = Desk::open(&wire.endpoint());
    receive(&cold, "cold").await?;
    let expected = ["Query", "Query", "PutItem"];
    assert_eq!(calls(&wire), expected, "the newest, the snapshot with pages, and the put");
    receive(&cold, "warm").await?;
    assert_eq!(calls(&wire), ["PutItem"], "nothing is read");
    Ok(())
}

async fn receive(desk: &Desk, key: &str) -> anyhow::Result<()> {
    let order = Order::post("/products/LONG/stock", &json!({"received": 1}));
    desk.send(&order.once(key)).await?.expect(200)?;
    Ok(())
}

/// What was called since the last time that somebody asked.
fn calls(wire: &Wire) -> Vec<String> {
    wire.calls().into_iter().map(|call| call.operation).collect()
}
