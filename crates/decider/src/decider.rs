//! The heart of a domain: decide, evolve.

use serde::{Serialize, de::DeserializeOwned};

use crate::Event;

/// A state that takes commands and is made of events.
///
/// After Jérémie Chassaing, "Functional Event Sourcing Decider" (2021). `Default` is the state
/// before the first event.
pub trait Decider: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The category of the streams that hold these events, for example `order`.
    const CATEGORY: &'static str;

    /// The version of this state's own shape, for snapshots: one of another shape is remade from
    /// the events, never trusted. Raise it with every change to the fields of the state.
    const SHAPE: u32;

    /// For how many days a stream is kept, from its first commit on; `None` is for ever.
    ///
    /// It counts from the first commit, however often the stream was used since: the commits of a
    /// stream expire together, as one without its beginning could not be folded.
    const KEPT_DAYS: Option<i64> = None;

    /// Whether commits come for as long as the business goes on, as for a product: then a stream is
    /// likely to have a snapshot, which is asked for at once with its newest commits. That saves a
    /// wait where there is one, and costs a read where there is none.
    const LONG_LIVED: bool = false;

    /// What can be asked of it; time and ids come in here.
    type Command;

    /// What can have happened to it.
    type Event: Event + Clone + Send + Sync;

    /// Why a command was refused.
    type Rejection;

    /// Decides what a command leads to. No events means that what was asked for holds already.
    ///
    /// # Errors
    /// The business reason for which the command is refused.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// The state after one more event. Never fails: what was accepted once is a fact.
    #[must_use]
    fn evolve(self, event: &Self::Event) -> Self;
}
