//! What the OpenAPI document says of a value, and what its constructor takes, are the same.

use ordering::{Cents, Email, Quantity, Sku, Text};
use proptest::prelude::*;
use regex::Regex;
use utoipa::{
    PartialSchema,
    openapi::{Object, RefOr, Schema},
};

fn object<T: PartialSchema>() -> Object {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => object,
        RefOr::Ref(_) | RefOr::T(_) => panic!("a value is described as an object"),
    }
}

/// Whether the document allows this text.
fn allows(object: &Object, text: &str) -> bool {
    let pattern = object.pattern.as_deref().unwrap_or_default();
    let length = text.chars().count();
    Regex::new(pattern).expect("a pattern of ours is one").is_match(text)
        && object.min_length.is_none_or(|least| length >= least)
        && object.max_length.is_none_or(|most| length <= most)
}

/// Anything, and what is nearly right.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-c.@_ \u{0}\u{7f}\u{85}\u{a0}é-]{0,12}",
        "[a-z.]{1,4}@[a-z.]{0,8}",
        "[a-z]{4,8}( |\u{3000}){0,3}",
        "[.]{0,3}[A-Z]{0,70}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_text_is_allowed_when_it_is_taken(text in texts()) {
        let taken = Text::<10>::try_from(text.clone()).is_ok();
        prop_assert_eq!(allows(&object::<Text<10>>(), &text), taken, "{:?}", text);
    }

    #[test]
    fn a_sku_is_allowed_when_it_is_taken(text in texts()) {
        let taken = Sku::try_from(text.clone()).is_ok();
        prop_assert_eq!(allows(&object::<Sku>(), &text), taken, "{:?}", text);
    }

    #[test]
    fn an_address_is_allowed_when_it_is_taken(text in texts()) {
        let taken = Email::try_from(text.clone()).is_ok();
        prop_assert_eq!(allows(&object::<Email>(), &text), taken, "{:?}", text);
    }
}

#[test]
fn amounts_and_quantities_have_the_limits_that_they_are_said_to_have() {
    let limits = |object: Object| {
        let number = |limit| serde_json::to_value(limit).unwrap().as_i64().unwrap();
        (number(object.minimum), number(object.maximum))
    };
    let (least, most) = limits(object::<Quantity>());
    for (pieces, taken) in [(least - 1, false), (least, true), (most, true), (most + 1, false)] {
        assert_eq!(Quantity::new(pieces).is_ok(), taken, "{pieces}");
    }
    let (least, most) = limits(object::<Cents>());
    for (cents, taken) in [(least - 1, false), (least, true), (most, true)] {
        assert_eq!(Cents::new(cents).is_ok(), taken, "{cents}");
    }
}
