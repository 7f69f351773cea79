//! What a value may be, as JSON Schema says it: the rules of the constructors, for the OpenAPI
//! document. `tests/schema.rs` holds the two to each other.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

use crate::{CartId, Cents, CustomerId, Email, OrderId, Quantity, Sku, Text};

/// A character that no text of ours holds.
macro_rules! control {
    () => {
        r"\u0000-\u001f\u007f-\u009f"
    };
}

/// Something in it can be seen, and it is one line.
const A_LINE: &str = concat!("^[^", control!(), "]*[^\\s", control!(), "][^", control!(), "]*$");

/// One `@`, and a dot inside of what is behind it.
const AN_ADDRESS: &str = concat!(
    "^[^@\\s",
    control!(),
    "]+@",
    "[^@.\\s",
    control!(),
    "][^@\\s",
    control!(),
    "]*\\.[^@\\s",
    control!(),
    "]*[^@.\\s",
    control!(),
    "]$"
);

/// A sku has something else than dots.
const A_SKU: &str = r"^\.*[A-Za-z0-9_-][A-Za-z0-9._-]*$";

fn text(most: usize, pattern: &str) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String);
    text.min_length(Some(1)).max_length(Some(most)).pattern(Some(pattern))
}

fn whole_number(least: i64, most: i64) -> ObjectBuilder {
    let number = ObjectBuilder::new().schema_type(Type::Integer);
    let number = number.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
    number.minimum(Some(least)).maximum(Some(most))
}

fn uuid(of: &str) -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
    let uuid = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
    uuid.description(Some(format!("Which {of}.")))
}

macro_rules! schema {
    ($($name:ident: $schema:expr;)+) => {
        $(
            impl ToSchema for $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    $schema.into()
                }
            }
        )+
    };
}

schema! {
    Sku: text(64, A_SKU).description(Some(
        "A product's number: letters, digits, `.`, `_` and `-`, and not only dots."
    ));
    Email: text(Email::MOST, AN_ADDRESS).description(Some(
        "An email address. Two that differ in case only are the same."
    ));
    Cents: whole_number(0, i64::MAX).description(Some("An amount of money in cents."));
    Quantity: whole_number(1, Quantity::MOST.into()).description(Some("A number of pieces."));
    CustomerId: uuid("customer");
    CartId: uuid("cart");
    OrderId: uuid("order");
}

impl<const MOST: usize> ToSchema for Text<MOST> {
    fn name() -> Cow<'static, str> {
        format!("Text{MOST}").into()
    }
}

impl<const MOST: usize> PartialSchema for Text<MOST> {
    fn schema() -> RefOr<Schema> {
        let most = format!("One line with 1 to {MOST} characters, not all of them blank.");
        text(MOST, A_LINE).description(Some(most)).into()
    }
}
