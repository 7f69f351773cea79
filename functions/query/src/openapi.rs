//! The OpenAPI document of the queries. Paths and bodies come from the handlers; here are the query
//! strings that several of them share, and what holds for all.

use edge::openapi::{
    Refusal, describe, describe_components, describe_refusals, header, is_a, operations,
    put_header, refuse, request_header, take,
};
use ordering_views::{Limit, Sku, Status, order_history::OrderSort, product::ProductSort};
use utoipa::{
    IntoParams,
    openapi::{
        Components, Content, ObjectBuilder, OpenApi, RefOr, Schema, SchemaFormat, Type,
        path::Operation,
    },
};
use uuid::Uuid;

use crate::{
    format::{CSV, HTML, JSON, NDJSON, SVG},
    parameters::{Moment, Name},
};

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is read by `Params`, and only described here")]
pub(crate) struct PageParams {
    /// How many items a page has; 20 unless said. Rows without a limit are all there are.
    #[param(inline)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    #[param(format = "cursor")]
    cursor: Option<String>,
}

/// Whose orders.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is read by `Params`, and only described here")]
pub(crate) struct Whose {
    /// Only what this customer bought.
    customer_id: Option<Uuid>,
}

/// Which orders, and in what order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is read by `Params`, and only described here")]
pub(crate) struct OrderParams {
    /// Only those that have come so far, or any of these if it is repeated.
    status: Option<Vec<Status>>,
    /// Placed then or later.
    #[param(inline)]
    placed_from: Option<Moment>,
    /// Placed before.
    #[param(inline)]
    placed_to: Option<Moment>,
    /// A line has this product.
    #[param(inline)]
    sku: Option<Sku>,
    /// A line has a product of this department.
    #[param(inline)]
    department: Option<Name>,
    /// Costs this or more.
    #[param(minimum = -9_223_372_036_854_775_808_i64, maximum = 9_223_372_036_854_775_807_i64)]
    min_total_cents: Option<i64>,
    /// Costs this or less.
    #[param(minimum = -9_223_372_036_854_775_808_i64, maximum = 9_223_372_036_854_775_807_i64)]
    max_total_cents: Option<i64>,
    /// Words in product names, the customer's name, reference and tracking number. Every one must
    /// be there, of the last one a beginning. Case and accents do not matter.
    q: Option<String>,
    /// By what they are sorted; `-placed_at` unless said.
    #[param(inline)]
    sort: Option<OrderSort>,
}

/// Which products, and in what order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is read by `Params`, and only described here")]
pub(crate) struct ProductParams {
    /// Words in the name. Every one must be there, of the last one a beginning. Case and accents
    /// do not matter.
    q: Option<String>,
    /// Where it stands.
    #[param(inline)]
    department: Option<Name>,
    /// What kind of thing it is.
    #[param(inline)]
    category: Option<Name>,
    /// Whether there is any.
    in_stock: Option<bool>,
    /// Costs this or more.
    #[param(minimum = -9_223_372_036_854_775_808_i64, maximum = 9_223_372_036_854_775_807_i64)]
    min_price_cents: Option<i64>,
    /// Costs this or less.
    #[param(minimum = -9_223_372_036_854_775_808_i64, maximum = 9_223_372_036_854_775_807_i64)]
    max_price_cents: Option<i64>,
    /// By what they are sorted; `name` unless said.
    #[param(inline)]
    sort: Option<ProductSort>,
}

/// The time that a report covers.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is read by `Params`, and only described here")]
pub(crate) struct PeriodParams {
    /// The first moment of it.
    #[param(inline)]
    from: Option<Moment>,
    /// The first moment after it.
    #[param(inline)]
    to: Option<Moment>,
}

const NOT_ACCEPTABLE: Refusal = (406, "NotAcceptable", "It does not come as any type in `Accept`.");

const TOO_MUCH: Refusal = (
    422,
    "TooMuch",
    "`export-too-large`: the answer is larger than can be handed out at once. Ask for pages. \
     `period-too-long`: a report covers at most 3,660 days.",
);

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// Adds to the document of the routes what is the same for all of them.
pub(crate) fn complete(api: &mut OpenApi) {
    describe_components(api);
    all_fields_are_there(api.components.get_or_insert_with(Components::new));
    describe_refusals(api, &[NOT_ACCEPTABLE]);
    describe(api, &TOO_MUCH);
    let token = text().format(Some(SchemaFormat::Custom("consistency-token".to_owned())));
    let token = request_header(
        "Consistency-Token",
        "What a command answered: the answer has seen at least that write, or is a 503.",
        token,
    );
    let wait = "How many seconds to wait for it, at most 20: `wait=2`, as it is unless said.";
    let prefer = request_header("Prefer", wait, text());
    let lag = header("How long the commit that became visible last took for it.", Type::Integer);
    for (path, operation) in operations(api).filter(|(_, operation)| operation.security.is_some()) {
        take(operation, &token);
        take(operation, &prefer);
        put_header(operation, ("Projection-Lag-Ms", &lag), |status| status == "200");
        if operation.responses.responses.contains_key("304") {
            validated(operation);
        }
        as_rows(path, operation);
    }
}

/// One thing has a tag.
fn validated(operation: &mut Operation) {
    let known = "A tag that was given before: if it still holds, the answer is an empty 304.";
    take(operation, &request_header("If-None-Match", known, text()));
    let tag = header(
        "`\"<version>-<digest>\"`: of the thing's version, and of the answer.",
        Type::String,
    );
    put_header(operation, ("ETag", &tag), |status| ["200", "304"].contains(&status));
}

/// A list comes as rows, too, and a report as a picture.
fn as_rows(path: &str, operation: &mut Operation) {
    let Some(RefOr::T(found)) = operation.responses.responses.get_mut("200") else { return };
    let is_list =
        found.content.get(JSON).is_some_and(|json| is_a(json, |it| it.contains("/List_")));
    let is_report = path.starts_with("/reports/");
    let others: &[&str] = match (is_list, is_report) {
        (true, true) => &[CSV, NDJSON, HTML, SVG],
        (true, false) => &[CSV, NDJSON],
        (false, _) => &[],
    };
    for media_type in others {
        found.content.insert((*media_type).to_owned(), Content::new(Some(text())).into());
    }
    if is_list && !is_report {
        let link = header("The next page, as `rel=\"next\"`.", Type::String);
        put_header(operation, ("Link", &link), |status| status == "200");
    }
    if is_list {
        refuse(operation, &TOO_MUCH);
    }
}

/// What is not known is `null`, and never left out. But a problem says only what applies.
fn all_fields_are_there(components: &mut Components) {
    for (name, schema) in &mut components.schemas {
        if name != "Problem"
            && let RefOr::T(schema) = schema
        {
            require_all(schema);
        }
    }
}

fn require_all(schema: &mut Schema) {
    if let Schema::Object(object) = schema {
        object.required = object.properties.keys().cloned().collect();
    } else if let Schema::AllOf(parts) = schema {
        for part in &mut parts.items {
            if let RefOr::T(part) = part {
                require_all(part);
            }
        }
    }
}
