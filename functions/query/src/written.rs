//! Rows as text, a chunk at a time: CSV by RFC 4180, or a JSON object a line.

use std::borrow::Cow;

use axum::{body::Bytes, http::HeaderValue};
use csv::{Terminator, Writer, WriterBuilder};
use edge::Problem;
use serde::Serialize;
use tracing::error;

use crate::{
    answer::Answer,
    format::{NDJSON, Rows},
    table::{Cell, Tabular},
};

impl Rows {
    /// The media type of rows that are written like this.
    pub(crate) fn content_type(self) -> HeaderValue {
        match self {
            // RFC 4180, section 3; the first row names the columns
            Self::Csv => HeaderValue::from_static("text/csv; charset=utf-8; header=present"),
            Self::Ndjson => HeaderValue::from_static(NDJSON),
        }
    }

    /// What a file of them is called.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    /// What stands above the first row.
    pub(crate) fn head<T: Tabular>(self) -> Answer<Bytes> {
        match self {
            Self::Csv => {
                let mut csv = writer();
                let written = csv.write_record(T::COLUMNS);
                finished(written.and_then(|()| Ok(csv.into_inner().map_err(|e| e.into_error())?)))
            }
            Self::Ndjson => Ok(Bytes::new()),
        }
    }

    /// Some of the rows.
    pub(crate) fn chunk<T: Tabular + Serialize>(self, things: &[T]) -> Answer<Bytes> {
        match self {
            Self::Csv => finished(csv(things)),
            Self::Ndjson => finished(ndjson(things)),
        }
    }
}

fn finished<E: std::fmt::Display>(written: Result<Vec<u8>, E>) -> Answer<Bytes> {
    written.map(Bytes::from).map_err(|error| {
        error!(%error, "rows cannot be written");
        Problem::internal()
    })
}

fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new())
}

fn csv<T: Tabular>(things: &[T]) -> Result<Vec<u8>, csv::Error> {
    let mut csv = writer();
    for thing in things {
        let mut written = Ok(());
        thing.rows(&mut |row| {
            if written.is_ok() {
                let fields: Vec<_> = row.iter().map(field).collect();
                written = csv.write_record(fields.iter().map(|field| field.as_bytes()));
            }
        });
        written?;
    }
    Ok(csv.into_inner().map_err(|error| error.into_error())?)
}

fn ndjson<T: Serialize>(things: &[T]) -> Result<Vec<u8>, serde_json::Error> {
    let mut lines = Vec::new();
    for thing in things {
        serde_json::to_writer(&mut lines, thing)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// A field of CSV. To a spreadsheet, a text that begins like a formula is one, and may send what
/// stands beside it anywhere: an apostrophe before it makes it text again ("CSV Injection", OWASP).
/// Numbers are written by us and stay numbers, also below zero.
fn field<'a>(cell: &'a Cell<'_>) -> Cow<'a, str> {
    let plain = cell.plain();
    if matches!(cell, Cell::Text(_)) && is_formula(&plain) {
        return format!("'{plain}").into();
    }
    plain
}

/// Programs differ in what they skip before a formula, and some know its signs in full width.
fn is_formula(text: &str) -> bool {
    let mut first = text.trim_start().chars();
    text.starts_with(['\t', '\r', '\n'])
        || first.next().is_some_and(|first| "=+-@＝＋－＠".contains(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tabular;

    #[derive(Serialize)]
    struct Thing {
        name: String,
        cents: i64,
        brand: Option<String>,
    }
    tabular!(Thing: name, cents as "price", brand);

    fn thing(name: &str) -> Thing {
        Thing { name: name.to_owned(), cents: -5, brand: None }
    }

    fn text(written: Answer<Bytes>) -> String {
        String::from_utf8(written.unwrap().to_vec()).unwrap()
    }

    #[test]
    fn csv_is_as_rfc_4180_has_it() {
        let things = [thing("a \"b\", c\r\nd"), thing("é")];
        assert_eq!(text(Rows::Csv.head::<Thing>()), "name,price,brand\r\n");
        let expected = "\"a \"\"b\"\", c\r\nd\",-5,\r\né,-5,\r\n";
        assert_eq!(text(Rows::Csv.chunk(&things)), expected);
        let mut read = csv::Reader::from_reader(expected.as_bytes());
        assert_eq!(read.headers().unwrap().get(0), Some("a \"b\", c\r\nd"));
    }

    #[test]
    fn a_formula_in_a_name_is_text_to_a_spreadsheet() {
        for name in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"] {
            let written = text(Rows::Csv.chunk(&[thing(name)]));
            assert!(written.trim_start_matches('"').starts_with('\''), "{name:?} {written:?}");
        }
        for name in ["a=1", "1-1", "MILK 2%", "'", ""] {
            assert!(!is_formula(name), "{name:?}");
        }
    }

    #[test]
    fn ndjson_has_an_object_a_line() {
        let lines = text(Rows::Ndjson.chunk(&[thing("a\nb"), thing("=1")]));
        let each: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            (each.len(), &each[0]["name"], &each[1]["name"]),
            (2, &"a\nb".into(), &"=1".into())
        );
        assert_eq!(text(Rows::Ndjson.head::<Thing>()), "");
    }

    #[test]
    fn rows_say_what_they_are() {
        let csv = Rows::Csv.content_type();
        assert!(csv.to_str().unwrap().starts_with(crate::format::CSV));
        assert_eq!(Rows::Ndjson.extension(), "ndjson");
    }
}
