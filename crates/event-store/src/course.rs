//! Where a command stands between two attempts.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use decider::{StreamId, Version};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::Instant,
};

use crate::{StoreError, Unit};

/// The first pause after a lost race is at most this long; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(4);

/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// An attempt that begins later may be cut off on its way, and then nobody knows what it did.
const LAST_CALL: Duration = Duration::from_secs(1);

/// How many turns there are; streams that share one wait for each other, and nothing else.
const TURNS: usize = 1_024;

/// What the attempts so far lead to.
pub(crate) struct Course {
    /// Whether nothing that is remembered is trusted any more.
    pub(crate) fresh: bool,
    /// Taken after a lost race, kept to the end.
    pub(crate) turn: Option<Turn>,
    /// What the last attempt failed with.
    last: Option<StoreError>,
    /// At most how long to wait before the next attempt.
    pause: Duration,
    /// The turns of the streams that were to be written to.
    contended: Vec<usize>,
    /// Where a write of ours may have landed, or may land yet, as its answer was lost or has not
    /// come so far. Somebody's commit at that place settles it: it is ours, or ours can never be.
    open: Option<Version>,
    /// Where a write of ours is on its way.
    on_its_way: Option<Version>,
}

impl Default for Course {
    fn default() -> Self {
        let (fresh, turn, last, pause) = (false, None, None, FIRST_PAUSE);
        Self { fresh, turn, last, pause, contended: Vec::new(), open: None, on_its_way: None }
    }
}

impl Course {
    /// What `unit` has staged is about to be written.
    pub(crate) fn writes(&mut self, unit: &Unit) {
        self.on_its_way = unit.place();
        self.contended = unit.touched().map(|(stream, _)| turn_of(stream)).collect();
    }

    /// The write has failed.
    pub(crate) fn failed(&mut self, error: StoreError) -> StoreError {
        let place = self.on_its_way.take();
        if let StoreError::Unavailable(_) = error {
            self.open = place;
        }
        error
    }

    /// At most how long to wait after an attempt that took that long. In a crowd of processes,
    /// whoever is slow has to make way for longer; a crowd in this process takes turns.
    pub(crate) fn pause_after(&mut self, error: StoreError, took: Duration) -> Duration {
        let among_processes = self.turn.is_some() || !matches!(error, StoreError::Conflict);
        let pause = if among_processes { self.pause.max(took) } else { self.pause };
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        self.last = Some(error);
        pause.min(LONGEST_PAUSE)
    }

    /// After a lost race: the streams on which the commands of this process should take turns.
    pub(crate) fn wants_a_turn(&mut self) -> Option<Vec<usize>> {
        let lost = matches!(self.last, Some(StoreError::Conflict)) && !self.contended.is_empty();
        (lost && self.turn.is_none()).then(|| std::mem::take(&mut self.contended))
    }

    /// The stream is at `version`, and nothing there is ours.
    pub(crate) fn seen(&mut self, version: Version) {
        if self.fresh && self.open.is_some_and(|place| place <= version) {
            self.open = None;
        }
    }

    /// Whether a refusal holds. A late write of ours could make it a lie.
    pub(crate) fn is_final(&self) -> bool {
        self.fresh && self.open.is_none()
    }

    /// Why a refusal does not hold yet.
    pub(crate) fn still_open() -> StoreError {
        StoreError::Unavailable("refused, while a write of it may still land".to_owned())
    }

    /// Whether to leave it at a failure of which it is known that it wrote nothing, as there is too
    /// little time before `deadline` to be sure of the next one. What may have been written is
    /// looked for to the end.
    pub(crate) fn is_over(&self, deadline: Instant) -> bool {
        let failed = self.last.is_some() && self.open.is_none();
        failed && Instant::now() + LAST_CALL > deadline
    }

    /// What is said when there is no time left.
    pub(crate) fn out_of_time(mut self) -> StoreError {
        self.open = self.open.or(self.on_its_way);
        let late = || StoreError::Unavailable("not settled within the request's time".to_owned());
        let last = self.last.take().unwrap_or_else(late);
        self.in_the_end(last)
    }

    /// What is said when another attempt is of no use. "Nothing was written" is said only where
    /// that is known.
    pub(crate) fn in_the_end(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Conflict | StoreError::Throttled | StoreError::TooLarge
                if self.open.is_some() =>
            {
                StoreError::Unavailable(format!("a write may still land; the last one: {error}"))
            }
            StoreError::Conflict
            | StoreError::Throttled
            | StoreError::TooLarge
            | StoreError::Unavailable(_)
            | StoreError::Unreadable(_)
            | StoreError::Gone { .. }
            | StoreError::Hole { .. } => error,
        }
    }
}

/// Who is next, among the commands of one process that want to write to the same streams.
///
/// The condition of the append is the lock; this only keeps a crowd from reading and losing all
/// at once, where many requests share a process.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<[Arc<Mutex<()>>]>);

/// The right to go first. It ends when it is dropped.
pub(crate) struct Turn {
    _held: Vec<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Nobody waits.
    pub(crate) fn new() -> Self {
        Self((0..TURNS).map(|_| Arc::default()).collect())
    }

    /// Waits for all of these, in their order, so that nobody waits for each other.
    pub(crate) async fn take(&self, mut wanted: Vec<usize>) -> Turn {
        wanted.sort_unstable();
        wanted.dedup();
        let mut held = Vec::with_capacity(wanted.len());
        for turn in wanted.into_iter().filter_map(|turn| self.0.get(turn)) {
            held.push(turn.clone().lock_owned().await);
        }
        Turn { _held: held }
    }
}

fn turn_of(stream: &StreamId) -> usize {
    let mut hasher = DefaultHasher::new();
    stream.hash(&mut hasher);
    usize::try_from(hasher.finish() % TURNS as u64).unwrap_or_default()
}
