//! The OpenAPI document of the commands. Paths and bodies come from the handlers; here is what holds
//! for all of them, and how their answers look.

use edge::openapi::{
    Refusal, describe_components, describe_refusals, header, is_a, operations, put_header, refuse,
    request_header, take,
};
use ordering::Quantity;
use serde::Deserialize;
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, OpenApi, RefOr, Required, Type, path::Operation},
};
use uuid::Uuid;

/// The answer to an accepted command.
#[derive(ToSchema)]
#[expect(dead_code, reason = "`Reply` writes it, and it is only described here")]
pub(crate) struct Accepted {
    /// The id of the thing: a UUID, or the `sku` of a product.
    id: String,
    /// The version that the thing has now.
    #[schema(minimum = 1)]
    version: u64,
}

/// The answer to a checkout.
#[derive(ToSchema)]
#[expect(dead_code, reason = "`Reply` writes it, and it is only described here")]
pub(crate) struct CheckedOut {
    /// The cart.
    id: Uuid,
    /// The version that the cart has now.
    #[schema(minimum = 1)]
    version: u64,
    /// The order that the cart became.
    order_id: Uuid,
}

/// The body that books stock: one of the two.
#[derive(ToSchema)]
#[schema(as = Stock)]
#[serde(untagged)]
#[expect(dead_code, reason = "`Stock` reads it, and it is only described here")]
pub(crate) enum BookedStock {
    /// Goods in.
    Received(Received),
    /// A stock count that overrides.
    Counted(Counted),
}

/// Goods in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "`Stock` reads it, and it is only described here")]
pub(crate) struct Received {
    /// So many more.
    received: Quantity,
}

/// A stock count that overrides.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "`Stock` reads it, and it is only described here")]
pub(crate) struct Counted {
    /// So many there are.
    #[schema(format = Int64, maximum = 4_294_967_295_u32)]
    counted: u32,
}

/// What every command may refuse with, besides what all of the API does.
const REFUSALS: [Refusal; 5] = [
    (409, "Conflict", "Others were faster again and again, so send it again; or a name is taken."),
    (412, "VersionDiffers", "`If-Match` names another version than the thing has."),
    (413, "BodyTooLarge", "The body has more than 256 KiB."),
    (415, "NotJson", "The body is not `application/json`."),
    (
        422,
        "Refused",
        "The shop refuses, and `type` names the rule; or the idempotency key was used before.",
    ),
];

/// Adds to the document of the routes what is the same for all of them.
pub(crate) fn complete(api: &mut OpenApi) {
    describe_components(api);
    describe_refusals(api, &REFUSALS);
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let taken = [
        request_header(
            "Idempotency-Key",
            "The same key and request has one effect, and gets the first answer again.",
            text().min_length(Some(1)).max_length(Some(255)),
        ),
        request_header(
            "If-Match",
            "Only if the thing has this version: a tag that an answer of this API had.",
            text().pattern(Some(r#"^"[0-9]{1,18}(-[0-9a-z]{1,40}){0,2}"$"#)),
        ),
        request_header(
            "X-Correlation-Id",
            "Goes into the audit trail.",
            text().pattern(Some(r"^[!#-\[\]-~]([ !#-\[\]-~]{0,126}[!#-\[\]-~])?$")),
        ),
    ];
    let version = header("`\"<version>\"`, for `If-Match`.", Type::String);
    let token = header("For a query that is to see this.", Type::String);
    let location = header("Where the new thing is.", Type::String);
    let replayed = header("`true` where this is the answer to an earlier request.", Type::Boolean);
    let accepted = |status: &str| status.starts_with('2');
    for (path, operation) in operations(api) {
        taken.iter().for_each(|parameter| take(operation, parameter));
        put_header(operation, ("ETag", &version), accepted);
        put_header(operation, ("Consistency-Token", &token), accepted);
        put_header(operation, ("Idempotency-Replayed", &replayed), accepted);
        put_header(operation, ("Location", &location), |status| status == "201");
        may_be_empty(operation);
        if path == "/carts" {
            // whose cart it is to be stands in the body
            refuse(operation, &(404, "NotFound", ""));
        }
    }
}

/// A command without particulars needs no body.
fn may_be_empty(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    let nothing = body.content.values().any(|json| is_a(json, |it| it.ends_with("/Nothing")));
    if nothing {
        body.required = Some(Required::False);
    }
}
