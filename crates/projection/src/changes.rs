//! What the engine needs of a table, whatever its rows are.

use sqlx::error::BoxDynError;

use crate::{Column, Comparison, LoadPart, Statement, Tally};

/// Which streams own the rows of a table, and by which column.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// The category of the streams, if it is one.
    pub category: Option<&'static str>,
    /// The column that names the stream: by its id, or in whole where there is no category.
    pub column: Column,
}

/// The rows of one table that a batch is about: filled before the fold, written after it.
pub trait Changes: Send + Sync {
    /// The table's name.
    fn table(&self) -> &'static str;

    /// Whose rows they are; `None` where no stream owns any.
    fn owner(&self) -> Option<Owner>;

    /// How to read the rows that are there; `None` for a table that only grows.
    fn load(&self) -> Option<LoadPart>;

    /// Takes in a row that was read, as JSON.
    ///
    /// # Errors
    /// When the row is not what this build expects of the table.
    fn accept(&mut self, row: &str) -> Result<(), serde_json::Error>;

    /// Told once all rows that are there were taken in and counted.
    fn loaded(&mut self);

    /// Takes all rows away, to fold their streams anew.
    fn clear(&mut self);

    /// Adds what changed to the statement that writes the batch.
    ///
    /// # Errors
    /// What sqlx says of a value that it cannot encode.
    fn write(&self, statement: &mut Statement) -> Result<(), BoxDynError>;

    /// Adds the comparison of these rows, folded anew, with the ones that the table has.
    ///
    /// # Errors
    /// What sqlx says of a value that it cannot encode.
    fn compare(&self, comparison: &mut Comparison) -> Result<(), BoxDynError>;

    /// The question for rows of streams that have no position; `None` where no stream owns rows.
    fn strays(&self) -> Option<String>;

    /// Itself, if it counts what several streams feed.
    fn tally(&self) -> Option<&Tally> {
        None
    }
}
