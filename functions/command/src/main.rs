//! Wires the commands to Lambda's runtime.

use command::{Commands, router};
use event_store::EventStore;
use lambda_http::Error;
use telemetry::Telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    edge::log_to_stdout();
    let config = aws_config::load_from_env().await;
    let client = aws_sdk_dynamodb::Client::new(&config);
    let store = EventStore::new(client, edge::variable("EVENT_TABLE")?);
    let telemetry = Telemetry::new("command", std::io::stdout());
    edge::serve(edge::measured(router(Commands::new(store)), telemetry)).await
}
