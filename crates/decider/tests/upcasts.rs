//! Events that were stored in an older shape.

use decider::{Event, RecordedEvent, Undecodable, events};
use serde::{Deserialize, Serialize};

events! {
    /// What happens to a lamp.
    pub enum LampEvent {
        /// It shines.
        Lit(LampLit) = "LampLit", 3, from [LampLitV1, LampLitV2];
        /// It shines no more.
        PutOut(LampPutOut) = "LampPutOut", 1;
    }
}

/// It shines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LampLit {
    milliwatts: u32,
    colour: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LampLitV2 {
    milliwatts: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LampLitV1 {
    watts: u32,
}

/// It shines no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LampPutOut {}

impl decider::Payload for LampLit {}
impl decider::Payload for LampPutOut {}

impl From<LampLitV1> for LampLitV2 {
    fn from(old: LampLitV1) -> Self {
        Self { milliwatts: old.watts * 1_000 }
    }
}

impl From<LampLitV2> for LampLit {
    fn from(old: LampLitV2) -> Self {
        Self { milliwatts: old.milliwatts, colour: "white".to_owned() }
    }
}

fn read(schema_version: u32, data: &str) -> Result<LampEvent, Undecodable> {
    let (name, data) = ("LampLit".to_owned(), data.to_owned());
    LampEvent::read(&RecordedEvent { name, schema_version, data, ..RecordedEvent::default() })
}

fn lit(colour: &str) -> LampEvent {
    LampLit { milliwatts: 40_000, colour: colour.to_owned() }.into()
}

#[test]
fn every_older_shape_is_read_as_the_current_one() {
    assert_eq!(read(1, r#"{"watts":40}"#), Ok(lit("white")));
    assert_eq!(read(2, r#"{"milliwatts":40000}"#), Ok(lit("white")));
    assert_eq!(read(3, r#"{"milliwatts":40000,"colour":"red"}"#), Ok(lit("red")));
}

#[test]
fn an_event_is_written_in_its_current_shape_alone() {
    let recorded = lit("red").record();
    assert_eq!(recorded.schema_version, 3);
    assert_eq!(recorded.data, r#"{"milliwatts":40000,"colour":"red"}"#);
    assert_eq!(LampEvent::KINDS, [("LampLit", 3), ("LampPutOut", 1)]);
}

#[test]
fn a_shape_from_before_the_first_or_after_the_last_is_not_read() {
    for found in [0, 4, u32::MAX] {
        let unknown = Undecodable::UnknownSchema { name: "LampLit".to_owned(), found, known: 3 };
        assert_eq!(read(found, r#"{"milliwatts":40000,"colour":"red"}"#), Err(unknown));
    }
}

#[test]
fn a_shape_is_read_under_its_own_version_only() {
    for (version, data, hint) in [
        (1, r#"{"milliwatts":40000}"#, "unknown field `milliwatts`"),
        (2, r#"{"watts":40}"#, "unknown field `watts`"),
        (2, r#"{"milliwatts":40000,"colour":"red"}"#, "unknown field `colour`"),
        (1, "watts", "expected value"),
        (3, r#"{"milliwatts":40000}"#, "missing field `colour`"),
    ] {
        match read(version, data) {
            Err(Undecodable::BadPayload { detail, .. }) => {
                assert!(detail.contains(hint), "{detail:?} should tell of {hint:?}");
            }
            other => panic!("{data} of version {version} should not be read, but gave {other:?}"),
        }
    }
}
