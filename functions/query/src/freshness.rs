//! Reading one's own write: a query that carries a token waits until the rows hold that write.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    middleware::Next,
    response::Response,
};
use edge::{ConsistencyToken, Problem};
use ordering_views::{Freshness, StreamId, Version, wait_for};

use crate::{Queries, answer::Answer, failure::failed};

/// How long a query waits unless `Prefer` says otherwise, and how long at most, in seconds.
const USUAL_WAIT: u64 = 2;
const LONGEST_WAIT: u64 = 20;

/// When to come back for what is behind, and for what waits for a person, in seconds.
const BEHIND: u32 = 1;
const PARKED: u32 = 60;

/// Lets a query through when the rows are as new as its token.
pub(crate) async fn wait(
    State(queries): State<Queries>,
    request: Request,
    next: Next,
) -> Answer<Response> {
    let writes = writes(request.headers())?;
    if !writes.is_empty() {
        let patience = patience(request.headers());
        match wait_for(&queries.pool, &writes, patience).await.map_err(failed)? {
            Freshness::Fresh => {}
            Freshness::Behind => {
                let detail = "The write that the token names cannot be seen yet.";
                return Err(lagging(detail).retry_after(BEHIND));
            }
            Freshness::Parked => {
                let detail = "The token names a stream that is parked: one of its commits could \
                     not be applied, and waits for somebody to look at it.";
                return Err(lagging(detail).retry_after(PARKED));
            }
        }
    }
    Ok(next.run(request).await)
}

fn lagging(detail: &str) -> Problem {
    let title = "The answer would be older than asked for";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "projection-lagging", title, detail)
}

/// What all tokens name. API Gateway joins a header that comes twice with a comma.
fn writes(headers: &HeaderMap) -> Answer<Vec<(StreamId, Version)>> {
    let mut writes = Vec::new();
    for value in headers.get_all("consistency-token") {
        for token in value.to_str().unwrap_or("?").split(',') {
            let token: ConsistencyToken = token.trim().parse().map_err(|bad| {
                Problem::bad_request("bad-token", format!("`Consistency-Token` {bad}."))
            })?;
            writes.extend(token.writes);
        }
    }
    Ok(writes)
}

/// `Prefer: wait=N`. As RFC 7240 has it, the first one counts, and what cannot be understood is
/// no preference.
fn patience(headers: &HeaderMap) -> Duration {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let preferences = values.flat_map(|value| value.split(','));
    let mut named = preferences.filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"'))
    });
    let digits = |value: &&str| !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let seconds = named.next().filter(digits);
    // What has only digits and does not fit is very long.
    let seconds = seconds.map_or(USUAL_WAIT, |value| value.parse().unwrap_or(LONGEST_WAIT));
    Duration::from_secs(seconds.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seconds(prefer: &[&'static str]) -> u64 {
        let values = prefer.iter().map(|value| HeaderValue::from_static(value));
        let headers = values.map(|value| ("prefer".parse().unwrap(), value));
        patience(&headers.collect()).as_secs()
    }

    #[test]
    fn a_query_waits_as_long_as_it_is_told_within_reason() {
        assert_eq!(seconds(&[]), 2);
        assert_eq!(seconds(&["wait=0"]), 0);
        assert_eq!(seconds(&["respond-async, Wait = \"7\"; foo=bar"]), 7);
        assert_eq!(seconds(&["return=minimal", "wait=3", "wait=4"]), 3);
        assert_eq!(seconds(&["wait=21"]), 20);
        assert_eq!(seconds(&["wait=99999999999999999999999"]), 20);
    }

    #[test]
    fn a_preference_that_makes_no_sense_is_none() {
        for prefer in ["wait", "wait=", "wait=-1", "wait=+3", "wait=1.5", "wait=soon", "awaits=9"] {
            assert_eq!(seconds(&[prefer]), 2, "{prefer}");
        }
    }
}
