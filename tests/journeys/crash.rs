//! `kill -9` in the middle.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use journeys::{Answer, Caller, EVERYTHING, StackProcess};
use serde_json::json;
use tempfile::TempDir;
use tokio::{sync::Notify, task::JoinSet};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_before_a_kill_is_there_and_once() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    let mut answered: BTreeMap<u32, Answer> = BTreeMap::new();
    for enough in [40, 150, 90] {
        let stack = StackProcess::start(&data)?;
        let staff = stack.caller(&data, EVERYTHING)?;
        answered.extend(receive_until_killed(stack, staff, enough).await?);
    }

    let stack = StackProcess::start(&data)?;
    let staff = stack.caller(&data, EVERYTHING)?;
    for (number, first) in &answered {
        let again = register(&staff, *number).await?.expect(201)?;
        assert_eq!(again.body, first.body, "the same answer, not a second customer");
        assert_eq!(again.header("idempotency-replayed")?, "true");
        let path = format!("/customers/{}", first.id()?);
        let seen = staff.get_after(first, &path).await?.expect(200)?.body;
        assert_eq!(seen["reference"], json!(format!("r-{number}")));
    }
    assert!(stack.terminate()?, "SIGTERM ends it cleanly");
    Ok(())
}

/// Registers customers, kills the stack once `enough` were answered, and gives those.
async fn receive_until_killed(
    stack: StackProcess,
    staff: Caller,
    enough: u32,
) -> anyhow::Result<BTreeMap<u32, Answer>> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let answered = Arc::new(AtomicU32::new(0));
    let is_enough = Arc::new(Notify::new());
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        let (staff, answered, is_enough) = (staff.clone(), answered.clone(), is_enough.clone());
        clients.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let number = NEXT.fetch_add(1, Ordering::SeqCst);
                let Ok(answer) = register(&staff, number).await else { return mine };
                mine.push((number, answer));
                if answered.fetch_add(1, Ordering::SeqCst) == enough {
                    is_enough.notify_one();
                }
            }
        });
    }
    is_enough.notified().await;
    stack.kill_9()?;
    let mine = clients.join_all().await.into_iter().flatten();
    Ok(mine.filter(|(_, answer)| answer.status == 201).collect())
}

async fn register(staff: &Caller, number: u32) -> anyhow::Result<Answer> {
    let customer = json!({
        "name": format!("Leonore {number}"), "email": format!("c-{number}@example.com"),
        "reference": format!("r-{number}"),
    });
    staff.post_once(&format!("key-{number}"), "/customers", customer).await
}
