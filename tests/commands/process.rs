//! The bootstrap itself, as a process that is killed, ended and started again.

use std::sync::Arc;

use anyhow::ensure;
use journeys::{Desk, Fault, Gate, Order, Said, Sandbox, TABLE, Wire};
use serde_json::json;

use crate::faults::commits;

type Outcome = anyhow::Result<()>;

async fn sandbox(wire: &Wire) -> anyhow::Result<Sandbox> {
    let variables = [
        ("AWS_ENDPOINT_URL", wire.endpoint()),
        ("EVENT_TABLE", TABLE.to_owned()),
        ("KEY_TABLE", personal_data::testing::TABLE.to_owned()),
        ("KEY_FILE", personal_data::testing::KEY_FILE.to_owned()),
    ];
    Sandbox::start("command", &variables).await
}

#[tokio::test]
async fn a_process_killed_between_write_and_answer_is_answered_for_by_the_next() -> Outcome {
    let wire = Wire::lay().await?;
    let desk = Desk::open(&wire.endpoint());
    desk.stocked("TEA", 5).await?;
    let ann = desk.customer("ann").await?;
    let cart = desk.cart(&ann, &["TEA"]).await?;
    let commands = [
        ("PutItem", Order::post("/products/TEA/stock", &json!({"received": 2})), 200),
        ("TransactWriteItems", Order::post("/customers", &customer("bob")), 201),
        ("TransactWriteItems", Order::post(&format!("/carts/{cart}/checkout"), &json!(null)), 201),
    ];
    for (operation, order, status) in commands {
        let order = order.once("killed once");
        let gate = Arc::new(Gate::default());
        wire.next(operation, Fault::Held(gate.clone()));
        let first = sandbox(&wire).await?;
        let answer = first.ask(order.event())?;
        gate.reached().await;
        first.kill_9()?;
        ensure!(answer.await.is_err(), "nobody got an answer");

        let written = commits(&wire).await?;
        let second = sandbox(&wire).await?;
        let said = Said::read(&second.invoke(order.event()).await?)?.expect(status)?;
        let (said, replayed) = said.as_first();
        ensure!(replayed, "{operation}: it had been written");
        assert_eq!(commits(&wire).await?, written, "{operation}: nothing is written again");
        let (again, _) = Desk::open(&wire.endpoint()).send(&order).await?.as_first();
        assert_eq!(again, said, "{operation}");
    }
    Ok(())
}

fn customer(name: &str) -> serde_json::Value {
    json!({"name": name, "email": format!("{name}@example.com")})
}

#[tokio::test]
async fn a_process_that_is_told_to_end_answers_first() -> Outcome {
    let wire = Wire::lay().await?;
    Desk::open(&wire.endpoint()).stocked("TEA", 5).await?;
    let gate = Arc::new(Gate::default());
    wire.next("PutItem", Fault::Held(gate.clone()));
    let mut process = sandbox(&wire).await?;
    let order = Order::post("/products/TEA/stock", &json!({"received": 2}));
    let answer = process.ask(order.event())?;
    gate.reached().await;
    process.terminate()?;
    gate.open();
    Said::read(&answer.await?)?.expect(200)?;
    ensure!(process.ended().await?.success());
    Ok(())
}

#[tokio::test]
async fn a_process_at_rest_ends_when_it_is_told_to() -> Outcome {
    let wire = Wire::lay().await?;
    let mut process = sandbox(&wire).await?;
    let customer = Order::post("/customers", &customer("ann"));
    Said::read(&process.invoke(customer.event()).await?)?.expect(201)?;
    process.terminate()?;
    ensure!(process.ended().await?.success());
    Ok(())
}

/// The first call of a process has its connection already: it was made before the request came.
#[tokio::test]
async fn a_process_is_connected_before_its_first_request() -> Outcome {
    let wire = Wire::lay().await?;
    let process = sandbox(&wire).await?;
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    let mut calls = Vec::new();
    while calls.is_empty() {
        ensure!(tokio::time::Instant::now() < deadline, "it never connects");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        calls = wire.calls().into_iter().map(|call| call.operation).collect();
        calls.retain(|operation| operation == "GetItem");
    }
    drop(process);
    Ok(())
}
