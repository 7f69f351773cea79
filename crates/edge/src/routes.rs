//! Where the API has something, and what can be done there: both functions answer for all of it,
//! as whatever no route of the gateway knows goes to one of them.

use axum::http::Method;

/// Every path of the API with its methods, in the order of the contract.
pub const ROUTES: &[(&str, &[Method])] = &[
    ("/products", &[Method::GET, Method::POST]),
    ("/products/{sku}", &[Method::GET]),
    ("/products/{sku}/price", &[Method::POST]),
    ("/products/{sku}/stock", &[Method::POST]),
    ("/products/{sku}/discontinue", &[Method::POST]),
    ("/customers", &[Method::POST]),
    ("/customers/{id}", &[Method::GET]),
    ("/customers/{id}/email", &[Method::POST]),
    ("/customers/{id}/erase", &[Method::POST]),
    ("/customers/{id}/orders", &[Method::GET]),
    ("/carts", &[Method::POST]),
    ("/carts/{id}", &[Method::GET]),
    ("/carts/{id}/items", &[Method::POST]),
    ("/carts/{id}/items/{sku}", &[Method::PUT, Method::DELETE]),
    ("/carts/{id}/checkout", &[Method::POST]),
    ("/orders", &[Method::GET]),
    ("/orders/import", &[Method::POST]),
    ("/orders/{id}", &[Method::GET]),
    ("/orders/{id}/pay", &[Method::POST]),
    ("/orders/{id}/ship", &[Method::POST]),
    ("/orders/{id}/deliver", &[Method::POST]),
    ("/orders/{id}/cancel", &[Method::POST]),
    ("/orders/{id}/return", &[Method::POST]),
    ("/streams/{stream}/events", &[Method::GET]),
    ("/projection", &[Method::GET]),
    ("/openapi.json", &[Method::GET]),
    ("/docs", &[Method::GET]),
    ("/docs/{file}", &[Method::GET]),
    ("/reports/sales", &[Method::GET]),
    ("/reports/top-products", &[Method::GET]),
    ("/reports/top-customers", &[Method::GET]),
    ("/reports/bought-together", &[Method::GET]),
    ("/reports/retention", &[Method::GET]),
    ("/reports/fulfilment", &[Method::GET]),
    ("/reports/stock", &[Method::GET]),
];

/// What can be done at a path; `None` where there is nothing.
pub(crate) fn methods(path: &str) -> Option<&'static [Method]> {
    // the one that fits exactly is meant: `/orders/import` is no order
    let exact = ROUTES.iter().find(|(route, _)| *route == path);
    let (_, methods) = exact.or_else(|| ROUTES.iter().find(|(route, _)| fits(route, path)))?;
    Some(methods)
}

/// Methods as the header `Allow` lists them; where there is a `GET`, there is a `HEAD`.
pub(crate) fn listed(methods: &[Method]) -> String {
    let name = |method: &Method| {
        if *method == Method::GET { "GET, HEAD" } else { method.as_str() }.to_owned()
    };
    methods.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Whether there is something at a path, and this is not what can be done with it.
pub(crate) fn refuses(path: &str, method: &Method) -> bool {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    methods(path).is_some_and(|methods| !methods.contains(method))
}

fn fits(route: &str, path: &str) -> bool {
    let same = |(wanted, given): (&str, &str)| {
        wanted == given || (wanted.starts_with('{') && !given.is_empty())
    };
    route.split('/').count() == path.split('/').count()
        && route.split('/').zip(path.split('/')).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_known_by_its_most_exact_route() {
        let allowed = |path| methods(path).map(listed);
        assert_eq!(allowed("/products").as_deref(), Some("GET, HEAD, POST"));
        assert_eq!(allowed("/orders/import").as_deref(), Some("POST"));
        assert_eq!(allowed("/orders/1").as_deref(), Some("GET, HEAD"));
        assert_eq!(allowed("/carts/1/items/A").as_deref(), Some("PUT, DELETE"));
        assert_eq!(allowed("/orders/"), None);
        assert_eq!(allowed("/nothing"), None);
    }
}
