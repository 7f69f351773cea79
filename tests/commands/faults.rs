//! A DynamoDB that conflicts, throttles, fails, is slow or away, and a wire that loses things.

use std::time::Duration;

use anyhow::{Context, ensure};
use event_store::Segment;
use futures::future::try_join_all;
use journeys::{Call, Desk, Fault, Order, Said, Wire, cold_store};
use ordering::{Product, Sku};
use serde_json::json;
use tokio::time::Instant;

type Outcome = anyhow::Result<()>;

/// The command function gives up after 10 seconds, API Gateway after 30.
const IN_TIME: Duration = Duration::from_secs(12);

/// Five pieces come in.
fn delivery() -> Order {
    Order::post("/products/TEA/stock", &json!({"received": 5}))
}

/// A desk with ten pieces of tea on the shelf, at version 2, and nothing planned on the wire.
async fn shop() -> anyhow::Result<(Wire, Desk)> {
    let wire = Wire::lay().await?;
    let desk = Desk::open(&wire.endpoint());
    desk.stocked("TEA", 10).await?;
    Ok((wire, desk))
}

/// What is on the shelf, and after how many commits.
async fn shelf(wire: &Wire) -> anyhow::Result<(i64, u64)> {
    let sku: Sku = "TEA".parse().map_err(|_| anyhow::anyhow!("no sku"))?;
    let folded = cold_store(&wire.table.endpoint).load::<Product>(&sku.stream()).await?;
    let state = serde_json::to_value(&folded.state)?;
    let stock = state.pointer("/Listed/stock").and_then(serde_json::Value::as_i64);
    Ok((stock.with_context(|| state.to_string())?, folded.version.0))
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_is_found_and_not_repeated() -> Outcome {
    for fault in [Fault::AnswerLost, Fault::AnswerNeverComes] {
        let (wire, desk) = shop().await?;
        for (order, left) in [(delivery(), (15, 3)), (delivery().once("k"), (20, 4))] {
            wire.next("PutItem", fault.clone());
            let said = desk.send(&order).await?.expect(200)?;
            ensure!(wire.all_met());
            ensure!(said.body["version"] == json!(left.1), "{fault:?}: {}", said.body);
            ensure!(!said.as_first().1, "it is the first answer, not a replay");
            assert_eq!(shelf(&wire).await?, left, "{fault:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_put_that_never_arrived_is_sent_again() -> Outcome {
    let (wire, desk) = shop().await?;
    wire.next("PutItem", Fault::RequestLost);
    desk.send(&delivery()).await?.expect(200)?;
    assert_eq!(shelf(&wire).await?, (15, 3));
    Ok(())
}

/// The function gives up on the first write after two seconds, and the second one is at the same
/// place of the stream: only one of them can be there.
#[tokio::test]
async fn a_write_that_lands_late_lands_once() -> Outcome {
    let (wire, desk) = shop().await?;
    wire.next("PutItem", Fault::Late(Duration::from_secs(3)));
    wire.next("PutItem", Fault::Slow(Duration::from_millis(1_500)));
    wire.calls();
    desk.send(&delivery()).await?.expect(200)?;
    // On a slow machine it lands before it is written once more, and is found.
    let puts = 2 - wire.unmet().len();
    let deadline = Instant::now() + IN_TIME;
    let mut calls = Vec::new();
    while calls.iter().filter(|call: &&Call| call.operation == "PutItem").count() < puts {
        ensure!(Instant::now() < deadline, "the late write never comes");
        tokio::time::sleep(Duration::from_millis(20)).await;
        calls.extend(wire.calls());
    }
    assert_eq!(shelf(&wire).await?, (15, 3));
    Ok(())
}

#[tokio::test]
async fn a_checkout_whose_answer_was_lost_is_one_order() -> Outcome {
    for fault in [Fault::AnswerLost, Fault::AnswerNeverComes] {
        let (wire, desk) = shop().await?;
        let ann = desk.customer("ann").await?;
        let cart = desk.cart(&ann, &["TEA"]).await?;
        wire.next("TransactWriteItems", fault);
        let order = Order::post(&format!("/carts/{cart}/checkout"), &json!(null));
        let placed = desk.send(&order).await?.expect(201)?;
        ensure!(wire.all_met() && placed.header("location").starts_with("/orders/"));
        assert_eq!(shelf(&wire).await?, (9, 3));
    }
    Ok(())
}

/// The product is discontinued while an item is on its way into a cart, and nobody knows whether
/// it got there. It did, so a refusal would be a lie.
#[tokio::test]
async fn nothing_is_refused_while_a_write_of_it_may_still_land() -> Outcome {
    let (wire, desk) = shop().await?;
    let ann = desk.customer("ann").await?;
    let cart = desk.cart(&ann, &[]).await?;
    wire.next("PutItem", Fault::Late(Duration::from_secs(4)));
    let item = Order::post(&format!("/carts/{cart}/items"), &json!({"sku": "TEA", "quantity": 1}));
    let discontinue = Order::post("/products/TEA/discontinue", &json!(null));
    let other = Desk::open(&wire.endpoint());
    let end_it = async {
        while !wire.all_met() {
            tokio::task::yield_now().await;
        }
        other.send(&discontinue).await?.expect(200)
    };
    let (put_in, ended) = tokio::join!(desk.send(&item), end_it);
    ended?;
    put_in?.expect(200)?;
    desk.send(&item).await?.refused(422, "discontinued")?;
    Ok(())
}

#[tokio::test]
async fn a_put_that_dynamodb_did_not_take_is_sent_again() -> Outcome {
    let (wire, desk) = shop().await?;
    let errors = [
        (400, "TransactionConflictException"),
        (400, "ThrottlingException"),
        (400, "ProvisionedThroughputExceededException"),
        (400, "RequestLimitExceeded"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
    ];
    for ((status, code), number) in errors.into_iter().zip(1_i64..) {
        wire.next("PutItem", Fault::error(status, code));
        let said = desk.send(&delivery()).await?;
        ensure!(said.status == 200, "{code}: {} {}", said.status, said.body);
        assert_eq!(shelf(&wire).await?, (10 + 5 * number, 2 + number.unsigned_abs()), "{code}");
    }
    ensure!(wire.all_met());
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_dynamodb_did_not_take_is_sent_again() -> Outcome {
    let (wire, desk) = shop().await?;
    let ann = desk.customer("ann").await?;
    let faults = [
        Fault::cancelled(&["None", "TransactionConflict", "None"]),
        Fault::cancelled(&["ThrottlingError", "None", "None"]),
        Fault::cancelled(&["None", "ProvisionedThroughputExceeded", "None"]),
        Fault::cancelled(&["ThrottlingError", "ConditionalCheckFailed", "TransactionConflict"]),
        Fault::error(400, "TransactionInProgressException"),
        Fault::error(500, "InternalServerError"),
    ];
    for (fault, number) in faults.into_iter().zip(1_i64..) {
        let cart = desk.cart(&ann, &["TEA"]).await?;
        wire.next("TransactWriteItems", fault.clone());
        let order = Order::post(&format!("/carts/{cart}/checkout"), &json!(null));
        let said = desk.send(&order).await?;
        ensure!(said.status == 201, "{fault:?}: {} {}", said.status, said.body);
        assert_eq!(shelf(&wire).await?.0, 10 - number, "{fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_read_that_fails_is_made_again() -> Outcome {
    let (wire, _) = shop().await?;
    for fault in [
        Fault::error(400, "ThrottlingException"),
        Fault::error(500, "InternalServerError"),
        Fault::AnswerLost,
        Fault::RequestLost,
    ] {
        wire.next("Query", fault);
        Desk::open(&wire.endpoint()).send(&delivery()).await?.expect(200)?;
    }
    assert_eq!(shelf(&wire).await?, (30, 6));
    Ok(())
}

/// Each case with a table of its own, all at the same time, as they mostly wait.
pub(crate) async fn at_once<C>(
    cases: impl IntoIterator<Item = C>,
    case: impl AsyncFn(C) -> Outcome,
) -> Outcome {
    try_join_all(cases.into_iter().map(|named| case(named))).await?;
    Ok(())
}

/// Sends what must be refused in time, with a word on when to try again.
pub(crate) async fn refused_in_time(
    desk: &Desk,
    order: &Order,
    status: u64,
    kind: &str,
) -> anyhow::Result<Said> {
    let start = Instant::now();
    let said = desk.send(order).await?.refused(status, kind)?;
    ensure!(start.elapsed() < IN_TIME, "after {:?}", start.elapsed());
    ensure!(said.header("retry-after").parse::<u32>().is_ok(), "{:?}", said.headers);
    Ok(said)
}

#[tokio::test]
async fn a_table_that_stays_throttled_is_429_and_then_works_again() -> Outcome {
    let (wire, desk) = shop().await?;
    wire.from_now_on("PutItem", Fault::error(400, "ThrottlingException"));
    refused_in_time(&desk, &delivery().once("in trouble"), 429, "throttled").await?;
    assert_eq!(shelf(&wire).await?, (10, 2));
    wire.mend();
    desk.send(&delivery().once("in trouble")).await?.expect(200)?;
    assert_eq!(shelf(&wire).await?, (15, 3));
    Ok(())
}

/// Somebody else is faster each time, as the condition says, or as two who meet are told.
#[tokio::test]
async fn a_race_that_is_lost_to_the_end_is_409_and_then_won() -> Outcome {
    let codes = ["ConditionalCheckFailedException", "TransactionConflictException"];
    at_once(codes, async |code| {
        let (wire, desk) = shop().await?;
        wire.from_now_on("PutItem", Fault::error(400, code));
        refused_in_time(&desk, &delivery().once("unlucky"), 409, "lost-race").await?;
        assert_eq!(shelf(&wire).await?, (10, 2), "{code}");
        wire.mend();
        desk.send(&delivery().once("unlucky")).await?.expect(200)?;
        assert_eq!(shelf(&wire).await?, (15, 3), "{code}");
        Ok(())
    })
    .await
}

/// A transaction is as safe as a put: all of it, or nothing, and then it works again.
#[tokio::test]
async fn a_checkout_and_a_registration_are_refused_whole_while_the_table_is_in_trouble() -> Outcome
{
    let faults = [
        (Fault::error(400, "ThrottlingException"), 429, "throttled"),
        (Fault::cancelled(&["None", "ThrottlingError", "None"]), 429, "throttled"),
        (Fault::error(500, "InternalServerError"), 503, "unavailable"),
        (Fault::RequestLost, 503, "unavailable"),
    ];
    at_once(faults, async |(fault, status, kind)| {
        let (wire, desk) = shop().await?;
        let ann = desk.customer("ann").await?;
        let cart = desk.cart(&ann, &["TEA"]).await?;
        let bob = json!({"name": "Bob", "email": "bob@example.com"});
        let checkout = Order::post(&format!("/carts/{cart}/checkout"), &json!(null));
        for order in [checkout.once("bought"), Order::post("/customers", &bob).once("registered")] {
            let before = commits(&wire).await?;
            wire.from_now_on("TransactWriteItems", fault.clone());
            refused_in_time(&desk, &order, status, kind).await?;
            assert_eq!(commits(&wire).await?, before, "{fault:?}: nothing half done");
            wire.mend();
            desk.send(&order).await?.expect(201)?;
        }
        assert_eq!(shelf(&wire).await?.0, 9, "{fault:?}: bought once");
        Ok(())
    })
    .await
}

/// How many commits the table has.
pub(crate) async fn commits(wire: &Wire) -> anyhow::Result<usize> {
    let all = Segment { number: 0, of: 1 };
    let page = cold_store(&wire.table.endpoint).scan_commits(all, None).await?;
    ensure!(page.next.is_none(), "a page has them all");
    Ok(page.commits.len())
}

#[tokio::test]
async fn a_table_that_is_away_is_503_and_then_works_again() -> Outcome {
    let (mut wire, desk) = shop().await?;
    wire.go_away().await;
    refused_in_time(&desk, &delivery().once("in trouble"), 503, "unavailable").await?;
    wire.come_back().await?;
    desk.send(&delivery().once("in trouble")).await?.expect(200)?;
    assert_eq!(shelf(&wire).await?, (15, 3));
    Ok(())
}

#[tokio::test]
async fn a_table_that_never_answers_is_503_and_what_it_did_was_done_once() -> Outcome {
    let (wire, desk) = shop().await?;
    wire.from_now_on("", Fault::AnswerNeverComes);
    refused_in_time(&desk, &delivery().once("in trouble"), 503, "unavailable").await?;
    wire.mend();
    let (said, replayed) = desk.send(&delivery().once("in trouble")).await?.as_first();
    said.expect(200)?;
    ensure!(replayed, "the first try had landed");
    assert_eq!(shelf(&wire).await?, (15, 3));
    Ok(())
}

#[tokio::test]
async fn a_table_that_is_slow_is_waited_for() -> Outcome {
    let (wire, desk) = shop().await?;
    wire.from_now_on("", Fault::Slow(Duration::from_millis(700)));
    let start = Instant::now();
    desk.send(&delivery()).await?.expect(200)?;
    ensure!(start.elapsed() >= Duration::from_millis(700));
    assert_eq!(shelf(&wire).await?, (15, 3));
    Ok(())
}
