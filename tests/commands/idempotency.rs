//! The same key and request: one effect, and the first answer again, whatever happened between.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::ensure;
use journeys::{Desk, Fault, Gate, Order, TABLE, Wire};
use serde_json::json;

use crate::script::Script;

type Outcome = anyhow::Result<()>;

async fn items(wire: &Wire) -> anyhow::Result<i32> {
    let counted = wire.table.client().scan().table_name(TABLE).consistent_read(true).send().await?;
    Ok(counted.count())
}

#[tokio::test]
async fn every_command_gets_its_first_answer_again_from_a_cold_machine() -> Outcome {
    let wire = Wire::lay().await?;
    let steps = Script::play(&Desk::open(&wire.endpoint())).await?;
    let written = items(&wire).await?;
    for step in &steps {
        let (again, replayed) = Desk::open(&wire.endpoint()).send(&step.order).await?.as_first();
        ensure!(replayed, "{} says that it was remembered", step.route);
        assert_eq!(again, step.said, "{}: status, body and headers", step.route);
    }
    assert_eq!(items(&wire).await?, written, "nothing was written again");
    Ok(())
}

#[tokio::test]
async fn the_script_has_every_command_of_the_api() -> Outcome {
    let wire = Wire::lay().await?;
    let steps = Script::play(&Desk::open(&wire.endpoint())).await?;
    let played: BTreeSet<String> = steps.iter().map(|step| step.route.to_owned()).collect();
    let commands = edge::ROUTES.iter().flat_map(|(path, methods)| {
        let commands = methods.iter().filter(|method| *method != "GET");
        commands.map(move |method| format!("{method} {path}"))
    });
    assert_eq!(played, commands.collect());
    Ok(())
}

#[tokio::test]
async fn the_same_key_is_not_taken_for_another_body_or_caller() -> Outcome {
    let wire = Wire::lay().await?;
    let steps = Script::play(&Desk::open(&wire.endpoint())).await?;
    let written = items(&wire).await?;
    for step in &steps {
        let cold = Desk::open(&wire.endpoint());
        if step.another.event() != step.order.event() {
            let refused = cold.send(&step.another).await?;
            refused.refused(422, "idempotency-key-reused")?;
        }
        let other = step.order.clone().from("somebody else");
        cold.send(&other).await?.refused(422, "idempotency-key-reused")?;
    }
    assert_eq!(items(&wire).await?, written);
    Ok(())
}

#[tokio::test]
async fn the_same_key_is_not_taken_for_another_path_of_the_same_thing() -> Outcome {
    let wire = Wire::lay().await?;
    let desk = Desk::open(&wire.endpoint());
    desk.stocked("TEA", 5).await?;
    let stock = Order::post("/products/TEA/stock", &json!({"received": 1})).once("k");
    desk.send(&stock).await?.expect(200)?;
    for machine in [desk, Desk::open(&wire.endpoint())] {
        let price = Order::post("/products/TEA/price", &json!({"unit_price_cents": 1})).once("k");
        machine.send(&price).await?.refused(422, "idempotency-key-reused")?;
        let end = Order::post("/products/TEA/discontinue", &json!(null)).once("k");
        machine.send(&end).await?.refused(422, "idempotency-key-reused")?;
    }
    Ok(())
}

#[tokio::test]
async fn the_same_key_on_another_thing_is_refused_where_it_is_known() -> Outcome {
    let wire = Wire::lay().await?;
    let desk = Desk::open(&wire.endpoint());
    desk.stocked("TEA", 5).await?;
    desk.stocked("JAM", 5).await?;
    let received = json!({"received": 1});
    let tea = Order::post("/products/TEA/stock", &received).once("k");
    let jam = Order::post("/products/JAM/stock", &received).once("k");
    desk.send(&tea).await?.expect(200)?;
    desk.send(&jam).await?.refused(422, "idempotency-key-reused")?;
    let (_, replayed) = desk.send(&tea).await?.expect(200)?.as_first();
    ensure!(replayed);
    // another caller's keys are another caller's
    desk.send(&jam.clone().from("somebody else")).await?.expect(200)?;
    Ok(())
}

/// The first request has written, and its answer is still on its way to the first machine when
/// the second machine gets the same request.
#[tokio::test]
async fn two_machines_at_once_give_one_answer() -> Outcome {
    let wire = Wire::lay().await?;
    Desk::open(&wire.endpoint()).stocked("TEA", 5).await?;
    let gate = Arc::new(Gate::default());
    wire.next("PutItem", Fault::Held(gate.clone()));
    let (one, two) = (Desk::open(&wire.endpoint()), Desk::open(&wire.endpoint()));
    let order = Order::post("/products/TEA/stock", &json!({"received": 1})).once("k");
    let second = async {
        gate.reached().await;
        let said = two.send(&order).await;
        gate.open();
        said
    };
    let (first, second) = tokio::join!(one.send(&order), second);
    let ((first, was_first), (second, was_replayed)) = (first?.as_first(), second?.as_first());
    assert_eq!(first, second);
    assert_eq!((was_first, was_replayed), (false, true));
    assert_eq!(first.body["version"], 3);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_machines_at_once_give_one_answer_to_every_command() -> Outcome {
    let wire = Wire::lay().await?;
    let desk = Desk::open(&wire.endpoint());
    desk.stocked("TEA", 50).await?;
    let ann = desk.customer("ann").await?;
    let cart = desk.cart(&ann, &["TEA"]).await?;
    let orders = [
        Order::post("/customers", &json!({"name": "Bob", "email": "bob@example.com"})),
        Order::post("/carts", &json!({"customer_id": ann})),
        Order::post(&format!("/carts/{cart}/checkout"), &json!(null)),
        Order::post("/products/TEA/stock", &json!({"received": 3})),
    ];
    for order in orders {
        let order = order.once("at once");
        let machines: Vec<Desk> = (0..12).map(|_| Desk::open(&wire.endpoint())).collect();
        let asked = machines.iter().map(|machine| machine.send(&order));
        let said = futures::future::try_join_all(asked).await?;
        let answers: Vec<_> = said.into_iter().map(journeys::Said::as_first).collect();
        ensure!(answers.iter().all(|(answer, _)| *answer == answers[0].0), "{answers:?}");
        let firsts = answers.iter().filter(|(_, replayed)| !replayed).count();
        ensure!(firsts == 1, "{firsts} say that they were the first");
    }
    Ok(())
}
