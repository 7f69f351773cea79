//! Filter criteria of an event source mapping: which records a function gets.
//!
//! The syntax is AWS's ("Event filtering" in the Lambda guide); of its operators only the exact
//! match is played, and any other is refused.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

/// A record passes when any of the patterns fits it, or when there is none.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    patterns: Vec<Map<String, Value>>,
}

impl Filter {
    /// Reads patterns, each a JSON object whose leaves are lists of the values that fit.
    ///
    /// # Errors
    /// When a pattern is no such object, or uses an operator.
    pub fn parse<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let patterns = patterns.into_iter().map(|text| {
            let pattern: Map<String, Value> =
                serde_json::from_str(text).with_context(|| format!("{text} is no JSON object"))?;
            check(&pattern).with_context(|| text.to_owned())?;
            anyhow::Ok(pattern)
        });
        Ok(Self { patterns: patterns.collect::<Result<_>>()? })
    }

    /// Whether the function gets `record`.
    #[must_use]
    pub fn passes(&self, record: &Value) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| fits(pattern, record))
    }
}

fn check(pattern: &Map<String, Value>) -> Result<()> {
    for (key, expected) in pattern {
        match expected {
            Value::Object(inner) => check(inner)?,
            Value::Array(values) => {
                let operator = values.iter().find(|value| value.is_object() || value.is_array());
                ensure!(
                    operator.is_none(),
                    "{key}: the local stack plays exact matches only, not {}",
                    operator.unwrap_or(&Value::Null)
                );
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                bail!("{key}: {expected} must be in a list")
            }
        }
    }
    Ok(())
}

fn fits(pattern: &Map<String, Value>, record: &Value) -> bool {
    pattern.iter().all(|(key, expected)| {
        let found = record.get(key);
        match expected {
            Value::Object(inner) => found.is_some_and(|found| fits(inner, found)),
            Value::Array(values) => found.is_some_and(|found| values.contains(found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn commits_and_removals() -> Filter {
        let patterns = [
            r#"{"dynamodb":{"NewImage":{"kind":{"S":["commit"]}}}}"#,
            r#"{"eventName":["REMOVE"]}"#,
        ];
        Filter::parse(patterns).expect("they are valid")
    }

    #[test]
    fn a_record_passes_when_any_pattern_fits() {
        let filter = commits_and_removals();
        assert!(filter.passes(
            &json!({"eventName": "INSERT", "dynamodb": {"NewImage": {"kind": {"S": "commit"}}}})
        ));
        assert!(filter.passes(
            &json!({"eventName": "REMOVE", "dynamodb": {"OldImage": {"kind": {"S": "claim"}}}})
        ));
        assert!(!filter.passes(
            &json!({"eventName": "INSERT", "dynamodb": {"NewImage": {"kind": {"S": "snapshot"}}}})
        ));
        assert!(!filter.passes(&json!({"eventName": "INSERT", "dynamodb": {"NewImage": {}}})));
    }

    #[test]
    fn without_a_pattern_everything_passes() {
        assert!(Filter::default().passes(&json!({"eventName": "MODIFY"})));
    }

    #[test]
    fn an_operator_is_refused_by_name_rather_than_ignored() {
        let refusal = Filter::parse([r#"{"eventName":[{"prefix":"RE"}]}"#])
            .expect_err("prefix is not played");
        assert!(
            format!("{refusal:#}").contains(
                r#"eventName: the local stack plays exact matches only, not {"prefix":"RE"}"#
            ),
            "{refusal:#}"
        );
    }
}
