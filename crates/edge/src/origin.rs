//! What a request says about where it comes from, so that its traces are found again.

use axum::http::{HeaderMap, HeaderName, Request};
use decider::TraceParent;
use lambda_http::Context;

/// The header that ties requests together.
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// An id of a caller's own has at most so many characters.
pub const LONGEST_CORRELATION_ID: usize = 128;

/// The ids that a request brings along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// What ties it to others: the caller's `X-Correlation-Id`, else API Gateway's id of the request.
    pub correlation_id: String,
    /// The trace that it is a part of: the caller's `traceparent`, else X-Ray's.
    pub trace: Option<TraceParent>,
}

impl Origin {
    /// The ids of a request. A correlation id that is none counts as none here; the command
    /// function refuses it.
    #[must_use]
    pub fn of<B>(request: &Request<B>) -> Self {
        let (headers, extensions) = (request.headers(), request.extensions());
        let correlation_id = correlation_id(headers).unwrap_or_default();
        let named = correlation_id.map(str::to_owned);
        let context = extensions.get::<Context>();
        let of_lambda = context.and_then(|context| context.xray_trace_id.as_deref());
        Self {
            correlation_id: named.unwrap_or_else(|| crate::caller::request_id(extensions)),
            trace: trace(headers, of_lambda),
        }
    }
}

/// A correlation id that has no length, is too long, has other than visible ASCII characters, or one
/// that ends a text in JSON: it is published in a template that others fill in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCorrelationId;

/// The correlation id that the caller gives.
///
/// # Errors
/// [`BadCorrelationId`] when there is one and it is none.
pub fn correlation_id(headers: &HeaderMap) -> Result<Option<&str>, BadCorrelationId> {
    let Some(id) = headers.get(CORRELATION_ID) else { return Ok(None) };
    match id.to_str() {
        Ok(id)
            if (1..=LONGEST_CORRELATION_ID).contains(&id.len())
                && !id.contains(['"', '\\', '\t']) =>
        {
            Ok(Some(id))
        }
        _ => Err(BadCorrelationId),
    }
}

/// A caller that traces names the part that waits for this; else Lambda has begun one.
fn trace(headers: &HeaderMap, of_lambda: Option<&str>) -> Option<TraceParent> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let of_caller = header("traceparent").and_then(|text| text.parse().ok());
    let of_xray = || of_lambda.or_else(|| header("x-amzn-trace-id"));
    of_caller.or_else(|| of_xray().and_then(|text| TraceParent::from_xray(text).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_CALLER: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
    const OF_XRAY: &str =
        "Root=1-65a1b2c3-0123456789abcdef01234567;Parent=fedcba9876543210;Sampled=0";

    fn origin(headers: &[(&str, &str)], of_lambda: Option<&str>) -> Origin {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut context = Context::default();
        context.xray_trace_id = of_lambda.map(str::to_owned);
        Origin::of(&request.extension(context).body(()).unwrap())
    }

    #[test]
    fn a_callers_own_trace_goes_before_lambdas() {
        let trace = origin(&[("traceparent", OF_CALLER)], Some(OF_XRAY)).trace.unwrap();
        assert_eq!(trace.to_string(), OF_CALLER);
        for damaged in ["", "00-0-0-0"] {
            let trace = origin(&[("traceparent", damaged)], Some(OF_XRAY)).trace.unwrap();
            assert_eq!(trace.xray_trace_id(), "1-65a1b2c3-0123456789abcdef01234567");
        }
        assert_eq!(origin(&[], None).trace, None);
    }

    #[test]
    fn a_correlation_id_is_the_callers_if_it_is_one() {
        assert_eq!(origin(&[("x-correlation-id", "cart 7")], None).correlation_id, "cart 7");
        let long = "x".repeat(LONGEST_CORRELATION_ID + 1);
        for bad in ["", &long, r#"x","version":"9"#, r"\", "a\tb"] {
            assert_eq!(origin(&[("x-correlation-id", bad)], None).correlation_id, "");
        }
    }
}
