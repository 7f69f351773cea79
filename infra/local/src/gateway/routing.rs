//! Which route takes a request: API Gateway's rules ("Routing API requests" in its guide).

use std::collections::BTreeMap;

use axum::http::Method;

use crate::template::{Route, RouteKey};

/// The routes of an API.
#[derive(Debug)]
pub(crate) struct Routes(Vec<Route>);

/// A route, and what its variables stand for.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) route: &'a Route,
    pub(crate) variables: BTreeMap<String, String>,
}

/// How general a segment of a pattern is; the most special route wins, from the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Generality {
    Literal,
    Variable,
    Greedy,
}

impl Routes {
    pub(crate) fn new(routes: Vec<Route>) -> Self {
        Self(routes)
    }

    /// The most special route for a request; `$default` only if there is no other.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<Found<'_>> {
        let fitting = self.0.iter().filter_map(|route| {
            let RouteKey::On { method: on, path: pattern } = &route.key else { return None };
            if on.as_ref().is_some_and(|on| on != method) {
                return None;
            }
            let (generality, variables) = fit(pattern, path)?;
            Some(((generality, on.is_none()), Found { route, variables }))
        });
        let best = fitting.min_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, found)| found);
        best.or_else(|| {
            let route = self.0.iter().find(|route| route.key == RouteKey::Default)?;
            Some(Found { route, variables: BTreeMap::new() })
        })
    }
}

fn fit(pattern: &str, path: &str) -> Option<(Vec<Generality>, BTreeMap<String, String>)> {
    let mut segments = path.split('/');
    let (mut generality, mut variables) = (Vec::new(), BTreeMap::new());
    for expected in pattern.split('/') {
        let found = segments.next()?;
        match expected.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(_) if found.is_empty() => return None,
            Some(name) => match name.strip_suffix('+') {
                Some(name) => {
                    let rest = std::iter::once(found).chain(segments).collect::<Vec<_>>().join("/");
                    variables.insert(name.to_owned(), rest);
                    generality.push(Generality::Greedy);
                    return Some((generality, variables));
                }
                None => {
                    variables.insert(name.to_owned(), found.to_owned());
                    generality.push(Generality::Variable);
                }
            },
            None if expected == found => generality.push(Generality::Literal),
            None => return None,
        }
    }
    segments.next().is_none().then_some((generality, variables))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(keys: &[&str]) -> Routes {
        Routes::new(
            keys.iter()
                .map(|key| {
                    let key = match key.split_once(' ') {
                        Some((method, path)) => RouteKey::On {
                            method: (method != "ANY")
                                .then(|| method.parse().expect("it is a method")),
                            path: path.to_owned(),
                        },
                        None => RouteKey::Default,
                    };
                    Route { key, function: String::new(), scopes: Vec::new(), needs_token: true }
                })
                .collect(),
        )
    }

    #[test]
    fn the_most_special_route_wins_wherever_it_stands() {
        let routes = routes(&[
            "ANY /{rest+}",
            "$default",
            "POST /orders/{id}",
            "ANY /orders/import",
            "POST /orders/import",
            "POST /{thing}/import",
        ]);
        for (method, path, expected) in [
            (Method::POST, "/orders/import", "POST /orders/import"),
            (Method::PUT, "/orders/import", "ANY /orders/import"),
            (Method::POST, "/orders/7", "POST /orders/{id}"),
            (Method::POST, "/carts/import", "POST /{thing}/import"),
            (Method::GET, "/orders/7", "ANY /{rest+}"),
            (Method::GET, "/", "$default"),
        ] {
            let found = routes.find(&method, path).expect("there is a default");
            assert_eq!(found.route.key.to_string(), expected, "{method} {path}");
        }
    }

    #[test]
    fn variables_stand_for_whole_segments_and_never_for_nothing() {
        let routes = routes(&["PUT /carts/{id}/items/{sku}"]);
        let found = routes.find(&Method::PUT, "/carts/c 1/items/s").expect("it fits");
        assert_eq!(
            found.variables,
            BTreeMap::from([
                ("id".to_owned(), "c 1".to_owned()),
                ("sku".to_owned(), "s".to_owned())
            ])
        );
        for path in
            ["/carts//items/s", "/carts/c/items/s/", "/carts/c/items", "/carts/c/items/s/more"]
        {
            assert!(routes.find(&Method::PUT, path).is_none(), "{path}");
        }
    }
}
