//! The OpenAPI document, as it is served and as it describes the query strings.

use crate::{
    caller::{ANALYST, Caller, STAFF},
    stage::{Stage, cart_of, customer, order},
};

const BOTH: Caller<'_> = Caller { subject: "all", scope: "staff analyst", customer: None };

#[tokio::test]
async fn the_contract_and_its_page_need_no_other_host() {
    let stage = Stage::empty().await;
    let contract = stage.get("/openapi.json", STAFF).answer().await;
    assert_eq!(contract.header("content-type"), Some("application/json"));
    assert!(contract.body["openapi"].as_str().unwrap().starts_with("3.1"));
    let page = stage.get("/docs", STAFF).answer().await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(!page.text().contains("http:") && !page.text().contains("https:"));
    let files = page.text().split('"').filter(|part| part.starts_with("docs/"));
    let files: Vec<_> = files.collect();
    assert_eq!(files.len(), 5, "{files:?}");
    for file in files {
        let found = stage.get(&format!("/{file}"), STAFF).answer().await;
        assert_eq!(found.status, 200, "{file}");
        assert_eq!(found.header("cache-control"), Some("public, max-age=300"));
        let media_type = found.header("content-type").unwrap();
        assert!(["text/css", "text/javascript", "image/png"].contains(&media_type), "{media_type}");
    }
    assert_eq!(stage.get("/docs/nothing.js", STAFF).answer().await.problem(404), "not-found");
}

#[tokio::test]
async fn every_parameter_of_the_contract_is_known_and_no_other() {
    let stage = Stage::set().await;
    let contract = serde_json::to_value(query::openapi()).unwrap();
    let operations = contract["paths"].as_object().unwrap().iter();
    let named = |operation: &serde_json::Value| -> Vec<String> {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let of_query = parameters.filter(|parameter| parameter["in"] == "query");
        of_query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    };
    let secured: Vec<_> =
        operations.filter(|(_, item)| item["get"]["security"].is_array()).collect();
    let all: Vec<String> = secured.iter().flat_map(|(_, item)| named(&item["get"])).collect();
    for (path, item) in secured {
        let (own, path) = (named(&item["get"]), with_ids(path));
        for name in &all {
            let needed = if path.ends_with("/bought-together") { "sku=A&" } else { "" };
            let asked = format!("{path}?{needed}{name}=%00");
            let answer = stage.get(&asked, BOTH).answer().await;
            let refused = answer.body["type"] == "unknown-parameter";
            assert_eq!(refused, !own.contains(name), "{path} {name} {}", answer.body);
        }
    }
}

fn with_ids(path: &str) -> String {
    let id = match path {
        path if path.starts_with("/orders") => order("order 0").to_string(),
        path if path.starts_with("/carts") => cart_of("ann").to_string(),
        _ => customer("ann").to_string(),
    };
    path.replace("{id}", &id).replace("{sku}", "A").replace("{stream}", "product-A")
}

#[tokio::test]
async fn every_answer_has_a_field_for_what_the_contract_requires() {
    let stage = Stage::set().await;
    let contract = serde_json::to_value(query::openapi()).unwrap();
    let required = |name: &str| contract["components"]["schemas"][name]["required"].clone();
    let row = stage.get("/reports/sales", ANALYST).answer().await.ok();
    for field in required("SalesRow").as_array().unwrap() {
        assert!(row["items"][0].get(field.as_str().unwrap()).is_some(), "{field}");
    }
    let product = stage.get("/products/A", ANALYST).answer().await.ok();
    assert_eq!(required("Product").as_array().unwrap().len(), product.as_object().unwrap().len());
}
