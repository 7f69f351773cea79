//! How far each stream is, and what could not be applied.

use decider::{StreamId, Timestamp, Version};
use serde::Deserialize;
use sqlx::{Arguments, error::BoxDynError};

use crate::Statement;

/// How far a stream is, as read.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Position {
    /// The last commit that is in the rows.
    pub(crate) applied: Version,
    /// Whether it waits for somebody to look at the commit after that.
    pub(crate) parked: bool,
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
    pub(crate) applied: Version,
    /// When the last applied commit was recorded.
    pub(crate) recorded_at: Option<Timestamp>,
    pub(crate) quarantined: Option<Quarantined>,
}

/// A commit that could not be applied, and why.
#[derive(Clone, Debug)]
pub(crate) struct Quarantined {
    pub(crate) version: Version,
    pub(crate) error: String,
    pub(crate) payload: String,
}

fn signed(version: Version) -> i64 {
    i64::try_from(version.0).unwrap_or(i64::MAX)
}

/// Moves the positions. This is the first part of every statement: it takes the locks of all its
/// streams, in the order of their names, before anything else is touched, as every other part
/// waits for what it returns.
pub(crate) fn write(advances: &[Advance], statement: &mut Statement) -> Result<(), BoxDynError> {
    statement.part(
        |_| {
            "insert into position (stream, prior, applied, recorded_at, parked, applied_at) \
             select stream, prior, applied, recorded_at, parked, clock_timestamp() \
             from unnest($1, $2, $3, $4, $5) as n(stream, prior, applied, recorded_at, parked) \
             order by stream \
             on conflict (stream) do update set prior = excluded.prior, \
             applied = excluded.applied, parked = excluded.parked, \
             applied_at = excluded.applied_at, \
             recorded_at = coalesce(excluded.recorded_at, position.recorded_at) \
             where position.applied = excluded.prior and not position.parked returning 1"
                .to_owned()
        },
        |arguments| {
            let each = || advances.iter();
            arguments.add(each().map(|step| step.stream.as_str()).collect::<Vec<_>>())?;
            arguments.add(each().map(|step| signed(step.prior)).collect::<Vec<_>>())?;
            arguments.add(each().map(|step| signed(step.applied)).collect::<Vec<_>>())?;
            arguments.add(each().map(|step| step.recorded_at).collect::<Vec<_>>())?;
            arguments.add(each().map(|step| step.quarantined.is_some()).collect::<Vec<_>>())?;
            arguments.add(i64::try_from(advances.len()).unwrap_or(i64::MAX))
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
                 select * from unnest({}) on conflict (stream, version) do update \
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
    )
}
