//! An event table in an engine of its own.

use std::path::Path;

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Builder, Credentials, Region},
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        StreamSpecification, StreamViewType,
    },
};
use dynoxide::Database;
use event_store::{EventStore, within_a_request};
use tokio::net::TcpListener;

/// The name of the table.
pub const TABLE: &str = "command-events";

/// A `dynoxide` that serves one event table.
pub struct Table {
    /// Where it answers.
    pub endpoint: String,
}

impl Table {
    /// One that is gone with the process.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn in_memory() -> anyhow::Result<Self> {
        Self::of(Database::memory()?).await
    }

    /// One in a file, tuned as the local stack's.
    ///
    /// # Errors
    /// When the file cannot be made, or no port is free.
    pub async fn in_file(path: &Path) -> anyhow::Result<Self> {
        Self::of(local_stack::open_dynamodb(path)?).await
    }

    async fn of(database: Database) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        tokio::spawn(dynoxide::server::serve_on(listener, database));
        let table = Self { endpoint };
        table.create().await?;
        Ok(table)
    }

    /// A client of the engine.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::from_conf(config(&self.endpoint).build())
    }

    async fn create(&self) -> anyhow::Result<()> {
        let key = |name: &str, kind| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
        };
        let attribute = |name: &str, kind| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()
        };
        let view = StreamViewType::NewAndOldImages;
        let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(view);
        let create = self.client().create_table().table_name(TABLE);
        create
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(key("stream", KeyType::Hash)?)
            .key_schema(key("version", KeyType::Range)?)
            .attribute_definitions(attribute("stream", ScalarAttributeType::S)?)
            .attribute_definitions(attribute("version", ScalarAttributeType::N)?)
            .stream_specification(stream.build()?)
            .send()
            .await?;
        personal_data::testing::create_table(&self.client()).await?;
        Ok(())
    }
}

/// A client as a new sandbox of the command function has it, of that endpoint.
#[must_use]
pub fn cold_client(endpoint: &str) -> Client {
    Client::from_conf(within_a_request(config(endpoint)).build())
}

/// A store as a new sandbox of the command function has it, at that endpoint.
#[must_use]
pub fn cold_store(endpoint: &str) -> EventStore {
    let client = cold_client(endpoint);
    EventStore::new(client.clone(), TABLE).with_keys(personal_data::testing::keys(client))
}

fn config(endpoint: &str) -> Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
        .endpoint_url(endpoint)
}
