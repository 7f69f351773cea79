//! Events of type `ScheduleV2`: what EventBridge Scheduler invokes a function with, and how often.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::{Schedule, sam::typed};

/// Refuses what it does not know: a setting that is skipped here would behave otherwise on AWS.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ScheduleEvent {
    schedule_expression: String,
    input: String,
    #[serde(rename = "Description")]
    _description: Option<String>,
    /// What a size of the deployment does without is played here all the same.
    #[serde(rename = "State")]
    _state: Option<Value>,
    /// Failed invocations are not tried again here; the next one comes.
    #[serde(rename = "RetryPolicy")]
    _retry_policy: Option<Value>,
}

pub(super) fn schedule(properties: Value, function: &str) -> Result<Schedule> {
    let event: ScheduleEvent = typed(properties)?;
    Ok(Schedule {
        function: function.to_owned(),
        every: rate(&event.schedule_expression).context("ScheduleExpression")?,
        input: serde_json::from_str(&event.input).context("Input is no JSON")?,
    })
}

/// `rate(1 minute)`, `rate(12 hours)`, `rate(1 day)`.
fn rate(expression: &str) -> Result<Duration> {
    let inner = expression.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')'));
    let (value, unit) = inner.and_then(|inner| inner.split_once(' ')).with_context(|| {
        format!("the local stack plays rate(value unit) only, not {expression}")
    })?;
    let value: u64 = value.parse().with_context(|| format!("{value} is no whole number"))?;
    ensure!(value > 0, "a rate of 0 is none");
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => 24 * 60 * 60,
        _ => bail!("{unit} is no unit: there are minutes, hours and days"),
    };
    Ok(Duration::from_secs(value * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_as_it_is_written() {
        for (expression, seconds) in
            [("rate(1 minute)", 60), ("rate(12 hours)", 43_200), ("rate(1 day)", 86_400)]
        {
            assert_eq!(rate(expression).expect(expression), Duration::from_secs(seconds));
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for expression in ["cron(0 3 * * ? *)", "rate(0 days)", "rate(1 moon)", "rate(minute)"] {
            assert!(rate(expression).is_err(), "{expression}");
        }
    }
}
