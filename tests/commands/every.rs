//! Every command of the API, in trouble: what holds for one of them holds for all.
//!
//! Keys determine ids, so the same script is answered the same in another shop, to the version.

use anyhow::ensure;
use futures::{FutureExt, future::try_join_all};
use journeys::{Desk, Fault, Order, Said, Wire};

use crate::script::{Script, Step};

type Outcome = anyhow::Result<()>;

const PUT: &str = "PutItem";
const TRANSACTION: &str = "TransactWriteItems";

fn answers(steps: Vec<Step>) -> Vec<(&'static str, Said)> {
    steps.into_iter().map(|step| (step.route, step.said.as_first().0)).collect()
}

async fn undisturbed() -> anyhow::Result<Vec<(&'static str, Said)>> {
    let wire = Wire::lay().await?;
    Ok(answers(Script::play(&Desk::open(&wire.endpoint())).await?))
}

/// Whether what was planned has met the write of a command: a put, or a transaction. Who registers
/// has a key put first, which is no such write.
fn met(order: &Order, unmet: &[&str]) -> bool {
    match order.event()["rawPath"].as_str() {
        Some("/customers") => !unmet.contains(&TRANSACTION),
        Some(_) | None => unmet.len() < 2,
    }
}

#[tokio::test]
async fn a_command_that_the_table_does_not_take_or_answer_at_once_has_one_effect() -> Outcome {
    let expected = undisturbed().await?;
    let error = |code| Fault::error(400, code);
    for (put, transaction) in [
        (Fault::AnswerLost, Fault::AnswerLost),
        (Fault::RequestLost, Fault::RequestLost),
        (error("TransactionConflictException"), Fault::cancelled(&["None", "TransactionConflict"])),
        (error("ThrottlingException"), Fault::cancelled(&["ThrottlingError", "None"])),
        (
            error("ProvisionedThroughputExceededException"),
            Fault::cancelled(&["None", "ProvisionedThroughputExceeded"]),
        ),
        (error("RequestLimitExceeded"), error("TransactionInProgressException")),
        (Fault::error(500, "InternalServerError"), Fault::error(503, "ServiceUnavailable")),
    ] {
        let wire = Wire::lay().await?;
        let desk = Desk::open(&wire.endpoint());
        let wire = &wire;
        let in_trouble = |order: Order| {
            wire.mend();
            wire.next(PUT, put.clone());
            wire.next(TRANSACTION, transaction.clone());
            let desk = desk.clone();
            async move {
                let said = desk.send(&order).await?;
                ensure!(met(&order, &wire.unmet()), "no trouble for {}", order.event());
                Ok(said)
            }
            .boxed()
        };
        let played = Script::play_by(&in_trouble).await?;
        assert_eq!(answers(played), expected, "{put:?}, {transaction:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_comes_to_four_machines_at_once_has_one_effect() -> Outcome {
    let expected = undisturbed().await?;
    let wire = Wire::lay().await?;
    let endpoint = wire.endpoint();
    let at_once = |order: Order| at_once(&endpoint, order).boxed();
    assert_eq!(answers(Script::play_by(&at_once).await?), expected);
    Ok(())
}

async fn at_once(endpoint: &str, order: Order) -> anyhow::Result<Said> {
    let machines: Vec<Desk> = (0..4).map(|_| Desk::open(endpoint)).collect();
    let said = try_join_all(machines.iter().map(|machine| machine.send(&order))).await?;
    let mut said: Vec<_> = said.into_iter().map(Said::as_first).collect();
    let firsts = said.iter().filter(|(_, replayed)| !replayed).count();
    ensure!(firsts == 1, "{firsts} say that they were first: {said:?}");
    let (first, _) = said.swap_remove(0);
    ensure!(said.iter().all(|(other, _)| *other == first), "{first:?}, but {said:?}");
    Ok(first)
}

/// The key is known on the thing, whatever the machine, and whatever is asked of it.
#[tokio::test]
async fn a_key_is_not_taken_for_any_other_command_on_the_same_thing() -> Outcome {
    let wire = Wire::lay().await?;
    let steps = Script::play(&Desk::open(&wire.endpoint())).await?;
    let mut pairs = 0;
    for (one, other) in steps.iter().flat_map(|one| steps.iter().map(move |other| (one, other))) {
        let (path, another) = (one.order.event(), other.order.event());
        let same_thing = one.said.id()? == other.said.id()?;
        // what makes a thing finds it by its own key only
        if !same_thing || path["rawPath"] == another["rawPath"] || other.said.status == 201 {
            continue;
        }
        let key = path["headers"]["idempotency-key"].as_str().unwrap_or_default();
        let reused = other.order.clone().once(key);
        let said = Desk::open(&wire.endpoint()).send(&reused).await?;
        said.refused(422, "idempotency-key-reused").map_err(|error| {
            error.context(format!("{} under the key of {}", other.route, one.route))
        })?;
        pairs += 1;
    }
    ensure!(pairs > 40, "{pairs} pairs are not all");
    Ok(())
}
