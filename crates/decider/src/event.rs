//! Between a domain's event types and the JSON that outlives them.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{RecordedEvent, Timestamp};

/// An event type of a domain; [`events!`](crate::events) writes this for an enum.
pub trait Event: Sized {
    /// All names, each with its current schema version. Every version from 1 on is read.
    const KINDS: &'static [(&'static str, u32)];

    /// The stored name, for example `OrderPlaced`.
    fn name(&self) -> &'static str;

    /// Writes the event in its current schema version.
    fn record(&self) -> RecordedEvent;

    /// Reads a stored event.
    ///
    /// # Errors
    /// [`Undecodable`] when the name is unknown, the schema version is a later one than this build
    /// reads, or the payload does not fit.
    fn read(recorded: &RecordedEvent) -> Result<Self, Undecodable>;
}

/// The payload of one kind of event.
pub trait Payload: Serialize + DeserializeOwned {
    /// The fields that tell of a person: whom the stream is about. Each is a
    /// [`Personal`](crate::Personal), and is sealed in the event table.
    const PERSONAL: &'static [&'static str] = &[];

    /// Whether what is personal in the stream is no more once this has happened.
    const ERASES: bool = false;

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
        erases: P::ERASES,
        personal: P::PERSONAL,
        revealed: None,
    }
}

/// From a payload of one schema version to one of the next. Pure: what a stored event means does
/// not depend on when it is read.
pub type Upcast = fn(Value) -> serde_json::Result<Value>;

/// Reads a payload as `Old` and writes it as `New`. For [`events!`](crate::events).
///
/// # Errors
/// When the payload is none of that version.
pub fn upcast<Old, New>(payload: Value) -> serde_json::Result<Value>
where
    Old: DeserializeOwned,
    New: From<Old> + Serialize,
{
    serde_json::to_value(New::from(serde_json::from_value(payload)?))
}

/// Reads the payload of `recorded`. Each of `upcasts` leads from one schema version to the next,
/// from 1 on, and the last one to the current.
///
/// # Errors
/// [`Undecodable::UnknownSchema`] or [`Undecodable::BadPayload`].
pub fn read<P: Payload>(recorded: &RecordedEvent, upcasts: &[Upcast]) -> Result<P, Undecodable> {
    let (found, known) = (recorded.schema_version, upcasts.len() as u32 + 1);
    let since = usize::try_from(found).ok().and_then(|found| found.checked_sub(1));
    let Some(steps) = since.and_then(|since| upcasts.get(since..)) else {
        return Err(Undecodable::UnknownSchema { name: recorded.name.clone(), found, known });
    };
    payload(recorded.payload(), steps).map_err(|error| Undecodable::BadPayload {
        name: recorded.name.clone(),
        detail: error.to_string(),
    })
}

fn payload<P: Payload>(data: &str, steps: &[Upcast]) -> serde_json::Result<P> {
    if steps.is_empty() {
        return serde_json::from_str(data);
    }
    let stored = serde_json::from_str(data)?;
    let current = steps.iter().try_fold(stored, |payload, step| step(payload))?;
    serde_json::from_value(current)
}

/// Declares the events of a stream: an enum with one payload struct a variant, each with the
/// name and schema version under which it is stored.
///
/// Where the shape of a payload has changed, `from [..]` names the structs that it had before, the
/// oldest first, each of which becomes the next one by `From`. One is missing or too many, and
/// nothing compiles.
///
/// ```
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// pub struct LampLit { pub milliwatts: u32 }
/// impl decider::Payload for LampLit {}
///
/// /// As it was stored until somebody lit a very small lamp.
/// #[derive(Serialize, Deserialize)]
/// pub struct LampLitV1 { watts: u32 }
///
/// impl From<LampLitV1> for LampLit {
///     fn from(old: LampLitV1) -> Self {
///         Self { milliwatts: old.watts * 1_000 }
///     }
/// }
///
/// decider::events! {
///     /// What happens to a lamp.
///     pub enum LampEvent {
///         /// It shines.
///         Lit(LampLit) = "LampLit", 2, from [LampLitV1];
///     }
/// }
/// ```
#[macro_export]
macro_rules! events {
    (
        $(#[$outer:meta])*
        pub enum $event:ident {
            $(
                $(#[$inner:meta])*
                $variant:ident($payload:ty) = $name:literal, $schema:literal
                    $(, from [$($older:ty),+])?;
            )+
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

            const _: () = assert!(
                $crate::upcasts!([] $($($older,)+)? $payload).len() + 1 == $schema,
                concat!($name, " has a struct for each of its older schema versions")
            );
        )+

        impl $crate::Event for $event {
            const KINDS: &'static [(&'static str, u32)] = &[$( ($name, $schema) ),+];

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
                    $(
                        $name => {
                            let upcasts = $crate::upcasts!([] $($($older,)+)? $payload);
                            $crate::read(recorded, upcasts).map(Self::$variant)
                        }
                    )+
                    other => Err($crate::Undecodable::UnknownType(other.to_owned())),
                }
            }
        }
    };
}

/// The upcasts between these payloads, each to the one after it. For [`events!`](crate::events).
#[doc(hidden)]
#[macro_export]
macro_rules! upcasts {
    ([$($step:expr,)*] $current:ty) => {
        {
            const UPCASTS: &[$crate::Upcast] = &[$($step),*];
            UPCASTS
        }
    };
    ([$($step:expr,)*] $old:ty, $($new:ty),+) => {
        $crate::upcasts!(@pair [$($step,)*] $old, $($new),+)
    };
    (@pair [$($step:expr,)*] $old:ty, $new:ty $(, $newer:ty)*) => {
        $crate::upcasts!([$($step,)* $crate::upcast::<$old, $new>,] $new $(, $newer)*)
    };
}
