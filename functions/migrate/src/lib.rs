//! Brings the database up to date while the stack is being deployed: a custom resource of
//! CloudFormation, which waits for the answer at a URL that comes with the request.
//!
//! It may be asked twice, by two deployments at once, or by the code of before on the way back
//! from a deployment that failed, and all of these succeed. A deletion touches nothing.

mod answer;
mod request;
mod schema;

use std::time::Duration;

use database::Database;
use lambda_runtime::Error;
use tokio::time::Instant;
use tracing::{error, info};

use crate::answer::Answer;
pub use crate::request::{Request, RequestType};
pub use crate::schema::{Schema, SchemaError};

/// What is left for the answer when the database is not there in time.
const TO_ANSWER: Duration = Duration::from_secs(15);

/// The custom resource.
#[derive(Debug)]
pub struct Migrations {
    schema: Schema,
    http: reqwest::Client,
}

impl Migrations {
    /// The migrations of this build, for `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { schema: Schema::new(database), http: reqwest::Client::new() }
    }

    /// Does what CloudFormation asks for, and answers it before `deadline`.
    ///
    /// # Errors
    /// When the answer could not be delivered. Lambda then asks again, and so does CloudFormation.
    pub async fn handle(&self, request: Request, deadline: Instant) -> Result<(), Error> {
        let outcome = match request.request_type {
            // the database goes or stays by its own policy, and may be gone already
            RequestType::Delete => Ok(()),
            RequestType::Create | RequestType::Update => {
                self.schema.bring_up_to_date(deadline - TO_ANSWER).await
            }
        };
        match &outcome {
            Ok(()) => info!("done"),
            Err(error) => error!(%error, "the schema is not up to date"),
        }
        let answer = Answer::to(&request, outcome.map_err(|error| error.to_string()));
        answer.deliver(&self.http, deadline).await
    }
}
