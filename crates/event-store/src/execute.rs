//! The way of a command: find its first answer, or decide, append, and try again on a lost race.

use std::{sync::Arc, time::Duration};

use decider::{Decider, Folded, StreamId, Timestamp, Version};
use rand::RngExt;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use crate::{Commit, EventStore, StoreError, Unit, UnreadableCommit, course::Course};

/// Who wants something, and how it is known again.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The subject of the caller's token.
    pub actor: String,
    /// One id for all commits of this command.
    pub command_id: String,
    /// What ties this command to the ones around it.
    pub correlation_id: String,
    /// The command or event that led to this one.
    pub causation_id: Option<String>,
    /// The trace that it is a part of, as W3C's `traceparent`.
    pub trace: Option<String>,
    /// A digest of the idempotency key; of the command id, where the caller gave none.
    pub key: String,
    /// Whether the caller gave an idempotency key.
    pub keyed: bool,
    /// A digest of caller, method, path and body.
    pub fingerprint: String,
    /// The version that the stream must have, where the caller names one.
    pub expected: Option<Version>,
    /// Now.
    pub at: Timestamp,
    /// Until when it has to be settled: lost races are run again, and stores are waited for.
    pub deadline: Instant,
}

/// Whether the stream of a command is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The command makes it: taken for empty without a read, until the append says otherwise.
    New,
    /// It is there, or the command is refused.
    Existing,
}

/// A command that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted<A> {
    /// What to answer.
    pub answer: A,
    /// Whether this is the first answer once more.
    pub replayed: bool,
}

/// One run of a command: found to have been accepted, or decided now.
enum Attempt<A> {
    Found(Accepted<A>),
    Decided(Unit, A),
}

/// A command that does not.
#[derive(Debug, thiserror::Error)]
pub enum Refused<R> {
    /// The domain says no, on the latest state.
    #[error("refused")]
    Rejected(R),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The stream is at another version than the caller names.
    #[error("the version is {0}")]
    Moved(Version),
    /// The store could not do it; [`StoreError::Conflict`] means too many lost races.
    #[error(transparent)]
    Store(StoreError),
}

impl<R> From<StoreError> for Refused<R> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl EventStore {
    /// Carries out a command on `stream`, at most once.
    ///
    /// `visible` says whether the caller may know of the stream at all, before anything of it
    /// shows. `decide` gets the stream's state, may load others, stages events on the [`Unit`] and gives
    /// it back with the answer. It runs again after a lost race, and a refusal is confirmed by a
    /// run on fresh reads: so it is decided on the latest state, whatever the outcome.
    ///
    /// # Errors
    /// [`Refused`]; nothing is appended then, but for [`StoreError::Unavailable`], where the same
    /// request sent again finds out. What [`Unit::forget_plain`] rewrites may be rewritten by then.
    pub async fn execute<D, A, R, G, F, Decided>(
        &self,
        (stream, start): (&StreamId, Start),
        intent: &Intent,
        visible: G,
        decide: F,
    ) -> Result<Accepted<A>, Refused<R>>
    where
        D: Decider,
        A: Serialize + DeserializeOwned,
        G: Fn(&D) -> Result<(), R>,
        F: Fn(Unit, Arc<Folded<D>>) -> Decided,
        Decided: Future<Output = Result<(Unit, A), Refused<R>>>,
    {
        let mut course = Course::default();
        let way = self.until_settled((stream, start), intent, (&visible, &decide), &mut course);
        match timeout_at(intent.deadline, way).await {
            Ok(settled) => settled,
            Err(_) => Err(Refused::Store(course.out_of_time())),
        }
    }

    async fn until_settled<D, A, R, G, F, Decided>(
        &self,
        (stream, start): (&StreamId, Start),
        intent: &Intent,
        (visible, decide): (&G, &F),
        course: &mut Course,
    ) -> Result<Accepted<A>, Refused<R>>
    where
        D: Decider,
        A: Serialize + DeserializeOwned,
        G: Fn(&D) -> Result<(), R>,
        F: Fn(Unit, Arc<Folded<D>>) -> Decided,
        Decided: Future<Output = Result<(Unit, A), Refused<R>>>,
    {
        let intent = Arc::new(intent.clone());
        loop {
            if course.is_over(intent.deadline) {
                return Err(Refused::Store(std::mem::take(course).out_of_time()));
            }
            let began = Instant::now();
            let unit = Unit::new(self.clone(), intent.clone(), stream.clone(), course.fresh);
            let error = match self.attempt((start, unit), course, visible, decide).await {
                Ok(Attempt::Found(accepted)) => return Ok(accepted),
                Ok(Attempt::Decided(unit, _)) if unit.is_unproved() => None,
                Ok(Attempt::Decided(unit, answer)) if unit.is_empty() => {
                    return Ok(Accepted { answer, replayed: false });
                }
                Ok(Attempt::Decided(unit, answer)) => {
                    course.writes(&unit);
                    match unit.append(to_json(&answer)).await {
                        Ok(()) => return Ok(Accepted { answer, replayed: false }),
                        Err(error) => Some(course.failed(error)),
                    }
                }
                Err(Refused::Store(error)) => Some(error),
                Err(refused) if course.is_final() => return Err(refused),
                Err(_) if course.fresh => Some(Course::still_open()),
                Err(_) => None,
            };
            course.fresh = true;
            let Some(error) = error else { continue };
            if !worth_another(&error) {
                return Err(Refused::Store(course.in_the_end(error)));
            }
            debug!(%stream, %error, "once more");
            tokio::time::sleep(jitter(course.pause_after(error, began.elapsed()))).await;
            if let Some(contended) = course.wants_a_turn() {
                course.turn = Some(self.turns.take(contended).await);
            }
        }
    }

    async fn attempt<D, A, R, G, F, Decided>(
        &self,
        (start, mut unit): (Start, Unit),
        course: &mut Course,
        visible: &G,
        decide: &F,
    ) -> Result<Attempt<A>, Refused<R>>
    where
        D: Decider,
        A: DeserializeOwned,
        G: Fn(&D) -> Result<(), R>,
        F: Fn(Unit, Arc<Folded<D>>) -> Decided,
        Decided: Future<Output = Result<(Unit, A), Refused<R>>>,
    {
        let (stream, intent) = (unit.primary().clone(), unit.intent());
        let folded: Arc<Folded<D>> = match start {
            Start::New => unit.expect_new(&stream).await?,
            Start::Existing => unit.load(&stream).await?,
        };
        visible(&folded.state).map_err(Refused::Rejected)?;
        let is_first_try = !unit.is_fresh();
        if let Some(commit) = self.accepted((&stream, &folded), &intent, is_first_try).await? {
            return first_answer(commit, &intent).map(Attempt::Found);
        }
        course.seen(folded.version);
        if let Some(expected) = intent.expected
            && expected != folded.version
        {
            return Err(Refused::Moved(folded.version));
        }
        let (unit, answer) = decide(unit, folded).await?;
        Ok(Attempt::Decided(unit, answer))
    }
}

/// The answer that the request got from the commit that accepted it. If that is this very
/// command's own commit, whose answer was lost on its way, it is the first answer.
fn first_answer<A: DeserializeOwned, R>(
    commit: Commit,
    intent: &Intent,
) -> Result<Accepted<A>, Refused<R>> {
    let Commit { stream, version, metadata, .. } = commit;
    let request =
        metadata.request.ok_or_else(|| StoreError::Hole { stream: stream.clone(), version })?;
    if request.fingerprint != intent.fingerprint {
        return Err(Refused::KeyReused);
    }
    let replayed = metadata.command_id != intent.command_id;
    let answer = serde_json::from_str(&request.answer).map_err(|error| {
        StoreError::from(UnreadableCommit { stream, version, detail: error.to_string() })
    })?;
    Ok(Accepted { answer, replayed })
}

/// After a lost answer too: if the write landed, the next attempt finds it by its request.
fn worth_another(error: &StoreError) -> bool {
    match error {
        StoreError::Conflict | StoreError::Throttled | StoreError::Unavailable(_) => true,
        StoreError::TooLarge
        | StoreError::Unreadable(_)
        | StoreError::Gone { .. }
        | StoreError::Hole { .. } => false,
    }
}

/// "Full jitter", from the AWS Architecture Blog, "Exponential Backoff And Jitter" (2015).
fn jitter(most: Duration) -> Duration {
    most.mul_f64(rand::rng().random())
}

fn to_json<A: Serialize>(answer: &A) -> String {
    serde_json::to_string(answer).expect("an answer has string keys and finite numbers only")
}
