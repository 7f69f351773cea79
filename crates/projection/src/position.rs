//! How far each stream is, and what could not be applied.

use decider::{StreamId, Timestamp, Version};
use serde::Deserialize;
use sqlx::{Arguments, error::BoxDynError};

use crate::{Statement, statement::ALL_MOVED};

/// How far a stream is, as read.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Position {
    /// The last commit that is in the rows.
    pub(crate) applied: Version,
    /// Whether it waits for somebody to look at the commit after that.
    pub(crate) parked: bool,
    /// Whether the stream is no more.
    pub(crate) removed: bool,
    /// How often it was folded anew.
    pub(crate) refolds: i64,
}

impl Position {
    /// The columns that it is read from.
    pub(crate) const COLUMNS: &str =
        "stream, applied, parked, removed_at is not null as removed, refolds";
}

/// A position as it is read, with its stream.
#[derive(Debug, Deserialize)]
pub(crate) struct PositionRow {
    pub(crate) stream: StreamId,
    #[serde(flatten)]
    pub(crate) position: Position,
}

/// A step of one stream, to be written with the rows that belong to it.
#[derive(Clone, Debug)]
pub(crate) struct Advance {
    pub(crate) stream: StreamId,
    /// Where the stream was read; the step holds only if it is still there.
    pub(crate) prior: Version,
    /// How often it had been folded anew by then; that must not have changed either.
    pub(crate) refolds: i64,
    pub(crate) applied: Version,
    /// When each commit that is applied now was recorded.
    pub(crate) recorded: Vec<Timestamp>,
    pub(crate) quarantined: Option<Quarantined>,
}

impl Advance {
    /// A step that starts where the stream was read.
    pub(crate) fn from(stream: &StreamId, position: &Position) -> Self {
        Self {
            stream: stream.clone(),
            prior: position.applied,
            refolds: position.refolds,
            applied: position.applied,
            recorded: Vec::new(),
            quarantined: None,
        }
    }

    /// Whether there is anything to write.
    pub(crate) fn moved(&self) -> bool {
        self.applied != self.prior || self.quarantined.is_some()
    }
}

/// A commit that could not be applied, and why.
#[derive(Clone, Debug)]
pub(crate) struct Quarantined {
    pub(crate) version: Version,
    pub(crate) error: String,
    pub(crate) payload: String,
}

pub(crate) fn signed(version: Version) -> i64 {
    i64::try_from(version.0).unwrap_or(i64::MAX)
}

/// Moves the positions. This is the first part of every statement: it takes the locks of all its
/// streams, in the order of their names, before anything else is touched, as every other part
/// waits for what it returns.
pub(crate) fn advance(advances: &[Advance], statement: &mut Statement) -> Result<(), BoxDynError> {
    let unchanged = "position.refolds = excluded.refolds and not position.parked";
    write(advances, unchanged, statement)
}

/// Moves positions back to before the first commit, parked or not.
pub(crate) fn forget(steps: &[Advance], statement: &mut Statement) -> Result<(), BoxDynError> {
    write(steps, "position.refolds = excluded.refolds", statement)
}

/// Moves the position of a stream that was folded anew: wherever it was, parked or not. It had been
/// folded anew `before` as often when it was read.
pub(crate) fn refold(
    step: &Advance,
    before: i64,
    statement: &mut Statement,
) -> Result<(), BoxDynError> {
    let unchanged = format!("position.refolds = {before}");
    write(std::slice::from_ref(step), &unchanged, statement)?;
    // What was in quarantine is in the rows now, or skipped for ever; and what was there may be
    // the very thing that was to be redacted.
    statement.part(
        |_| {
            format!(
                "update quarantine q set payload = '', \
                 resolution = coalesce(q.resolution, 'redriven'), \
                 resolved_at = coalesce(q.resolved_at, now()) \
                 from unnest($1, $3) as n(stream, applied) \
                 where q.stream = n.stream and q.version between 1 and n.applied and {ALL_MOVED}"
            )
        },
        |_| Ok(()),
    )?;
    Ok(())
}

fn write(
    advances: &[Advance],
    unchanged: &str,
    statement: &mut Statement,
) -> Result<(), BoxDynError> {
    statement.part(
        |_| {
            format!(
                "insert into position \
                 (stream, prior, applied, recorded_at, parked, applied_at, refolds) \
                 select stream, prior, applied, recorded_at, parked, clock_timestamp(), refolds \
                 from unnest($1, $2, $3, $4, $5, $7) \
                 as n(stream, prior, applied, recorded_at, parked, refolds) order by stream \
                 on conflict (stream) do update set prior = excluded.prior, \
                 applied = excluded.applied, parked = excluded.parked, \
                 applied_at = excluded.applied_at, refolds = excluded.refolds, \
                 recorded_at = coalesce(excluded.recorded_at, position.recorded_at) \
                 where position.applied = excluded.prior and position.removed_at is null \
                 and {unchanged} returning 1"
            )
        },
        |arguments| {
            let each = || advances.iter();
            arguments.add(each().map(|step| step.stream.as_str()).collect::<Vec<_>>())?;
            arguments.add(each().map(|step| signed(step.prior)).collect::<Vec<_>>())?;
            arguments.add(each().map(|step| signed(step.applied)).collect::<Vec<_>>())?;
            arguments.add(each().map(|step| step.recorded.last().copied()).collect::<Vec<_>>())?;
            arguments.add(each().map(|step| step.quarantined.is_some()).collect::<Vec<_>>())?;
            arguments.add(i64::try_from(advances.len()).unwrap_or(i64::MAX))?;
            arguments.add(each().map(|step| step.refolds).collect::<Vec<_>>())
        },
    )?;
    write_quarantined(advances, statement)
}

fn write_quarantined(advances: &[Advance], statement: &mut Statement) -> Result<(), BoxDynError> {
    let quarantined: Vec<_> = advances
        .iter()
        .filter_map(|step| step.quarantined.as_ref().map(|commit| (&step.stream, commit)))
        .collect();
    if quarantined.is_empty() {
        return Ok(());
    }
    statement.part(
        |first| {
            let arrays = (first..first + 4).map(|n| format!("${n}")).collect::<Vec<_>>();
            format!(
                "insert into quarantine (stream, version, error, payload) \
                 select * from unnest({}) where {ALL_MOVED} on conflict (stream, version) do update \
                 set error = excluded.error, payload = excluded.payload, quarantined_at = now(), \
                 resolution = null, reason = null, resolved_at = null",
                arrays.join(", ")
            )
        },
        |arguments| {
            let each = || quarantined.iter();
            arguments.add(each().map(|(stream, _)| stream.as_str()).collect::<Vec<_>>())?;
            arguments.add(each().map(|(_, commit)| signed(commit.version)).collect::<Vec<_>>())?;
            arguments.add(each().map(|(_, commit)| commit.error.as_str()).collect::<Vec<_>>())?;
            arguments.add(each().map(|(_, commit)| commit.payload.as_str()).collect::<Vec<_>>())
        },
    )?;
    Ok(())
}
