//! What a query string says, as types.

use std::{fmt::Display, str::FromStr};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};
use edge::{Params, Problem};
use ordering_views::Timestamp;
use serde::{
    Deserialize,
    de::{IntoDeserializer, value},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// A moment: RFC 3339, or a date, which is midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment = if text.len() == "2017-01-01".len() {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
            date.map(|date| date.and_time(NaiveTime::MIN).and_utc())
        } else {
            DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc())
        };
        // Years that Postgres has, too.
        let moment = moment.filter(|moment| (0..=9999).contains(&moment.year()));
        moment.map(Self).ok_or("expected 2017-01-31 or 2017-01-31T12:00:00Z, a + written as %2B")
    }
}

impl ToSchema for Moment {}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let month_and_day = "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])\
            |(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))";
        let time =
            r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-][01][0-9]:[0-5][0-9])";
        let moment = ObjectBuilder::new().schema_type(Type::String);
        let moment = moment.pattern(Some(format!("^[0-9]{{4}}-{month_and_day}({time})?$")));
        moment.examples(["2017-01-31", "2017-01-31T12:00:00Z"]).into()
    }
}

/// One of the words that `T` knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<T>(pub(crate) T);

impl<T: for<'de> Deserialize<'de>> FromStr for Word<T> {
    type Err = value::Error;

    fn from_str(text: &str) -> Result<Self, value::Error> {
        T::deserialize(text.into_deserializer()).map(Self)
    }
}

/// The name of something: one line, short, not empty.
#[derive(Clone, Debug)]
pub(crate) struct Name(pub(crate) String);

impl FromStr for Name {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sound = (1..=200).contains(&text.chars().count());
        if sound && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err("it must have 1 to 200 characters, and no control characters")
        }
    }
}

impl ToSchema for Name {}

impl PartialSchema for Name {
    fn schema() -> RefOr<Schema> {
        let name = ObjectBuilder::new().schema_type(Type::String);
        let name = name.min_length(Some(1)).max_length(Some(200));
        name.pattern(Some(r"^[^\u0000-\u001f\u007f-\u009f]*$")).into()
    }
}

pub(crate) fn take_moment(params: &mut Params, name: &str) -> Result<Option<Timestamp>, Problem> {
    Ok(params.take::<Moment>(name)?.map(|moment| moment.0))
}

pub(crate) fn take_name(params: &mut Params, name: &str) -> Result<Option<String>, Problem> {
    Ok(params.take::<Name>(name)?.map(|name| name.0))
}

/// The word that `name` says, else the one that stands for its absence.
pub(crate) fn take_word<T>(params: &mut Params, name: &str) -> Result<T, Problem>
where
    T: Default + for<'de> Deserialize<'de>,
{
    Ok(params.take::<Word<T>>(name)?.map_or_else(T::default, |word| word.0))
}

/// What must be given.
pub(crate) fn take_needed<T>(params: &mut Params, name: &str) -> Result<T, Problem>
where
    T: FromStr<Err: Display>,
{
    params.take(name)?.ok_or_else(|| Problem::bad_parameter(name, "is needed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Option<String> {
        text.parse::<Moment>().ok().map(|moment| moment.0.to_rfc3339())
    }

    #[test]
    fn a_date_is_its_midnight_in_utc() {
        assert_eq!(moment("2017-01-31").as_deref(), Some("2017-01-31T00:00:00+00:00"));
        let offset = moment("2017-01-31T01:00:00+02:00");
        assert_eq!(offset.as_deref(), Some("2017-01-30T23:00:00+00:00"));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        let years = ["+12017-01-01", "-001-01-01", "9999-12-31T23:59:59-23:00"];
        let others = ["", "2017", "2017-1-1", "2017-02-30", "2017-01-01 0", "yesterday", "ééééé"];
        for text in years.iter().chain(&others) {
            assert_eq!(moment(text), None, "{text:?}");
        }
    }
}
