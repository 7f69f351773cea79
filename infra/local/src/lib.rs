//! The deployed system in one process: DynamoDB, PostgreSQL, API Gateway's HTTP API with its JWT
//! authorizer, the event source mapping from the table's stream to the projector, and EventBridge
//! Scheduler.
//!
//! It owns how AWS behaves around the functions; what they do it must not know. The table, the
//! routes, the schedules and the mapping's settings are read from `template.yaml`, so that what is
//! deployed is what runs here.

pub mod demo;
mod dynamodb;
mod faults;
mod filter;
mod folder;
mod functions;
mod gateway;
mod issuer;
mod lag;
pub mod openapi;
mod poller;
mod scheduler;
mod stack;
pub mod template;
mod wiring;

pub use dynamodb::{CREDENTIAL, KEY_TABLE_NAME, REGION, TABLE_NAME, open as open_dynamodb};
pub use faults::FaultPlan;
pub use filter::Filter;
pub use issuer::{AUDIENCE, DAY, Grant, ISSUER, Issuer, SCOPES};
pub use stack::{Options, Stack};
