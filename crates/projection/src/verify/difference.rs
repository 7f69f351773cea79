//! What a comparison finds.

use std::{collections::BTreeMap, fmt, ops::AddAssign};

use decider::{StreamId, Version};
use serde_json::value::RawValue;
use sqlx::FromRow;

/// What was compared, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Streams that were looked at.
    pub streams: u64,
    /// Commits that were folded.
    pub commits: u64,
    /// Keys of tallies that were compared; none unless all streams were folded, each as it
    /// was at the start.
    pub tally_keys: u64,
    /// Streams of which the event table has more than the rows, which no quarantine explains. They
    /// are compared as far as the rows go; unless what is missing erases them, as then nobody can
    /// tell any more what the rows should still show.
    pub lagging_streams: u64,
    /// Streams that wait for a quarantined commit. They are compared as far as the rows go.
    pub parked_streams: u64,
    /// Streams that have a position and no commit in the event table. They are not compared.
    pub absent_streams: u64,
    /// Streams that were folded anew or removed while all were being compared. With one of them,
    /// no tally is compared: what it counted at the start, nobody can tell any more.
    pub rewritten_streams: u64,
    /// Streams that have commits and could not be folded. They are not compared.
    pub unfolded: Vec<Unfolded>,
    /// Where the rows are not what the commits say.
    pub differences: Vec<Difference>,
}

impl Checked {
    /// Whether the rows are what the commits say, as far as there are commits to say it.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.differences.is_empty() && self.unfolded.is_empty()
    }
}

impl AddAssign for Checked {
    fn add_assign(&mut self, other: Self) {
        self.streams += other.streams;
        self.commits += other.commits;
        self.tally_keys += other.tally_keys;
        self.lagging_streams += other.lagging_streams;
        self.parked_streams += other.parked_streams;
        self.absent_streams += other.absent_streams;
        self.rewritten_streams += other.rewritten_streams;
        self.unfolded.extend(other.unfolded);
        self.differences.extend(other.differences);
    }
}

/// A stream whose commits could not be folded as far as its rows go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfolded {
    /// Which stream.
    pub stream: StreamId,
    /// The first commit that could not be.
    pub version: Version,
    /// Why not.
    pub why: String,
}

impl fmt::Display for Unfolded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be folded: commit {}: {}", self.stream, self.version, self.why)
    }
}

/// A place where the rows are not what the commits say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The row's primary key, as a JSON object.
    pub key: String,
    /// The stream that owns the row; nobody owns a tally's.
    pub stream: Option<String>,
    /// What is wrong.
    pub mismatch: Mismatch,
}

/// What is wrong with a row. Rows and values are JSON, as Postgres writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A row that should be there.
    Missing {
        /// The row.
        expected: String,
    },
    /// A row that should not be there.
    Surplus {
        /// The row.
        found: String,
    },
    /// A column that holds something else.
    Column {
        /// Its name.
        column: String,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, key, stream, mismatch } = self;
        write!(f, "{table} {key}")?;
        if let Some(stream) = stream {
            write!(f, " of {stream}")?;
        }
        match mismatch {
            Mismatch::Missing { expected } => write!(f, ": missing, should be {expected}"),
            Mismatch::Surplus { found } => write!(f, ": should not be there, is {found}"),
            Mismatch::Column { column, expected, found } => {
                write!(f, ": {column} should be {expected}, is {found}")
            }
        }
    }
}

/// A row that is not as it was folded, as the database tells it: whole rows as JSON objects.
#[derive(FromRow)]
pub(super) struct RowPair {
    table: String,
    stream: Option<String>,
    key: String,
    expected: Option<String>,
    found: Option<String>,
}

/// Takes rows apart into columns.
pub(super) fn of_rows(rows: Vec<RowPair>) -> Result<Vec<Difference>, serde_json::Error> {
    let mut differences = Vec::new();
    for RowPair { table, stream, key, expected, found } in rows {
        let mismatches = match (expected, found) {
            (Some(expected), Some(found)) => of_columns(&expected, &found)?,
            (Some(expected), None) => vec![Mismatch::Missing { expected }],
            (None, Some(found)) => vec![Mismatch::Surplus { found }],
            (None, None) => Vec::new(),
        };
        differences.extend(mismatches.into_iter().map(|mismatch| Difference {
            table: table.clone(),
            key: key.clone(),
            stream: stream.clone(),
            mismatch,
        }));
    }
    Ok(differences)
}

/// Compares texts, not numbers: both were written by the same Postgres in its one way.
fn of_columns(expected: &str, found: &str) -> Result<Vec<Mismatch>, serde_json::Error> {
    type Columns<'a> = BTreeMap<&'a str, &'a RawValue>;
    let (expected, found): (Columns, Columns) =
        (serde_json::from_str(expected)?, serde_json::from_str(found)?);
    let differing = expected.into_iter().filter_map(|(column, expected)| {
        let found = found.get(column).map_or("nothing", |value| value.get());
        (expected.get() != found).then(|| Mismatch::Column {
            column: column.to_owned(),
            expected: expected.get().to_owned(),
            found: found.to_owned(),
        })
    });
    Ok(differing.collect())
}
