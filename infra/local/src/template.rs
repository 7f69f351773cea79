//! What the stack needs to know of `template.yaml`: the event table, the functions with their
//! routes, and the stream's event source mapping. What is deployed is what runs locally.

mod sam;
mod schedule;
mod yaml;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::http::Method;
use serde_json::Value;

use crate::filter::Filter;

/// The deployed whole, as far as the local stack plays it.
#[derive(Clone, Debug)]
pub struct Template {
    /// The table of events.
    pub table: Table,
    /// The table of keys to what is personal.
    pub key_table: Table,
    /// How long each function may take, by its name as in `cargo lambda invoke NAME`.
    pub functions: BTreeMap<String, Duration>,
    /// The routes of the HTTP API, in the order of the file.
    pub routes: Vec<Route>,
    /// The event source mapping from the table's stream to a function.
    pub mapping: Mapping,
    /// What is invoked by the clock.
    pub schedules: Vec<Schedule>,
}

/// A rate at which EventBridge Scheduler invokes a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The function.
    pub function: String,
    /// From one invocation to the next.
    pub every: Duration,
    /// What it is invoked with.
    pub input: Value,
}

/// A DynamoDB table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The attribute of the partition key.
    pub hash_key: Attribute,
    /// The attribute of the sort key.
    pub range_key: Option<Attribute>,
    /// As in `StreamSpecification`, e.g. `NEW_AND_OLD_IMAGES`.
    pub stream_view_type: Option<String>,
    /// The attribute that says when an item expires.
    pub ttl_attribute: Option<String>,
}

/// A key attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// `S`, `N` or `B`.
    pub kind: String,
}

/// A route of the HTTP API and the function behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// What it takes.
    pub key: RouteKey,
    /// The function that answers.
    pub function: String,
    /// A token with any one of them may pass; empty: any valid token.
    pub scopes: Vec<String>,
    /// Whether a token is needed at all.
    pub needs_token: bool,
}

/// API Gateway's route key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteKey {
    /// `$default`: whatever no other route takes.
    Default,
    /// `METHOD /path/{variable}`; no method is `ANY`.
    On {
        /// The method, if only one is taken.
        method: Option<Method>,
        /// The path, with its variables in braces.
        path: String,
    },
}

/// An event source mapping from a table's stream, with AWS's defaults filled in.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The function that gets the batches.
    pub function: String,
    /// The most records in a batch.
    pub batch_size: usize,
    /// How long a batch may wait to fill up.
    pub batching_window: Duration,
    /// How many batches of a shard are under way at once.
    pub parallelization_factor: usize,
    /// Whether a batch that failed as a whole is split in two.
    pub bisect_on_error: bool,
    /// Retries before a batch is discarded; `None`: without end.
    pub retry_limit: Option<u32>,
    /// Older records are discarded; `None`: never.
    pub record_age_limit: Option<Duration>,
    /// Whether the function's answer may name the records that failed.
    pub reports_item_failures: bool,
    /// Which records are delivered.
    pub filter: Filter,
    /// Whether discarded batches are kept.
    pub keeps_discarded: bool,
}

impl Template {
    /// Reads a SAM template.
    ///
    /// # Errors
    /// When the file cannot be read, or says something that the local stack does not play; the
    /// message names the resource and the property.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    /// As [`Template::read`], from the text of one.
    ///
    /// # Errors
    /// As [`Template::read`].
    pub fn parse(text: &str) -> Result<Self> {
        sam::interpret(yaml::without_tags(text)?)
    }

    /// The template above the working directory, else the one this crate was built beside.
    #[must_use]
    pub fn find() -> PathBuf {
        let from_here = std::env::current_dir().ok().and_then(|dir| {
            let candidates: Vec<PathBuf> =
                dir.ancestors().map(|above| above.join("template.yaml")).collect();
            candidates.into_iter().find(|path| path.is_file())
        });
        from_here
            .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml"))
    }
}

impl std::fmt::Display for RouteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("$default"),
            Self::On { method, path } => {
                write!(f, "{} {path}", method.as_ref().map_or("ANY", Method::as_str))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
        fs::read_to_string(path).expect("the repository has a template")
    }

    #[test]
    fn our_template_says_how_the_table_is_keyed_and_streamed() {
        let table = Template::parse(&ours()).expect("it is valid").table;
        let key =
            |name: &str, kind: &str| Attribute { name: name.to_owned(), kind: kind.to_owned() };
        assert_eq!(table.hash_key, key("stream", "S"));
        assert_eq!(table.range_key, Some(key("version", "N")));
        assert_eq!(table.stream_view_type.as_deref(), Some("NEW_AND_OLD_IMAGES"));
    }

    #[test]
    fn nothing_follows_or_outlives_our_table_of_keys() {
        let keys = Template::parse(&ours()).expect("it is valid").key_table;
        assert_eq!(keys.hash_key, Attribute { name: "subject".to_owned(), kind: "S".to_owned() });
        assert_eq!((keys.range_key, keys.stream_view_type), (None, None));
    }

    #[test]
    fn our_template_says_how_batches_are_made_and_given_up() {
        let mapping = Template::parse(&ours()).expect("it is valid").mapping;
        assert_eq!(mapping.function, "projector");
        assert_eq!((mapping.batch_size, mapping.parallelization_factor), (500, 2));
        assert_eq!(mapping.batching_window, Duration::ZERO);
        assert_eq!(mapping.retry_limit, None);
        assert_eq!(mapping.record_age_limit, Some(Duration::from_secs(86_400)));
        assert!(
            mapping.bisect_on_error && mapping.reports_item_failures && mapping.keeps_discarded
        );
    }

    #[test]
    fn our_functions_end_before_the_gateway_gives_up() {
        let template = Template::parse(&ours()).expect("it is valid");
        for route in &template.routes {
            let timeout = template.functions[&route.function];
            assert!(timeout < Duration::from_secs(30), "{}: {timeout:?}", route.function);
        }
    }

    #[test]
    fn our_projector_beats_every_minute_and_sweeps_every_day() {
        let schedules = Template::parse(&ours()).expect("it is valid").schedules;
        let known = |input, every| Schedule {
            function: "projector".to_owned(),
            every: Duration::from_secs(every),
            input,
        };
        let beat = serde_json::json!({ "task": "beat", "times": 3, "every_seconds": 12 });
        assert_eq!(
            schedules,
            [known(beat, 60), known(serde_json::json!({ "task": "sweep" }), 86_400)]
        );
    }

    #[test]
    fn our_table_drops_what_has_expired() {
        let table = Template::parse(&ours()).expect("it is valid").table;
        assert_eq!(table.ttl_attribute.as_deref(), Some("expires_at"));
    }

    #[test]
    fn only_the_contract_is_to_be_had_without_a_token_and_only_the_default_without_a_scope() {
        let routes = Template::parse(&ours()).expect("it is valid").routes;
        let (with_token, without): (Vec<_>, Vec<_>) =
            routes.iter().partition(|route| route.needs_token);
        let open: Vec<_> = without.iter().map(|route| route.key.to_string()).collect();
        assert_eq!(open, ["GET /openapi.json", "GET /docs", "GET /docs/{file}"]);
        let without_scope = with_token.iter().filter(|route| route.scopes.is_empty());
        let without_scope: Vec<_> = without_scope.map(|route| &route.key).collect();
        assert_eq!(without_scope, [&RouteKey::Default]);
    }

    #[test]
    fn a_mistake_is_reported_with_its_resource_and_property() {
        let wrong = ours().replace("BatchSize: 500", "BatchSize: many");
        let report = format!("{:#}", Template::parse(&wrong).expect_err("many is no number"));
        assert!(report.contains("ProjectorFunction") && report.contains("BatchSize"), "{report}");
    }

    #[test]
    fn a_setting_that_the_poller_does_not_play_is_refused() {
        let wrong = ours()
            .replace("BatchSize: 500", "BatchSize: 500\n            TumblingWindowInSeconds: 60");
        let report = format!("{:#}", Template::parse(&wrong).expect_err("windows are not played"));
        assert!(
            report.contains("ProjectorFunction") && report.contains("TumblingWindowInSeconds"),
            "{report}"
        );
    }
}
