//! The migrations as a deployment meets them, against a real Postgres.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cloudformation;
mod deployments;
mod roles;
