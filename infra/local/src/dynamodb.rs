//! DynamoDB inside the process: dynoxide on a file, spoken to by the AWS SDK over loopback.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    StreamSpecification, StreamViewType, TimeToLiveSpecification,
};
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::template::{Attribute, Table};

/// The local name of the event table; dynoxide needs 11 to 48 characters for streams.
pub const TABLE_NAME: &str = "millrace-events";

/// The local name of the table of keys.
pub const KEY_TABLE_NAME: &str = "millrace-keys";

/// The region that everything local is in.
pub const REGION: &str = "eu-central-1";

/// Both parts of the local credentials; nothing checks them.
pub const CREDENTIAL: &str = "local";

/// Without it, dynoxide scans all stream records whenever it writes or reads one.
///
/// `INTEGER` is in capitals because dynoxide's statements have it so: SQLite uses an index on an
/// expression only where the expression is the same, and in a cast it compares the type's letters.
const STREAM_INDEX: &str = "create index if not exists millrace_stream_order \
    on _stream_records(table_name, CAST(sequence_number AS INTEGER))";

/// How dynoxide reads a stream: its plan shows whether the index is used.
const STREAM_READ: &str = "explain query plan select 1 from _stream_records \
    where table_name = ?1 and CAST(sequence_number AS INTEGER) > ?2";

/// How long a request under way may hold up a stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// A DynamoDB that keeps its tables in a file.
#[derive(Debug)]
pub(crate) struct DynamoDb {
    endpoint: String,
    expiry: Expiry,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), String>>,
}

/// Drops what has expired, which dynoxide does only when it is told.
#[derive(Clone)]
pub(crate) struct Expiry(Database);

impl std::fmt::Debug for Expiry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Expiry")
    }
}

impl Expiry {
    pub(crate) async fn drop_what_expired(self) {
        match spawn_blocking(move || self.0.sweep_ttl()).await {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(items)) => tracing::info!(items, "expired"),
            Ok(Err(failure)) => tracing::warn!("what has expired was not dropped: {failure}"),
        }
    }
}

impl DynamoDb {
    /// Opens the database in `folder` and serves it on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When the file cannot be opened or the index on the stream cannot be made.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        let path = folder.join("dynamodb.sqlite");
        let database =
            spawn_blocking(move || open(&path)).await.context("opening DynamoDB was aborted")??;
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).await.context("binding a port for DynamoDB")?;
        let endpoint =
            format!("http://{}", listener.local_addr().context("asking for DynamoDB's port")?);
        let expiry = Expiry(database.clone());
        let (stop, stopped) = oneshot::channel();
        let server =
            tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, async {
                let _ = stopped.await;
            }));
        Ok(Self { endpoint, expiry, stop, server })
    }

    /// What drops what has expired.
    pub(crate) fn expiry(&self) -> Expiry {
        self.expiry.clone()
    }

    /// Where it answers.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Client {
        Client::from_conf(self.config().build())
    }

    /// A client of it as the command function has it.
    pub(crate) fn prompt_client(&self) -> Client {
        Client::from_conf(event_store::within_a_request(self.config()).build())
    }

    fn config(&self) -> aws_sdk_dynamodb::config::Builder {
        aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .region(Region::new(REGION))
            .credentials_provider(credentials())
    }

    /// A client of its streams.
    pub(crate) fn streams_client(&self) -> aws_sdk_dynamodbstreams::Client {
        let config = aws_sdk_dynamodbstreams::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .region(Region::new(REGION))
            .credentials_provider(credentials());
        aws_sdk_dynamodbstreams::Client::from_conf(config.build())
    }

    /// Makes the tables as the template describes them, unless they are there, and returns the ARN
    /// of the event table's stream.
    ///
    /// # Errors
    /// When the description is none that DynamoDB takes, or the table there has no stream.
    pub(crate) async fn ensure_tables(&self, table: &Table, keys: &Table) -> Result<String> {
        let client = self.client();
        let known = client.list_tables().send().await.context("listing the tables")?;
        for (name, table) in [(TABLE_NAME, table), (KEY_TABLE_NAME, keys)] {
            if !known.table_names().iter().any(|known| known == name) {
                create(&client, name, table).await?;
            }
        }
        set_expiry(&client, table).await?;
        let described = client
            .describe_table()
            .table_name(TABLE_NAME)
            .send()
            .await
            .context("describing the event table")?;
        let arn = described.table().and_then(|table| table.latest_stream_arn());
        Ok(arn.context("the event table has no stream")?.to_owned())
    }

    /// Lets the requests under way finish, and closes the file.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        if tokio::time::timeout(DRAIN_WITHIN, self.server).await.is_err() {
            tracing::warn!("DynamoDB still had a request under way after {DRAIN_WITHIN:?}");
        }
    }
}

fn credentials() -> Credentials {
    Credentials::new(CREDENTIAL, CREDENTIAL, None, None, "local stack")
}

/// Opens the database in that file, with the index that it lacks.
///
/// # Errors
/// When it is no database of dynoxide's, or somebody else keeps it locked.
pub fn open(path: &Path) -> Result<Database> {
    let name = path.to_str().with_context(|| format!("{} is no UTF-8", path.display()))?;
    let database = Database::new(name).map_err(|error| anyhow!("opening {name}: {error}"))?;
    // Named for what ends a bulk load, it sets `synchronous = NORMAL`: what was answered survives
    // a kill of the process, the file survives a loss of power, and no commit waits for the disk.
    database.disable_bulk_loading().map_err(|error| anyhow!("tuning {name}: {error}"))?;
    let second = rusqlite::Connection::open(path)
        .with_context(|| format!("opening {name} a second time"))?;
    second.busy_timeout(Duration::from_secs(10)).context("setting a timeout")?;
    second.execute(STREAM_INDEX, []).context("indexing the stream records")?;
    let plan: String = second
        .query_row(STREAM_READ, ("", 0), |row| row.get("detail"))
        .context("asking for the plan of a read")?;
    ensure!(
        plan.contains("millrace_stream_order (table_name=? AND <expr>>?)"),
        "reads of the stream are scans: {plan}"
    );
    Ok(database)
}

async fn create(client: &Client, name: &str, table: &Table) -> Result<()> {
    let mut request =
        client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    let keys = [(Some(&table.hash_key), KeyType::Hash), (table.range_key.as_ref(), KeyType::Range)];
    for (attribute, key_type) in
        keys.into_iter().filter_map(|(attribute, key_type)| Some((attribute?, key_type)))
    {
        request = request.attribute_definitions(definition(attribute)?);
        request = request.key_schema(
            KeySchemaElement::builder()
                .attribute_name(&attribute.name)
                .key_type(key_type)
                .build()?,
        );
    }
    if let Some(view) = &table.stream_view_type {
        let view = StreamViewType::from(view.as_str());
        let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(view);
        request = request.stream_specification(stream.build()?);
    }
    request.send().await.with_context(|| format!("making the table {name}"))?;
    Ok(())
}

/// Sets when items expire, also of a table from before they did.
async fn set_expiry(client: &Client, table: &Table) -> Result<()> {
    let Some(attribute) = &table.ttl_attribute else { return Ok(()) };
    let known = client.describe_time_to_live().table_name(TABLE_NAME).send().await;
    let known = known.context("asking for the expiry")?;
    let known = known.time_to_live_description().and_then(|expiry| expiry.attribute_name());
    if known != Some(attribute.as_str()) {
        let expiry =
            TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build()?;
        let request = client.update_time_to_live().table_name(TABLE_NAME);
        let set = request.time_to_live_specification(expiry).send().await;
        set.context("setting the expiry")?;
    }
    Ok(())
}

fn definition(attribute: &Attribute) -> Result<AttributeDefinition> {
    let kind = ScalarAttributeType::from(attribute.kind.as_str());
    Ok(AttributeDefinition::builder()
        .attribute_name(&attribute.name)
        .attribute_type(kind)
        .build()?)
}
