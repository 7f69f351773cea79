//! Wires the projector to Lambda's runtime.

use aws_lambda_events::event::dynamodb::Event;
use database::Database;
use event_store::EventStore;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use projector::Projector;
use sqlx::postgres::PgPoolOptions;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().json().without_time().init();
    let config = aws_config::load_from_env().await;
    let store = EventStore::new(aws_sdk_dynamodb::Client::new(&config), variable("EVENT_TABLE")?);
    let one_connection = PgPoolOptions::new().max_connections(1);
    let sessions = Database::from_environment(&config)?.sessions(one_connection);
    let projector = Projector::new(sessions.pool(), store);
    run(service_fn(async |event: LambdaEvent<Event>| {
        sessions.renew().await;
        projector.handle(event.payload).await
    }))
    .await
}

fn variable(name: &str) -> Result<String, Error> {
    std::env::var(name).map_err(|error| format!("the environment variable {name}: {error}").into())
}
