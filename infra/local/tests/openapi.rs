//! The OpenAPI document is what the code says, and the routes that are deployed are in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use edge::ROUTES;
use local_stack::{
    openapi,
    template::{RouteKey, Template},
};

fn template() -> Result<Template> {
    Template::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml"))
}

#[test]
fn the_document_that_is_served_is_the_one_that_the_code_gives() -> Result<()> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let kept = std::fs::read_to_string(kept).context("docs/openapi.json")?;
    ensure!(kept == openapi::document()?, "docs/openapi.json is old: make openapi-json");
    Ok(())
}

#[test]
fn what_is_deployed_is_in_the_document_with_its_scopes_and_nothing_else_is() -> Result<()> {
    let described: BTreeMap<_, _> = openapi::operations()?
        .into_iter()
        .map(|(method, path, scopes)| (format!("{method} {path}"), scopes))
        .collect();
    let mut deployed = BTreeMap::new();
    for route in template()?.routes {
        if route.key != RouteKey::Default {
            let scopes = route.needs_token.then_some(route.scopes);
            deployed.insert(route.key.to_string(), scopes);
        }
    }
    ensure!(described == deployed, "{described:#?}\n{deployed:#?}");
    Ok(())
}

/// `Allow` and 405 are answered from this list.
#[test]
fn the_list_of_routes_has_them_all() -> Result<()> {
    let described: BTreeSet<_> = openapi::operations()?
        .into_iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let listed = ROUTES
        .iter()
        .flat_map(|(path, methods)| methods.iter().map(move |m| format!("{m} {path}")));
    let listed: BTreeSet<_> = listed.collect();
    ensure!(described == listed, "{:#?}", described.symmetric_difference(&listed));
    Ok(())
}
