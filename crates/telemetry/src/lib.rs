//! Figures about a running function, as lines in CloudWatch's embedded metric format.
//!
//! On Lambda a line on standard output is all that it takes: CloudWatch makes metrics of it, and
//! the line stays searchable. This crate knows the format and nothing of what is measured; each
//! function names its own metrics. Nothing is kept between two lines: a sandbox may be frozen, or
//! gone, at any time.

use std::{
    env, fmt,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value, json};
use tracing::warn;

/// Where CloudWatch files what we measure, if `METRICS_NAMESPACE` does not say.
pub const NAMESPACE: &str = "Millrace";

/// The most values that a metric has in one line ("Specification: Embedded metric format" in the
/// CloudWatch guide).
const MOST_VALUES: usize = 100;

/// What a value is counted in, as CloudWatch names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Milliseconds.
    Milliseconds,
}

/// A metric with the values that it had: one for a count or a gauge, many for a distribution.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    name: &'static str,
    unit: Unit,
    values: Vec<f64>,
}

impl Metric {
    /// So many things, or a gauge that stands there.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "nothing that is counted here comes near 2⁵³")]
    pub fn count(name: &'static str, count: u64) -> Self {
        Self { name, unit: Unit::Count, values: vec![count as f64] }
    }

    /// Values of which CloudWatch makes percentiles.
    #[must_use]
    pub fn distribution(name: &'static str, unit: Unit, values: Vec<f64>) -> Self {
        Self { name, unit, values }
    }
}

/// Writes lines to where they are collected. Cheap to clone.
#[derive(Clone)]
pub struct Telemetry {
    namespace: Arc<str>,
    service: &'static str,
    sink: Arc<Mutex<dyn Write + Send>>,
}

impl Telemetry {
    /// Lines of `service` to `sink`.
    pub fn new(service: &'static str, sink: impl Write + Send + 'static) -> Self {
        Self { namespace: NAMESPACE.into(), service, sink: Arc::new(Mutex::new(sink)) }
    }

    /// Lines of a function to standard output. Each stack of an account has its own namespace, so
    /// that none sounds the alarms of another.
    #[must_use]
    pub fn of_function(service: &'static str) -> Self {
        let namespace = env::var("METRICS_NAMESPACE").ok().filter(|name| !name.is_empty());
        Self::new(service, io::stdout()).filed_under(namespace.as_deref().unwrap_or(NAMESPACE))
    }

    /// The same, filed elsewhere.
    #[must_use]
    pub fn filed_under(self, namespace: &str) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    /// Lines to nowhere.
    #[must_use]
    pub fn silent() -> Self {
        Self::new("", io::sink())
    }

    /// Writes metrics that share their dimensions, beside the service. A metric without a value is
    /// left out. What cannot be written is lost, with a warning: nothing fails for it.
    pub fn record(&self, dimensions: &[(&'static str, &str)], metrics: &[Metric]) {
        let longest = metrics.iter().map(|metric| metric.values.len()).max().unwrap_or(0);
        for first in (0..longest).step_by(MOST_VALUES) {
            let line = self.line(dimensions, metrics, first);
            // In one piece, so that lines of several threads do not mix.
            let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
            let written =
                sink.write_all(format!("{line}\n").as_bytes()).and_then(|()| sink.flush());
            if let Err(error) = written {
                warn!(%error, "metrics are lost");
            }
        }
    }

    /// The line with the values from place `first` on.
    fn line(&self, dimensions: &[(&'static str, &str)], metrics: &[Metric], first: usize) -> Value {
        let mut line = Map::new();
        let mut names = vec!["Service"];
        line.insert("Service".to_owned(), json!(self.service));
        for (name, value) in dimensions {
            names.push(name);
            line.insert((*name).to_owned(), json!(value));
        }
        let mut definitions = Vec::new();
        for Metric { name, unit, values } in metrics {
            let values: Vec<f64> = values.iter().skip(first).take(MOST_VALUES).copied().collect();
            let value = match values.as_slice() {
                [] => continue,
                [value] => json!(value),
                values => json!(values),
            };
            definitions.push(json!({ "Name": name, "Unit": unit.to_string() }));
            line.insert((*name).to_owned(), value);
        }
        let metrics = json!([{ "Namespace": *self.namespace, "Dimensions": [names], "Metrics": definitions }]);
        line.insert(
            "_aws".to_owned(),
            json!({ "Timestamp": now_ms(), "CloudWatchMetrics": metrics }),
        );
        Value::Object(line)
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
        })
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("service", &self.service).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
