//! A value that tells of a person, and may be asked for after that person was forgotten.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error},
};
use serde_json::{Map, Value};

use crate::{Event, RecordedEvent, Undecodable};

/// A personal value of an event: known, sealed or gone. Nothing that looks like one takes the
/// place of a value that is gone.
///
/// Which of the three it is depends on whoever read the event: the write side leaves it sealed, as
/// it needs none of it; the read side has it revealed, and then it is known or erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Personal<T> {
    /// The value.
    Known(T),
    /// The value as it is stored, which nobody has revealed.
    Sealed(Map<String, Value>),
    /// There was one. Its key was destroyed.
    Erased,
}

impl<T> Personal<T> {
    /// The value, if it is known.
    #[must_use]
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Sealed(_) | Self::Erased => None,
        }
    }

    /// Whether it waits for somebody to reveal it.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        matches!(self, Self::Sealed(_))
    }
}

impl<T> From<T> for Personal<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: Serialize> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Sealed(stored) => stored.serialize(serializer),
            Self::Erased => erased().serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Object(stored) if stored.contains_key("sealed") => Ok(Self::Sealed(stored)),
            Value::Object(gone) if gone == erased() => Ok(Self::Erased),
            value @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_)) => {
                serde_json::from_value(value).map(Self::Known).map_err(D::Error::custom)
            }
        }
    }
}

/// A stored event of which the personal values that are plain are erased, in the schema version of
/// today; `None` if none is. One that is sealed stays as it is: its key is destroyed.
///
/// # Errors
/// [`Undecodable`] when this build cannot read the event.
pub fn without_plain<E: Event>(
    stored: &RecordedEvent,
) -> Result<Option<RecordedEvent>, Undecodable> {
    let RecordedEvent { schema_version, data, personal, .. } = E::read(stored)?.record();
    let bad = |error: serde_json::Error| Undecodable::BadPayload {
        name: stored.name.clone(),
        detail: error.to_string(),
    };
    let mut payload: Map<String, Value> = serde_json::from_str(&data).map_err(bad)?;
    let mut changed = false;
    for field in personal {
        let Some(value) = payload.get_mut(*field) else { continue };
        if let Ok(Personal::<Value>::Known(_)) = Personal::deserialize(&*value) {
            *value = Value::Object(erased());
            changed = true;
        }
    }
    let data = Value::Object(payload).to_string();
    Ok(changed.then(|| RecordedEvent { schema_version, data, ..stored.clone() }))
}

fn erased() -> Map<String, Value> {
    Map::from_iter([("erased".to_owned(), Value::Bool(true))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_written_as_if_nobody_minded() -> serde_json::Result<()> {
        let known = Personal::from("Ann".to_owned());
        assert_eq!(serde_json::to_string(&known)?, r#""Ann""#);
        assert_eq!(serde_json::from_str::<Personal<String>>(r#""Ann""#)?, known);
        Ok(())
    }

    #[test]
    fn somebody_may_be_called_erased() -> serde_json::Result<()> {
        let named: Personal<String> = serde_json::from_str(r#""erased""#)?;
        assert_eq!(named.known().map(String::as_str), Some("erased"));
        let gone: Personal<String> = serde_json::from_str(r#"{"erased":true}"#)?;
        assert_eq!((gone.known(), gone.is_sealed()), (None, false));
        assert_eq!(serde_json::to_string(&gone)?, r#"{"erased":true}"#);
        Ok(())
    }

    #[test]
    fn what_is_sealed_stays_as_it_is() -> serde_json::Result<()> {
        let stored = r#"{"sealed":"AAAA","subject":"customer-1"}"#;
        let sealed: Personal<String> = serde_json::from_str(stored)?;
        assert!(sealed.is_sealed());
        assert_eq!(serde_json::to_string(&sealed)?, stored);
        Ok(())
    }

    #[test]
    fn what_is_neither_is_an_error() {
        for stored in ["7", "null", r#"{"erased":false}"#, "{}"] {
            assert!(serde_json::from_str::<Personal<String>>(stored).is_err(), "{stored}");
        }
    }
}
