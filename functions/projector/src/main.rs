//! Wires the projector to Lambda's runtime.

use database::Database;
use event_store::EventStore;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use projector::{Input, Projector};
use telemetry::Telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().json().without_time().init();
    let config = aws_config::load_from_env().await;
    let client = aws_sdk_dynamodb::Client::new(&config);
    let keys = personal_data::from_environment(&config, client.clone())?;
    let store = EventStore::new(client, variable("EVENT_TABLE")?).with_keys(keys);
    let sessions = Database::from_environment(&config)?.sessions(database::connections(1));
    let telemetry = Telemetry::of_function("projector");
    let projector = Projector::new(sessions.pool(), store).measured_by(telemetry);
    run(service_fn(async |event: LambdaEvent<Input>| {
        sessions.renew().await;
        // On the heap: what it awaits is nested deeper than the compiler lays out.
        Box::pin(projector.invoke(event.payload)).await
    }))
    .await
}

fn variable(name: &str) -> Result<String, Error> {
    std::env::var(name).map_err(|error| format!("the environment variable {name}: {error}").into())
}
