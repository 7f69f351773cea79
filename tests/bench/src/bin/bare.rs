//! The floor of a function: Lambda's runtime, the same SDK client, and one conditional put.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use event_store::{EventStore, within_a_request};
use lambda_http::lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_from_env().await;
    let config = within_a_request(aws_sdk_dynamodb::config::Builder::from(&config));
    let client = &Client::from_conf(config.build());
    let table = &std::env::var("EVENT_TABLE")?;
    EventStore::new(client.clone(), table).prime().await;
    run(service_fn(|event: LambdaEvent<Value>| put(client, table, event.payload))).await
}

/// Puts what came in, at a place that is taken by nothing.
async fn put(client: &Client, table: &str, event: Value) -> Result<Value, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    client
        .put_item()
        .table_name(table)
        .item("stream", AttributeValue::S(format!("bare-{now}")))
        .item("version", AttributeValue::N("1".to_owned()))
        .item("event", AttributeValue::S(event.to_string()))
        .condition_expression("attribute_not_exists(version)")
        .send()
        .await?;
    Ok(json!({"statusCode": 200, "headers": {}, "body": "{}", "isBase64Encoded": false}))
}
