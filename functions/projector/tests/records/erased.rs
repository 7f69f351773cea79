//! Who is erased, to a projector that has their key at hand.

use anyhow::ensure;
use ordering::{
    Commit, CustomerErased, CustomerEvent, CustomerId, CustomerRegistered, Event, Metadata,
    NewCustomer, StreamId, Timestamp, Version,
};
use serde_json::{Value, json};

use crate::mill::Mill;

const NAME: &str = "Zebulon Quartermaine";

fn commit(stream: &StreamId, version: u64, event: CustomerEvent) -> Commit {
    Commit {
        stream: stream.clone(),
        version: Version(version),
        recorded_at: Timestamp::UNIX_EPOCH,
        events: vec![event.record()],
        metadata: Metadata::default(),
    }
}

/// Whether any row has the name.
async fn is_shown(mill: &Mill) -> anyhow::Result<bool> {
    let sql = "select exists (select from (select c::text as row from customer c \
         union all select a::text from audit_trail a \
         union all select q::text from quarantine q) rows where row like '%' || $1 || '%')";
    Ok(sqlx::query_scalar(sql).bind(NAME).fetch_one(&mill.pool).await?)
}

/// The records of commits as they first came.
fn inserted(records: &[Value]) -> Vec<Value> {
    let mut records = records.to_vec();
    records.iter_mut().for_each(|record| record["eventName"] = json!("INSERT"));
    records
}

#[tokio::test]
async fn a_key_at_hand_brings_nobody_back() -> anyhow::Result<()> {
    witness::note_name(NAME);
    let mill = Mill::new().await?;
    let elsewhere = mill.elsewhere();
    let stream = CustomerId::derived(NAME).stream();
    let new: NewCustomer =
        serde_json::from_value(json!({ "name": NAME, "email": "zebulon@example.com" }))?;
    let registered = CustomerRegistered::from(new).into();
    elsewhere.append(&[commit(&stream, 1, registered)]).await?;
    let before = mill.rewritten().await?;
    mill.deliver(inserted(&before)).await?;
    ensure!(is_shown(&mill).await?, "the projector has the key from here on");

    elsewhere.append(&[commit(&stream, 2, CustomerErased {}.into())]).await?;
    // Another projector is given the erasure, and destroys the key.
    elsewhere.read_each_after(&stream, Version::NONE).await?;
    // This one is only told that the first commit was touched, and reads the stream anew.
    mill.deliver(before.clone()).await?;
    ensure!(!is_shown(&mill).await?, "it used the key");

    let all = mill.rewritten().await?;
    for late in [inserted(&before), inserted(&all), all, before] {
        mill.deliver(late).await?;
        ensure!(!is_shown(&mill).await?, "a late record brought it back");
    }
    Ok(())
}
