//! A query string, of which every word must mean something.

use std::{fmt::Display, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::Problem;

/// The parameters of a query string, each to be taken once.
#[derive(Clone, Debug, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Reads a query string as HTML forms write it.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self { pairs: pairs.into_owned().collect() }
    }

    /// Takes a parameter that may be given once.
    ///
    /// # Errors
    /// 400 when it is given twice, or is not a `T`.
    pub fn take<T>(&mut self, name: &str) -> Result<Option<T>, Problem>
    where
        T: FromStr<Err: Display>,
    {
        let mut given = self.take_all(name)?;
        match given.len() {
            0 | 1 => Ok(given.pop()),
            _ => Err(Problem::bad_parameter(name, "may be given once")),
        }
    }

    /// Takes a parameter that may be given again and again.
    ///
    /// # Errors
    /// 400 when one is not a `T`.
    pub fn take_all<T>(&mut self, name: &str) -> Result<Vec<T>, Problem>
    where
        T: FromStr<Err: Display>,
    {
        let (given, rest) = std::mem::take(&mut self.pairs).into_iter().partition(|p| p.0 == name);
        self.pairs = rest;
        let given: Vec<(String, String)> = given;
        let parsed = given.iter().map(|(_, value)| value.parse::<T>());
        parsed
            .collect::<Result<_, _>>()
            .map_err(|error| Problem::bad_parameter(name, format!("is wrong: {error}")))
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// 400 naming a parameter that nobody took.
    pub fn finish(self) -> Result<(), Problem> {
        match self.pairs.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::bad_request(
                "unknown-parameter",
                format!("`{name}` is not a parameter of this query."),
            )),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}
