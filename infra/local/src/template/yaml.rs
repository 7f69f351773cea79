//! YAML with CloudFormation's short tags, as the JSON that stands for the same.

use anyhow::{Context, Result};
use serde_json::{Map, Value as Json, json};
use serde_norway::Value as Yaml;

/// Reads YAML; `!Ref X` becomes `{"Ref": "X"}`, `!Sub X` becomes `{"Fn::Sub": "X"}`, and so on.
pub(super) fn without_tags(text: &str) -> Result<Json> {
    let yaml: Yaml = serde_norway::from_str(text).context("this is no YAML")?;
    json_of(yaml)
}

fn json_of(yaml: Yaml) -> Result<Json> {
    Ok(match yaml {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = tag.trim_start_matches('!');
            let function = if matches!(name, "Ref" | "Condition") {
                name.to_owned()
            } else {
                format!("Fn::{name}")
            };
            json!({ function: json_of(tagged.value)? })
        }
        Yaml::Sequence(items) => {
            Json::Array(items.into_iter().map(json_of).collect::<Result<_>>()?)
        }
        Yaml::Mapping(entries) => {
            let fields = entries.into_iter().map(|(key, value)| {
                let key =
                    key.as_str().with_context(|| format!("a key is {key:?}, not a string"))?;
                Ok((key.to_owned(), json_of(value)?))
            });
            Json::Object(fields.collect::<Result<Map<_, _>>>()?)
        }
        plain @ (Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::String(_)) => {
            serde_json::to_value(plain).context("a value has no JSON form")?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_mean_what_the_long_forms_say() {
        let read =
            without_tags("a: !Ref T\nb: !GetAtt T.Arn\nc: [!Sub \"${T}/*\"]").expect("it is valid");
        assert_eq!(
            read,
            json!({"a": {"Ref": "T"}, "b": {"Fn::GetAtt": "T.Arn"}, "c": [{"Fn::Sub": "${T}/*"}]})
        );
    }
}
