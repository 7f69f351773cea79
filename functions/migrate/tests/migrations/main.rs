//! The migrations as a deployment meets them, against a real Postgres.

mod cloudformation;
mod deployments;
mod roles;
