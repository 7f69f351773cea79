//! A report in the form that is wanted.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{
    answer::{Answer, List},
    chart::{Chart, page},
    format::{HTML, ListFormat, ReportFormat, SVG},
    table::Tabular,
};

/// Nothing but the picture and its style: a name in a report is no script, wherever it is opened.
const ONLY_ITSELF: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

impl ReportFormat {
    /// The answer with the report `name`, of which `chart` makes the picture.
    pub(crate) fn answer<T: Tabular + Serialize>(
        self,
        name: &str,
        rows: Vec<T>,
        chart: impl FnOnce(&[T]) -> Chart,
    ) -> Answer<Response> {
        match self {
            Self::List(ListFormat::Json) => Ok(List::whole(rows)),
            Self::List(ListFormat::Rows(written)) => written.some(name, &rows),
            Self::Picture => Ok(shown(SVG, chart(&rows).draw()?)),
            Self::Page => Ok(shown("text/html; charset=utf-8", page(&chart(&rows), &rows)?)),
        }
    }
}

fn shown(media_type: &'static str, markup: String) -> Response {
    debug_assert!(media_type.starts_with(HTML) || media_type == SVG, "{media_type}");
    let mut response = markup.into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, ONLY_ITSELF),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
