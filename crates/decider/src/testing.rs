//! The kit in which a decider's tests read like the business: given, when, then.
//!
//! ```text
//! given::<Order>([placed(), paid(), shipped()])
//!     .when(Cancel { reason: "late".into() })
//!     .then_rejected(AlreadyShipped);
//! ```

use std::fmt::Debug;

use crate::Decider;

/// A history, folded.
#[derive(Debug)]
pub struct Given<D>(D);

/// What a command led to.
#[derive(Debug)]
pub struct Outcome<D: Decider> {
    before: D,
    decided: Result<Vec<D::Event>, D::Rejection>,
}

/// Starts from what has happened.
pub fn given<D: Decider>(history: impl IntoIterator<Item = D::Event>) -> Given<D> {
    Given(history.into_iter().fold(D::default(), |state, event| state.evolve(&event)))
}

impl<D: Decider> Given<D> {
    /// Sends a command.
    pub fn when(self, command: impl Into<D::Command>) -> Outcome<D> {
        let decided = self.0.decide(command.into());
        Outcome { before: self.0, decided }
    }
}

impl<D: Decider> Outcome<D>
where
    D::Event: Debug + PartialEq,
    D::Rejection: Debug + PartialEq,
{
    /// Expects exactly these events.
    ///
    /// # Panics
    /// When the command led to anything else.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = D::Event>) -> D {
        let expected: Vec<_> = expected.into_iter().collect();
        let events = self.decided.expect("the command should have been accepted");
        assert_eq!(events, expected);
        events.iter().fold(self.before, D::evolve)
    }

    /// Expects the command to be accepted and to change nothing.
    ///
    /// # Panics
    /// When the command led to anything else.
    #[track_caller]
    pub fn then_nothing(self) {
        assert_eq!(self.decided, Ok(vec![]));
    }

    /// Expects the command to be refused for this reason.
    ///
    /// # Panics
    /// When it was accepted, or refused for another.
    #[track_caller]
    pub fn then_rejected(self, reason: D::Rejection) {
        assert_eq!(self.decided.err(), Some(reason));
    }
}
