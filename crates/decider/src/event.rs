//! Between a domain's event types and the JSON that outlives them.

use serde::{Serialize, de::DeserializeOwned};

use crate::{RecordedEvent, Timestamp};

/// An event type of a domain; [`events!`](crate::events) writes this for an enum.
pub trait Event: Sized {
    /// The stored name, for example `OrderPlaced`.
    fn name(&self) -> &'static str;

    /// Writes the event in its current schema version.
    fn record(&self) -> RecordedEvent;

    /// Reads a stored event.
    ///
    /// # Errors
    /// [`Undecodable`] when the name is unknown, the schema version is not one this build reads,
    /// or the payload does not fit.
    fn read(recorded: &RecordedEvent) -> Result<Self, Undecodable>;
}

/// The payload of one kind of event.
pub trait Payload: Serialize + DeserializeOwned {
    /// When it happened, where the payload itself says so; `None` means when it was recorded.
    fn occurred_at(&self) -> Option<Timestamp> {
        None
    }
}

/// A stored event that this build cannot read. Its stream waits; nothing is skipped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// No event of this stream's category has that name.
    #[error("unknown event type {0:?}")]
    UnknownType(String),
    /// The payload's shape is one that this build does not know.
    #[error("{name} has schema version {found}, this build reads up to {known}")]
    UnknownSchema {
        /// The event's name.
        name: String,
        /// The stored schema version.
        found: u32,
        /// The newest that this build reads.
        known: u32,
    },
    /// The payload is not what its schema version says.
    #[error("{name} does not decode: {detail}")]
    BadPayload {
        /// The event's name.
        name: String,
        /// What the decoder said.
        detail: String,
    },
}

/// Writes `payload` as an event named `name`. For [`events!`](crate::events).
pub fn record<P: Payload>(name: &str, schema_version: u32, payload: &P) -> RecordedEvent {
    let data = serde_json::to_string(payload)
        .expect("a payload has string keys and finite numbers only, which always serialise");
    RecordedEvent {
        name: name.to_owned(),
        schema_version,
        occurred_at: payload.occurred_at(),
        data,
    }
}

/// Reads the payload of `recorded`, whose current schema version is `known`.
///
/// # Errors
/// [`Undecodable::UnknownSchema`] or [`Undecodable::BadPayload`].
pub fn read<P: Payload>(recorded: &RecordedEvent, known: u32) -> Result<P, Undecodable> {
    if recorded.schema_version != known {
        return Err(Undecodable::UnknownSchema {
            name: recorded.name.clone(),
            found: recorded.schema_version,
            known,
        });
    }
    serde_json::from_str(&recorded.data).map_err(|error| Undecodable::BadPayload {
        name: recorded.name.clone(),
        detail: error.to_string(),
    })
}

/// Declares the events of a stream: an enum with one payload struct a variant, each with the
/// name and schema version under which it is stored.
///
/// ```
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// pub struct LampLit { pub watts: u32 }
/// impl decider::Payload for LampLit {}
///
/// decider::events! {
///     /// What happens to a lamp.
///     pub enum LampEvent {
///         /// It shines.
///         Lit(LampLit) = "LampLit", 1;
///     }
/// }
/// ```
#[macro_export]
macro_rules! events {
    (
        $(#[$outer:meta])*
        pub enum $event:ident {
            $( $(#[$inner:meta])* $variant:ident($payload:ty) = $name:literal, $schema:literal; )+
        }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $event {
            $( $(#[$inner])* $variant($payload), )+
        }

        $(
            impl From<$payload> for $event {
                fn from(payload: $payload) -> Self {
                    Self::$variant(payload)
                }
            }
        )+

        impl $crate::Event for $event {
            fn name(&self) -> &'static str {
                match self {
                    $( Self::$variant(_) => $name, )+
                }
            }

            fn record(&self) -> $crate::RecordedEvent {
                match self {
                    $( Self::$variant(payload) => $crate::record($name, $schema, payload), )+
                }
            }

            fn read(recorded: &$crate::RecordedEvent) -> Result<Self, $crate::Undecodable> {
                match recorded.name.as_str() {
                    $( $name => $crate::read(recorded, $schema).map(Self::$variant), )+
                    other => Err($crate::Undecodable::UnknownType(other.to_owned())),
                }
            }
        }
    };
}
