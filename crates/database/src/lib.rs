//! How a function gets into its database: by a URL on one's own machine, by IAM in an account.
//!
//! There is no password in an account. A function signs a token with the credentials of its role,
//! locally and without a call to anybody, and shows it in place of one. A token is looked at when
//! a connection is made and never again, and is good for 15 minutes. This crate knows no table.

mod environment;
mod pool;
mod renewal;
mod token;

pub use environment::{BadEnvironment, Database};
pub use pool::connections;
pub use renewal::Sessions;
pub use token::{SignError, Signer};
