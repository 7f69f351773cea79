//! Personal data in stored events: sealed on the way into the event table under a key of each
//! person, revealed on the way out, and gone everywhere once that key is destroyed.
//!
//! It owns the keys, their table, and who wraps them. It knows no domain: an event says itself
//! which of its fields are personal ([`decider::Payload::PERSONAL`]), and the stream that it is in
//! is the person whom they are about.

mod custodian;
mod environment;
mod keys;
mod sealing;
pub mod testing;

pub use custodian::{Custodian, KeyFile, Kms, Wrapping};
pub use environment::from_environment;
pub use keys::{KeyError, Keys};
pub use sealing::{DataKey, Unrevealed, is_sealed};
