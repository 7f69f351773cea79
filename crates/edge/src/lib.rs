//! The HTTP edge that the command and the query function share: who calls, what a body and a
//! query string may hold, what an error looks like, and the token that names a write.
//!
//! It knows API Gateway's events and `axum`, and neither the shop nor a store.

mod body;
mod buffered;
mod caller;
mod handler;
mod measured;
pub mod openapi;
mod origin;
mod params;
mod path;
mod problem;
mod routes;
mod token;

pub use body::{Body, MOST_BYTES};
pub use buffered::MOST_ANSWER_BYTES;
pub use caller::{Caller, Scope};
pub use handler::{Handler, log_to_stdout, serve, variable, with_problems};
pub use measured::measured;
pub use origin::{BadCorrelationId, LONGEST_CORRELATION_ID, Origin, correlation_id};
pub use params::Params;
pub use path::Id;
pub use problem::{FieldError, Problem};
pub use routes::ROUTES;
pub use token::{BadToken, ConsistencyToken};
