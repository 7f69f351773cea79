//! The OpenAPI document: what the two functions say of themselves, put together where both are known.
//! It is kept as `docs/openapi.json`, which the query function serves.

use anyhow::{Context, Result};
use utoipa::openapi::{
    Info, License, OpenApi, OpenApiBuilder, Server, Tag, path::Operation, tag::TagBuilder,
};

const ABOUT: &str = "A shop's ordering system. Commands are decided on the latest state and land at \
    most once; queries answer from rows that follow within moments, and with the \
    `Consistency-Token` of a command they have seen it. Money is integer cents, times are RFC 3339 \
    in UTC. Errors are `application/problem+json`, and their `type` names the rule.";

/// What the operations are about, in the order of the page.
const TAGS: [(&str, &str); 7] = [
    ("products", "What is sold."),
    ("customers", "Who buys."),
    ("carts", "What somebody is about to buy."),
    ("orders", "What was bought."),
    ("reports", "What it adds up to; also as CSV, NDJSON, a page or a picture."),
    ("operations", "How the system is doing, and who did what."),
    ("contract", "This document."),
];

/// The document, as it is kept.
///
/// # Errors
/// When it has no JSON form.
pub fn document() -> Result<String> {
    let mut text = serde_json::to_string_pretty(&both()).context("the document is no JSON")?;
    text.push('\n');
    Ok(text)
}

fn both() -> OpenApi {
    let mut info = Info::new("Millrace", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    info.license = Some(license);
    let tag = |(name, about): (&str, &str)| -> Tag {
        TagBuilder::new().name(name).description(Some(about)).build()
    };
    let api = OpenApiBuilder::new().info(info).servers(Some([Server::new("/")]));
    let mut api = api.tags(Some(TAGS.map(tag))).build();
    api.merge(command::openapi());
    api.merge(query::openapi());
    api
}

/// A method, a path, and the scopes that may call it; none, where no token is asked for.
pub type Described = (String, String, Option<Vec<String>>);

/// Each operation of the document: method, path, and the scopes of which a token needs one;
/// `None` where it takes no token.
///
/// # Errors
/// When a security requirement has no JSON form.
pub fn operations() -> Result<Vec<Described>> {
    let mut operations = Vec::new();
    for (path, item) in both().paths.paths {
        let methods =
            [("GET", item.get), ("POST", item.post), ("PUT", item.put), ("DELETE", item.delete)];
        for (method, operation) in methods {
            let Some(operation) = operation else { continue };
            operations.push((method.to_owned(), path.clone(), scopes(&operation)?));
        }
    }
    Ok(operations)
}

fn scopes(operation: &Operation) -> Result<Option<Vec<String>>> {
    let Some(required) = operation.security.as_ref().and_then(|each| each.first()) else {
        return Ok(None);
    };
    let required = serde_json::to_value(required).context("a requirement is no JSON")?;
    let scopes = required.get(edge::openapi::TOKEN).cloned().unwrap_or_default();
    Ok(Some(serde_json::from_value(scopes).context("scopes are a list of names")?))
}
