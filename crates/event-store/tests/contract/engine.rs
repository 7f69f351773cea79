//! The engines, each with a table of its own and a count of the calls that were made.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::{
    Client, Config,
    config::{
        BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents,
        interceptors::BeforeTransmitInterceptorContextRef,
    },
    error::BoxError,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        StreamSpecification, StreamViewType,
    },
};
use event_store::EventStore;

const TABLE: &str = "contract-events";

/// A DynamoDB, and a table in it.
pub struct Engine {
    pub client: Client,
    pub streams: aws_sdk_dynamodbstreams::Client,
    pub table: String,
    pub calls: Arc<Calls>,
    endpoint: String,
    process: Option<Child>,
}

/// How many calls were sent.
#[derive(Debug, Default)]
pub struct Calls(AtomicU32);

impl Calls {
    /// The calls since the last time that somebody asked.
    pub fn since(&self) -> u32 {
        self.0.swap(0, Ordering::SeqCst)
    }
}

#[derive(Debug)]
struct Counting(Arc<Calls>);

impl Intercept for Counting {
    fn name(&self) -> &'static str {
        "Counting"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Engine {
    /// `dynoxide`, in memory.
    pub async fn dynoxide() -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let database = dynoxide::Database::memory()?;
        tokio::spawn(dynoxide::server::serve_on(listener, database));
        Self::at(endpoint, None).await
    }

    /// AWS's DynamoDB Local, if `DYNAMODB_LOCAL` names the folder that holds its jar.
    pub async fn dynamodb_local() -> anyhow::Result<Option<Self>> {
        let folder = std::env::var_os("DYNAMODB_LOCAL").filter(|folder| !folder.is_empty());
        let Some(folder) = folder.map(PathBuf::from) else { return Ok(None) };
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Command::new("java")
            .args(["-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar"])
            .args(["-inMemory", "-sharedDb", "-disableTelemetry", "-port", &port.to_string()])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("java in {}", folder.display()))?;
        Self::at(format!("http://127.0.0.1:{port}"), Some(process)).await.map(Some)
    }

    /// The same engine with a table of its own.
    pub async fn another_table(&self) -> anyhow::Result<Self> {
        static TABLES: AtomicU32 = AtomicU32::new(1);
        let table = format!("{TABLE}-{}", TABLES.fetch_add(1, Ordering::SeqCst));
        Self::with_table(self.endpoint.clone(), None, table).await
    }

    /// A store that remembers nothing yet, as a new sandbox of a function would.
    pub fn cold_store(&self) -> EventStore {
        EventStore::new(self.client.clone(), &self.table)
    }

    async fn at(endpoint: String, process: Option<Child>) -> anyhow::Result<Self> {
        Self::with_table(endpoint, process, TABLE.to_owned()).await
    }

    async fn with_table(
        endpoint: String,
        process: Option<Child>,
        table: String,
    ) -> anyhow::Result<Self> {
        witness::watch();
        let calls = Arc::new(Calls::default());
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
            .endpoint_url(&endpoint)
            .interceptor(Counting(calls.clone()))
            .build();
        let streams = aws_sdk_dynamodbstreams::Config::builder()
            .behavior_version(aws_sdk_dynamodbstreams::config::BehaviorVersion::latest())
            .region(aws_sdk_dynamodbstreams::config::Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
            .endpoint_url(&endpoint)
            .build();
        let (client, streams) =
            (Client::from_conf(config), aws_sdk_dynamodbstreams::Client::from_conf(streams));
        let engine = Self { client, streams, table, calls, endpoint, process };
        engine.create_table().await?;
        engine.calls.since();
        Ok(engine)
    }

    /// Keeps trying while the engine is starting.
    async fn create_table(&self) -> anyhow::Result<()> {
        let key = |name: &str, kind| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
        };
        let attribute = |name: &str, kind| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let created = self
                .client
                .create_table()
                .table_name(&self.table)
                .billing_mode(BillingMode::PayPerRequest)
                .key_schema(key("stream", KeyType::Hash)?)
                .key_schema(key("version", KeyType::Range)?)
                .attribute_definitions(attribute("stream", ScalarAttributeType::S)?)
                .attribute_definitions(attribute("version", ScalarAttributeType::N)?)
                .stream_specification(
                    StreamSpecification::builder()
                        .stream_enabled(true)
                        .stream_view_type(StreamViewType::NewAndOldImages)
                        .build()?,
                )
                .send()
                .await;
            match created {
                Ok(_) => return Ok(()),
                Err(error) if error.as_service_error().is_some() => return Err(error.into()),
                Err(error) => ensure!(Instant::now() < deadline, "no engine: {error:?}"),
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            drop(process.kill());
            drop(process.wait());
        }
    }
}
