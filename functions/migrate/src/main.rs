//! Wires the migrations to Lambda's runtime.

use std::time::SystemTime;

use database::Database;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use migrate::{Migrations, Request};
use tokio::time::Instant;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().json().without_time().init();
    let config = aws_config::load_from_env().await;
    let migrations = Migrations::new(Database::from_environment(&config)?);
    run(service_fn(async |event: LambdaEvent<Request>| {
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        migrations.handle(event.payload, Instant::now() + left).await
    }))
    .await
}
