//! Events sealed and revealed, with a table of keys in an engine of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::AttributeValue,
};
use decider::{Commit, Metadata, RecordedEvent, StreamId, Timestamp, Version};
use personal_data::{Custodian, DataKey, KeyError, KeyFile, Keys, Unrevealed, testing};

const PLAIN: &str = r#"{"name":"Ann Ångström","colour":"red","email":"ann@example.com"}"#;

async fn table() -> anyhow::Result<Client> {
    witness::watch();
    witness::note_name("Ann Ångström");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    tokio::spawn(dynoxide::server::serve_on(listener, dynoxide::Database::memory()?));
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
        .endpoint_url(endpoint);
    let client = Client::from_conf(config.build());
    testing::create_table(&client).await?;
    Ok(client)
}

fn ann() -> StreamId {
    "customer-ann".parse().expect("a stream")
}

fn commit(version: u64) -> Commit {
    Commit {
        stream: ann(),
        version: Version(version),
        recorded_at: Timestamp::UNIX_EPOCH,
        events: vec![RecordedEvent {
            name: "Registered".to_owned(),
            schema_version: 1,
            data: PLAIN.to_owned(),
            personal: &["name", "email", "not there"],
            ..RecordedEvent::default()
        }],
        metadata: Metadata::default(),
    }
}

/// As whoever reads it from the table gets it.
fn stored(commit: &Commit) -> anyhow::Result<Commit> {
    let json = serde_json::to_string(commit)?;
    ensure!(!json.contains("Ann") && !json.contains("ann@"), "{json}");
    ensure!(json.contains("red"), "what is not personal stays readable: {json}");
    Ok(serde_json::from_str(&json)?)
}

async fn revealed(keys: &Keys, commit: &Commit) -> anyhow::Result<Result<String, Unrevealed>> {
    let mut all = keys.reveal(vec![stored(commit)?]).await?;
    let first = all.pop().expect("as many as were asked for");
    Ok(first.map(|commit| commit.events[0].payload().to_owned()))
}

fn same_json(left: &str, right: &str) -> anyhow::Result<bool> {
    let json = serde_json::from_str::<serde_json::Value>;
    Ok(json(left)? == json(right)?)
}

#[tokio::test]
async fn what_is_stored_tells_nothing_and_is_read_by_everybody_with_keys() -> anyhow::Result<()> {
    let client = table().await?;
    let (mut first, mut second) = (commit(1), commit(2));
    testing::keys(client.clone()).seal(&mut first).await?;
    assert_eq!(first.events[0].payload(), PLAIN, "whoever wrote it has it at hand");
    let elsewhere = testing::keys(client.clone());
    elsewhere.seal(&mut second).await?;
    let third = testing::keys(client);
    for commit in [first, second] {
        let payload = revealed(&third, &commit).await?.expect("the key is there");
        assert!(same_json(&payload, PLAIN)?, "{payload}");
    }
    Ok(())
}

#[tokio::test]
async fn once_the_key_is_destroyed_nobody_reads_or_writes_it_again() -> anyhow::Result<()> {
    let client = table().await?;
    let (here, behind) = (testing::keys(client.clone()), testing::keys(client.clone()));
    let mut sealed = commit(1);
    here.seal(&mut sealed).await?;
    here.destroy(&ann()).await?;
    testing::keys(client.clone()).destroy(&ann()).await?;
    for keys in [&here, &testing::keys(client)] {
        let payload = revealed(keys, &sealed).await?.expect("it is known to be gone");
        let gone = r#"{"name":{"erased":true},"colour":"red","email":{"erased":true}}"#;
        assert!(same_json(&payload, gone)?, "{payload}");
    }
    for version in [1, 2] {
        let late = behind.seal(&mut commit(version)).await;
        assert_eq!(late, Err(KeyError::Erased("customer-ann".to_owned())));
    }
    Ok(())
}

/// Whoever had it at hand when it was destroyed by somebody else has it for a minute at most, and
/// for a moment here. Used or not, it does not get older than that.
#[tokio::test]
async fn a_key_at_hand_is_gone_soon_after_it_was_destroyed() -> anyhow::Result<()> {
    let client = table().await?;
    let warm = testing::keys_at_hand_for(Duration::from_millis(500), client.clone());
    let mut sealed = commit(1);
    warm.seal(&mut sealed).await?;
    let tells = async || {
        let payload = revealed(&warm, &sealed).await?.expect("it is there, or known to be gone");
        anyhow::Ok(payload.contains("Ann"))
    };
    ensure!(tells().await?, "it has the key");
    testing::keys(client).destroy(&ann()).await?;
    let destroyed = Instant::now();
    while tells().await? {
        ensure!(destroyed.elapsed() < Duration::from_secs(10), "it keeps the key");
        tokio::task::yield_now().await;
    }
    ensure!(!tells().await?, "it does not come back");
    let late = warm.seal(&mut commit(2)).await;
    assert_eq!(late, Err(KeyError::Erased("customer-ann".to_owned())));
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_missing_is_not_one_that_was_destroyed() -> anyhow::Result<()> {
    let (client, another_table) = (table().await?, table().await?);
    let mut sealed = commit(1);
    testing::keys(client).seal(&mut sealed).await?;
    let missing = revealed(&testing::keys(another_table), &sealed).await?;
    assert_eq!(missing, Err(Unrevealed::Missing("customer-ann".to_owned())));
    Ok(())
}

#[tokio::test]
async fn what_is_no_key_is_the_trouble_of_its_subject_alone() -> anyhow::Result<()> {
    let client = table().await?;
    let mut sealed = commit(1);
    testing::keys(client.clone()).seal(&mut sealed).await?;
    let put = |wrapped: Option<AttributeValue>| {
        let wrapped = wrapped.map(|wrapped| ("wrapped_key".to_owned(), wrapped));
        let subject = ("subject".to_owned(), AttributeValue::S(ann().to_string()));
        let item = [subject].into_iter().chain(wrapped).collect();
        client.put_item().table_name(testing::TABLE).set_item(Some(item))
    };
    let damaged = AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new([7; 60]));
    let as_text = AttributeValue::S("AAAA".to_owned());
    for wrong in [Some(damaged), Some(as_text), None] {
        put(wrong).send().await?;
        let refused = revealed(&testing::keys(client.clone()), &sealed).await?;
        assert_eq!(refused, Err(Unrevealed::Unusable("customer-ann".to_owned())));
    }
    Ok(())
}

#[tokio::test]
async fn a_sealed_field_opens_in_its_own_place_only() -> anyhow::Result<()> {
    let keys = testing::keys(table().await?);
    let mut sealed = commit(1);
    keys.seal(&mut sealed).await?;
    let mut moved = sealed.clone();
    moved.version = Version(2);
    let mut renamed = sealed.clone();
    renamed.events[0].name = "Renamed".to_owned();
    let mut swapped = sealed.clone();
    let data = sealed.events[0].data.replace("\"name\"", "\"n\"");
    swapped.events[0].data = data.replace("\"email\"", "\"name\"").replace("\"n\"", "\"email\"");
    for wrong in [moved, renamed, swapped] {
        let refused = revealed(&keys, &wrong).await?;
        assert!(matches!(refused, Err(Unrevealed::Wrong { .. })), "{refused:?}");
    }
    let alone = keys.reveal(vec![stored(&sealed)?, stored(&sealed)?]).await?;
    assert!(alone.iter().all(Result::is_ok), "others are not harmed");
    Ok(())
}

#[tokio::test]
async fn the_table_of_keys_holds_none_that_could_be_used() -> anyhow::Result<()> {
    let client = table().await?;
    testing::keys(client.clone()).seal(&mut commit(1)).await?;
    let item = client.get_item().table_name(testing::TABLE);
    let item = item.key("subject", AttributeValue::S(ann().to_string())).send().await?;
    let item = item.item.expect("the key is there");
    let wrapped = item["wrapped_key"].as_b().expect("bytes").as_ref();
    assert!(DataKey::from_bytes(wrapped).is_none() && wrapped.len() > 32);

    let custodian = KeyFile::open(std::path::Path::new(testing::KEY_FILE))?;
    let key = custodian.unwrap("customer-ann", wrapped).await?;
    assert_eq!(custodian.wrap("customer-ann", &key).await?.len(), wrapped.len());
    let of_another = custodian.unwrap("customer-bob", wrapped).await;
    assert!(matches!(of_another, Err(KeyError::Unusable(_))), "{of_another:?}");

    let folder = tempfile::TempDir::new()?;
    let path = folder.path().join("another.key");
    std::fs::write(&path, [7; 32])?;
    let stranger = Keys::new(client, testing::TABLE, Arc::new(KeyFile::open(&path)?));
    let refused = stranger.seal(&mut commit(2)).await;
    assert!(matches!(refused, Err(KeyError::Unusable(_))), "{refused:?}");
    Ok(())
}

#[test]
fn a_key_is_never_shown() {
    assert_eq!(format!("{:?}", DataKey::generate()), "DataKey");
}
