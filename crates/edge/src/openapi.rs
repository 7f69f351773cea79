//! What the operations of the API have in common, for the OpenAPI document: each function
//! describes its own routes, and these rules add what holds for all of them.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, Header, ObjectBuilder, OpenApi, Ref, RefOr, ResponseBuilder, Schema,
        Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{FieldError, Problem};

/// The name of the security scheme that routes with scopes refer to.
pub const TOKEN: &str = "token";

/// Something that an operation refuses with: the status, what it is called in the document, and when
/// it comes.
pub type Refusal = (u16, &'static str, &'static str);

/// What anybody may meet.
const ANYBODY: [Refusal; 4] = [
    (404, "NotFound", "There is no such thing, or none that this token may see."),
    (
        429,
        "TooMany",
        "Too much at once. Nothing was done; `Retry-After` says when to send it again.",
    ),
    (431, "HeadersTooLong", "The headers are longer than API Gateway takes."),
    (500, "OurFault", "Our fault. It is logged under the request's id."),
];

/// What somebody with a token may meet besides.
const CALLERS: [Refusal; 4] = [
    (400, "Malformed", "The request is malformed; `type` and `detail` say where."),
    (401, "Unauthorized", "There is no token, or not a good one."),
    (403, "Forbidden", "The token has none of the scopes of this operation."),
    (
        503,
        "Away",
        "A store is away, a query takes too long, or its answer would be older than asked for. \
         Nothing was half-done; `Retry-After` says when to send it again.",
    ),
];

/// Adds the schemas of problems and the security scheme.
pub fn describe_components(api: &mut OpenApi) {
    let components = api.components.get_or_insert_with(Components::new);
    components.schemas.insert(Problem::name().into(), Problem::schema());
    components.schemas.insert(FieldError::name().into(), FieldError::schema());
    let token =
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
            "A JSON Web Token of the issuer that the API trusts. `scope` holds one or more of \
             `shop` (with the claim `customer_id`: a customer's own things, and all products), \
             `staff`, `analyst` (lists and reports) and `import`.",
        ));
    components.add_security_scheme(TOKEN, SecurityScheme::Http(token.build()));
}

/// Adds to every operation what it may refuse with besides what it says itself: what all of them
/// do, 404 only where the path names something, and `also` where the caller has a token.
pub fn describe_refusals(api: &mut OpenApi, also: &[Refusal]) {
    let for_callers = || CALLERS.iter().chain(also);
    ANYBODY.iter().chain(for_callers()).for_each(|refusal| describe(api, refusal));
    for (path, operation) in operations(api) {
        let has_caller = operation.security.is_some();
        for refusal in ANYBODY.iter().filter(|refusal| refusal.0 != 404 || path.contains('{')) {
            refuse(operation, refusal);
        }
        for refusal in for_callers().filter(|_| has_caller) {
            refuse(operation, refusal);
        }
    }
}

/// Every operation with its path.
pub fn operations(api: &mut OpenApi) -> impl Iterator<Item = (&str, &mut Operation)> {
    api.paths.paths.iter_mut().flat_map(|(path, item)| {
        let PathItem { get, put, post, delete, .. } = item;
        let each = [get, put, post, delete].into_iter().flatten();
        each.map(move |operation| (path.as_str(), operation))
    })
}

/// Says that an operation may refuse like this, unless it says something of that status itself.
pub fn refuse(operation: &mut Operation, (status, name, _): &Refusal) {
    let responses = &mut operation.responses.responses;
    let known = || RefOr::Ref(Ref::from_response_name(*name));
    responses.entry(status.to_string()).or_insert_with(known);
}

/// Adds how an operation may refuse, under its name.
pub fn describe(api: &mut OpenApi, (status, name, when): &Refusal) {
    let problem = Content::new(Some(Ref::from_schema_name(Problem::name())));
    let mut response = ResponseBuilder::new().description(*when);
    response = response.content("application/problem+json", problem);
    if [401, 403].contains(status) {
        response = response.content("application/json", Content::new(Some(message())));
    }
    if [429, 503].contains(status) {
        response = response.header("Retry-After", header("Seconds to wait.", Type::Integer));
    }
    let components = api.components.get_or_insert_with(Components::new);
    components.responses.insert((*name).to_owned(), response.build().into());
}

/// What API Gateway itself says on AWS.
fn message() -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let message = ObjectBuilder::new().property("message", text).required("message");
    message.description(Some("A refusal of API Gateway itself.")).into()
}

/// A header of an answer.
#[must_use]
pub fn header(description: &str, kind: Type) -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(kind));
    header.description = Some(description.to_owned());
    header
}

/// Puts a header on every answer of an operation that passes `when`.
pub fn put_header(
    operation: &mut Operation,
    (name, header): (&str, &Header),
    when: impl Fn(&str) -> bool,
) {
    for (status, response) in &mut operation.responses.responses {
        if let (true, RefOr::T(response)) = (when(status), response) {
            response.headers.insert(name.to_owned(), header.clone().into());
        }
    }
}

/// A header that a request may carry.
#[must_use]
pub fn request_header(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header);
    parameter.description(Some(description)).schema(Some(schema)).build()
}

/// Adds a parameter to an operation.
pub fn take(operation: &mut Operation, parameter: &Parameter) {
    let parameters = operation.parameters.get_or_insert_default();
    parameters.push(RefOr::T(parameter.clone()));
}

/// Whether a body is described by a named schema whose reference passes `is`.
pub fn is_a(body: &RefOr<Content>, is: impl Fn(&str) -> bool) -> bool {
    let RefOr::T(content) = body else { return false };
    matches!(&content.schema, Some(RefOr::Ref(named)) if is(&named.ref_location))
}
