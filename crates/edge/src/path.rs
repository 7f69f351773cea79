//! The part of a path that names a thing.

use std::{collections::HashMap, fmt::Display, str::FromStr};

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use crate::Problem;

/// The path's `{id}` or `{sku}`: one that does not parse names nothing, so it answers 404.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id<T>(pub T);

impl<S, T> FromRequestParts<S> for Id<T>
where
    S: Send + Sync,
    T: FromStr<Err: Display>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(named) = Path::<HashMap<String, String>>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::not_found())?;
        let text = ["id", "sku", "stream"].iter().find_map(|name| named.get(*name));
        let parsed = text.and_then(|text| text.parse().ok());
        parsed.map(Self).ok_or_else(Problem::not_found)
    }
}
