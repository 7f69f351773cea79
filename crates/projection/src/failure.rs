//! Poison, or the infrastructure? Told apart by SQLSTATE.

use std::time::Duration;

use sqlx::Error;

/// A batch that could not be applied; it comes again as it is.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The database is away, or refused for a reason that is not the data's.
    #[error("the read model is away: {0}")]
    Database(#[from] Error),
    /// The event table did not give what the stream had not delivered.
    #[error("the event table is away: {0}")]
    Source(String),
    /// A row of the read model is not what this build expects: the migrations are behind or ahead.
    #[error("a row of the read model is of another shape: {0}")]
    Row(#[from] serde_json::Error),
}

/// What a failed statement means for the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A value or a combination of values that the tables refuse, whoever tries.
    Poison,
    /// Somebody else was faster; the same batch works when it is read again.
    Contention,
    /// Nothing that the batch could help.
    Infrastructure,
}

/// Classes as in PostgreSQL's "Appendix A. Error Codes".
pub(crate) fn meaning(error: &Error) -> Meaning {
    if matches!(error, Error::Encode(_)) {
        return Meaning::Poison;
    }
    let Error::Database(error) = error else {
        return Meaning::Infrastructure;
    };
    let code = error.code().unwrap_or_default();
    match code.as_ref() {
        // serialization_failure, which `expect_moved` raises, and deadlock_detected
        "40001" | "40P01" => Meaning::Contention,
        // program_limit_exceeded: a text too long for an index or a tsvector
        "54000" => Meaning::Poison,
        // data exception, integrity constraint violation
        code if code.starts_with("22") || code.starts_with("23") => Meaning::Poison,
        _ => Meaning::Infrastructure,
    }
}

/// How often something is tried again when others were faster, before the delivery is failed.
const ATTEMPTS: u32 = 20;

/// Counts the attempts at a statement that other projectors are in the way of.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    attempts: u32,
}

impl Patience {
    /// Whether an error is worth another attempt.
    pub(crate) fn lasts(&mut self, error: &ApplyError) -> bool {
        self.attempts += 1;
        let contended = match error {
            ApplyError::Database(error) => meaning(error) == Meaning::Contention,
            ApplyError::Source(_) | ApplyError::Row(_) => false,
        };
        contended && self.attempts < ATTEMPTS
    }

    /// Waits, a little longer each time, and never as long as the others.
    pub(crate) async fn pause(&self) {
        let longest = Duration::from_millis(2 << self.attempts.min(7));
        tokio::time::sleep(longest.mul_f64(rand::random())).await;
    }
}
