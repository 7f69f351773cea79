//! What happens to a history on its way to the rows.

use std::fmt;

use projection::{Commit, Delivery};

/// What goes wrong with an invocation of the projector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The projector dies before a statement leaves it.
    CrashBeforeCommit,
    /// A statement is committed, and the projector dies before it hears of that.
    CrashAfterCommit,
    /// The projector runs out of time while a statement is on its way, which lands without it.
    OutOfTime,
    /// The connection breaks in the middle of a message.
    CutMidMessage,
    /// The connection breaks while the database runs a statement: nobody knows what became of it.
    CutWhileRunning,
    /// An administrator ends the session while it waits for a lock (57P01).
    Terminated,
    /// Every statement that writes rows takes too long, waiting for a lock (57014).
    Cancelled,
    /// The database takes no connections.
    DatabaseAway,
    /// The event table answers nothing.
    TableAway,
    /// A statement is done, and held up before it commits. It succeeds.
    Slow,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::CrashBeforeCommit,
        Self::CrashAfterCommit,
        Self::OutOfTime,
        Self::CutMidMessage,
        Self::CutWhileRunning,
        Self::Terminated,
        Self::Cancelled,
        Self::DatabaseAway,
        Self::TableAway,
        Self::Slow,
    ];
}

/// A fault, and which statement of the invocation it waits for: the first reads, the second
/// writes, later ones come where poison makes the batch fall apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) fault: Fault,
    pub(crate) statement: u32,
}

/// What the event source mapping does with a batch that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// It comes again.
    Again,
    /// It comes again in two halves.
    Halves,
    /// It has come often enough, and does not come again.
    GivesUp,
}

/// A batch on its way to the projector.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    /// Places in the history.
    pub(crate) records: Vec<usize>,
    /// How much of the history is in the event table by then.
    pub(crate) written: usize,
    /// One for each attempt; the attempt after the last one meets none.
    pub(crate) faults: Vec<Planned>,
    pub(crate) after_failure: AfterFailure,
}

/// One thing after the other.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Deliver(Invocation),
    /// Somebody sweeps.
    Sweep,
    /// Somebody redrives all that is parked, though nothing was mended.
    Redrive,
    /// Somebody compares the rows with the events, in the middle of it all.
    Verify,
}

/// What becomes of a commit that cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WayOut {
    /// It is what it should have been, and the stream is redriven.
    Mended,
    /// It is skipped.
    Skipped,
}

/// A commit that cannot be applied.
#[derive(Clone, Debug)]
pub(crate) struct Poison {
    /// Its place in the history.
    pub(crate) place: usize,
    /// What is there in its stead.
    pub(crate) form: Delivery,
    pub(crate) way_out: WayOut,
}

/// A history and what happens to it on its way to the rows. One seed is one plan.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) history: Vec<Commit>,
    pub(crate) poison: Vec<Poison>,
    /// How many invocations run at a time.
    pub(crate) lanes: usize,
    /// From what it is drawn which of them goes on.
    pub(crate) turns: u64,
    pub(crate) steps: Vec<Step>,
    /// Whether time is taken for the slower comparisons.
    pub(crate) thorough: bool,
}

impl Plan {
    /// What was written at a place of the history.
    pub(crate) fn written(&self, place: usize) -> Delivery {
        let poison = self.poison.iter().find(|poison| poison.place == place);
        match poison {
            Some(poison) => poison.form.clone(),
            None => Delivery::Commit(self.history[place].clone()),
        }
    }

    /// The whole history as it is written, in order.
    pub(crate) fn all_written(&self) -> Vec<Delivery> {
        (0..self.history.len()).map(|place| self.written(place)).collect()
    }

    /// Without some commits: they were never made.
    pub(crate) fn without(&self, gone: impl Fn(&Commit) -> bool) -> Self {
        let mut places = Vec::new();
        let mut history = Vec::new();
        for commit in &self.history {
            places.push((!gone(commit)).then_some(history.len()));
            if !gone(commit) {
                history.push(commit.clone());
            }
        }
        let poison = self
            .poison
            .iter()
            .filter_map(|poison| Some(Poison { place: places[poison.place]?, ..poison.clone() }));
        let steps = self.steps.iter().filter_map(|step| match step {
            Step::Deliver(invocation) => {
                let records = invocation.records.iter().filter_map(|place| places[*place]);
                let records: Vec<_> = records.collect();
                let written = places[..invocation.written].iter().flatten().count();
                let invocation = Invocation { records, written, ..invocation.clone() };
                (!invocation.records.is_empty()).then_some(Step::Deliver(invocation))
            }
            Step::Sweep | Step::Redrive | Step::Verify => Some(step.clone()),
        });
        let (poison, steps) = (poison.collect(), steps.collect());
        Self { history, poison, steps, ..*self }
    }

    fn name(&self, place: usize) -> String {
        let commit = &self.history[place];
        format!("{} {}", commit.stream, commit.version)
    }
}

/// For people who look for the reason.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (commits, steps) = (self.history.len(), self.steps.len());
        writeln!(f, "{commits} commits, {steps} steps, {} at a time", self.lanes)?;
        for commit in &self.history {
            let events: Vec<_> = commit.events.iter().map(|event| event.name.as_str()).collect();
            writeln!(f, "  made: {} {} {}", commit.stream, commit.version, events.join(", "))?;
        }
        for Poison { place, form, way_out } in &self.poison {
            let form = match form {
                Delivery::Commit(_) => "cannot be applied",
                Delivery::Unreadable(_) => "cannot be read",
            };
            writeln!(f, "  poison: {} {form}, and is {way_out:?} in the end", self.name(*place))?;
        }
        for (number, step) in (1..).zip(&self.steps) {
            let Step::Deliver(Invocation { records, written, faults, after_failure }) = step else {
                writeln!(f, "  {number}. {step:?}")?;
                continue;
            };
            let records: Vec<_> = records.iter().map(|place| self.name(*place)).collect();
            write!(f, "  {number}. with {written} in the table comes {}", records.join(", "))?;
            for Planned { fault, statement } in faults {
                write!(f, "; {fault:?} at statement {statement}, then {after_failure:?}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
