//! Wires the commands to Lambda's runtime.

use command::{Commands, router};
use event_store::{EventStore, within_a_request};
use lambda_http::Error;
use telemetry::Telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    edge::log_to_stdout();
    let config = aws_config::load_from_env().await;
    let prompt = within_a_request(aws_sdk_dynamodb::config::Builder::from(&config));
    let client = aws_sdk_dynamodb::Client::from_conf(prompt.build());
    let keys = personal_data::from_environment(&config, client.clone())?;
    let store = EventStore::new(client, edge::variable("EVENT_TABLE")?).with_keys(keys);
    store.prime().await;
    let telemetry = Telemetry::of_function("command");
    edge::serve(edge::measured(router(Commands::new(store)), telemetry)).await
}
