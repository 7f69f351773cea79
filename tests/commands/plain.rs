//! Somebody with more plain events, of the time before there were keys, than a transaction takes.

use anyhow::ensure;
use event_store::{Commit, Metadata, RecordedEvent, Timestamp, Version};
use journeys::{Desk, Fault, Order, TABLE, Wire, cold_store};
use ordering::CustomerId;
use serde_json::{Value, json};

const NAME: &str = "Zebulon Quartermaine";

const COMMITS: u64 = 120;

#[tokio::test]
async fn who_has_120_plain_commits_is_erased_whatever_happens_between() -> anyhow::Result<()> {
    let wire = Wire::lay().await?;
    let id = CustomerId::derived(NAME);
    a_customer_in_plain_events(&wire, id).await?;
    ensure!(tells_of_them(&wire).await? == COMMITS);

    wire.next("TransactWriteItems", Fault::AnswerLost);
    wire.next("TransactWriteItems", Fault::cancelled(&["ThrottlingError", "None"]));
    let erase = Order::post(&format!("/customers/{id}/erase"), &json!(null));
    Desk::open(&wire.endpoint()).send(&erase).await?.expect(200)?;

    ensure!(wire.all_met(), "there was more than one transaction");
    ensure!(tells_of_them(&wire).await? == 0);
    let email = json!({"email": "somebody@example.com"});
    let changed = Order::post(&format!("/customers/{id}/email"), &email);
    Desk::open(&wire.endpoint()).send(&changed).await?.refused(422, "customer-erased")?;
    Ok(())
}

/// Registered by the first commit; each other one is another address.
async fn a_customer_in_plain_events(wire: &Wire, id: CustomerId) -> anyhow::Result<()> {
    witness::note_name(NAME);
    let registered = json!({"name": NAME, "email": "quartermaine-1@example.com"});
    let moved = |version| json!({"email": format!("quartermaine-{version}@example.com")});
    let events = (2..=COMMITS).map(|version| plain("EmailChanged", &moved(version)));
    let events = std::iter::once(plain("CustomerRegistered", &registered)).chain(events);
    let commits = events.zip(1..).map(|(event, version)| Commit {
        stream: id.stream(),
        version: Version(version),
        recorded_at: Timestamp::UNIX_EPOCH,
        events: vec![event],
        metadata: Metadata::default(),
    });
    let store = cold_store(&wire.table.endpoint);
    for transaction in commits.collect::<Vec<_>>().chunks(100) {
        store.append(transaction).await?;
    }
    Ok(())
}

fn plain(name: &str, data: &Value) -> RecordedEvent {
    let (name, data) = (name.to_owned(), data.to_string());
    RecordedEvent { name, schema_version: 1, data, ..RecordedEvent::default() }
}

/// How many items of the table hold the name or an address.
async fn tells_of_them(wire: &Wire) -> anyhow::Result<u64> {
    let scan = wire.table.client().scan().table_name(TABLE).send().await?;
    let items = scan.items().iter().map(|item| format!("{item:?}").to_lowercase());
    Ok(items.filter(|item| item.contains("quartermaine")).map(|_| 1).sum())
}
