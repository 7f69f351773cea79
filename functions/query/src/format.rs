//! In which form an answer is wanted: `Accept`, with its weights (RFC 9110, 12.5.1).

use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::Response,
};
use edge::Problem;
use headers_accept::Accept;
use mediatype::{MediaType, ReadParams, names};

use crate::answer::Answer;

/// JSON as everything has it.
pub(crate) const JSON: &str = "application/json";
/// Rows for a spreadsheet, by RFC 4180.
pub(crate) const CSV: &str = "text/csv";
/// A JSON object a line.
pub(crate) const NDJSON: &str = "application/x-ndjson";
/// A page to look at.
pub(crate) const HTML: &str = "text/html";
/// A picture.
pub(crate) const SVG: &str = "image/svg+xml";

/// How rows are written one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    Csv,
    Ndjson,
}

/// A list: a page of it in JSON, or its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListFormat {
    Json,
    Rows(Rows),
}

/// A report: as a list, or drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportFormat {
    List(ListFormat),
    /// The chart and its table.
    Page,
    /// The chart alone.
    Picture,
}

/// What comes first is given to those who take anything.
const LIST: [(&str, ListFormat); 3] = [
    (JSON, ListFormat::Json),
    (CSV, ListFormat::Rows(Rows::Csv)),
    (NDJSON, ListFormat::Rows(Rows::Ndjson)),
];

const REPORT: [(&str, ReportFormat); 5] = [
    (JSON, ReportFormat::List(ListFormat::Json)),
    (CSV, ReportFormat::List(ListFormat::Rows(Rows::Csv))),
    (NDJSON, ReportFormat::List(ListFormat::Rows(Rows::Ndjson))),
    (HTML, ReportFormat::Page),
    (SVG, ReportFormat::Picture),
];

impl<S: Sync> FromRequestParts<S> for ListFormat {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        negotiate(&parts.headers, &LIST)
    }
}

impl<S: Sync> FromRequestParts<S> for ReportFormat {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        negotiate(&parts.headers, &REPORT)
    }
}

/// Refuses whoever does not take JSON, where there is nothing else.
pub(crate) async fn only_json(request: Request, next: Next) -> Answer<Response> {
    negotiate(request.headers(), &[(JSON, ())])?;
    Ok(next.run(request).await)
}

/// The best of what is offered. A header that is not there, is empty or cannot be understood
/// prefers nothing.
fn negotiate<T: Copy>(headers: &HeaderMap, offered: &[(&str, T)]) -> Answer<T> {
    let given = headers.get_all(header::ACCEPT).iter().map(|value| value.to_str());
    let given = given.collect::<Result<Vec<_>, _>>().unwrap_or_default().join(",");
    let accept = given.parse().ok().and_then(|accept| by_essence(&accept));
    let named = accept.map_or_else(
        || offered.first(),
        |accept| {
            let types = offered.iter().filter_map(|(name, _)| MediaType::parse(name).ok());
            let best = accept.negotiate(&types.collect::<Vec<_>>())?.to_string();
            offered.iter().find(|(name, _)| *name == best)
        },
    );
    named.map(|(_, format)| *format).ok_or_else(|| {
        let names: Vec<_> = offered.iter().map(|(name, _)| format!("`{name}`")).collect();
        let detail = format!("This comes as {}.", names.join(", "));
        let title = "There is no answer of an accepted type";
        Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", title, detail)
    })
}

/// The same types and weights without other parameters, such as a `charset`: nothing here comes in
/// two variants.
fn by_essence(accept: &Accept) -> Option<Accept> {
    let ranges = accept.media_types().map(|range| match range.get_param(names::Q) {
        Some(weight) => format!("{};q={weight}", range.essence()),
        None => range.essence().to_string(),
    });
    let ranges: Vec<_> = ranges.collect();
    if ranges.is_empty() { None } else { ranges.join(",").parse().ok() }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn report(accept: &'static str) -> Option<ReportFormat> {
        let headers = [(header::ACCEPT, HeaderValue::from_static(accept))];
        negotiate(&HeaderMap::from_iter(headers), &REPORT).ok()
    }

    #[test]
    fn the_best_of_what_is_accepted_is_given() {
        let json = ReportFormat::List(ListFormat::Json);
        let csv = ReportFormat::List(ListFormat::Rows(Rows::Csv));
        for (accept, format) in [
            ("*/*", json),
            ("", json),
            ("application/*", json),
            ("text/csv", csv),
            ("TEXT/CSV; charset=utf-8", csv),
            ("text/csv;q=0.2, application/json;q=0.1", csv),
            ("text/csv;q=0.2, */*", json),
            ("text/csv;charset=utf-8, */*;q=0.1", csv),
            ("application/json;q=0, */*;q=0.1", csv),
            (
                "application/x-ndjson, text/csv;q=0.9",
                ReportFormat::List(ListFormat::Rows(Rows::Ndjson)),
            ),
            ("image/*", ReportFormat::Picture),
            ("image/svg+xml, text/html", ReportFormat::Picture),
            // a browser
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", ReportFormat::Page),
            ("no media type", json),
        ] {
            assert_eq!(report(accept), Some(format), "{accept}");
        }
    }

    #[test]
    fn what_cannot_be_given_is_not_given_as_something_else() {
        for accept in ["text/plain", "application/json;q=0", "application/xml, image/png"] {
            assert_eq!(report(accept), None, "{accept}");
        }
    }
}
