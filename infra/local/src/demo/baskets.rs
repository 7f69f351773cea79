//! The files: a JSON object a line.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

/// A line of a file.
pub(super) struct Line {
    /// `orders.ndjson:17`, for whoever has to look at it.
    pub(super) place: String,
    pub(super) fields: Map<String, Value>,
}

impl Line {
    /// A field that is a string in every line.
    pub(super) fn text(&self, field: &str) -> Result<&str> {
        self.fields
            .get(field)
            .and_then(Value::as_str)
            .with_context(|| format!("{}: `{field}` is no string", self.place))
    }
}

/// Reads a file whole: the largest has three megabytes.
pub(super) fn read(folder: &Path, file: &str) -> Result<Vec<Line>> {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let lines = text.lines().enumerate().map(|(index, line)| {
        let place = format!("{file}:{}", index + 1);
        let fields =
            serde_json::from_str(line).with_context(|| format!("{place} is no JSON object"))?;
        Ok(Line { place, fields })
    });
    lines.collect()
}
