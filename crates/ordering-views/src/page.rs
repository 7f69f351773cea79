//! One page of a list, by keyset: what comes after a place in the order, never an offset.

use std::str::FromStr;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// How many items a page has at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u16);

/// A text that is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be a whole number from 1 to {}", Limit::MOST)]
pub struct BadLimit;

impl Limit {
    /// The most items of a page.
    pub const MOST: u16 = 100;

    /// What a list that is exported whole is read by: large enough that the statements cost
    /// little beside the rows, and small enough to be held in memory.
    pub const EXPORT: Self = Self(500);

    /// As many as fit.
    pub(crate) fn most(self) -> i64 {
        i64::from(self.0)
    }

    /// One more than fits, which tells whether there is a next page.
    pub(crate) fn and_one(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl ToSchema for Limit {}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        let limit = ObjectBuilder::new().schema_type(Type::Integer);
        limit.minimum(Some(1)).maximum(Some(Self::MOST)).into()
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl FromStr for Limit {
    type Err = BadLimit;

    fn from_str(text: &str) -> Result<Self, BadLimit> {
        match text.parse() {
            Ok(limit @ 1..=Self::MOST) => Ok(Self(limit)),
            _ => Err(BadLimit),
        }
    }
}

/// A page, and the place after which the next one starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T, P> {
    /// What is on it.
    pub items: Vec<T>,
    /// The place of the last item, if something follows it.
    pub next: Option<P>,
}

impl<T, P> Page<T, P> {
    /// Cuts what [`Limit::and_one`] found to the page that was asked for.
    pub(crate) fn cut(mut found: Vec<T>, limit: Limit, place: impl Fn(&T) -> P) -> Self {
        let fits = usize::from(limit.0);
        let more = found.len() > fits;
        found.truncate(fits);
        let next = found.last().filter(|_| more).map(place);
        Self { items: found, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_from_1_to_100_items() {
        for good in ["1", "20", "100"] {
            assert!(good.parse::<Limit>().is_ok(), "{good}");
        }
        for bad in ["", "0", "101", "-1", "1.5", "x", "99999999999999999999"] {
            assert_eq!(bad.parse::<Limit>(), Err(BadLimit), "{bad:?}");
        }
    }

    #[test]
    fn only_a_page_with_something_after_it_has_a_next_place() {
        let limit = Limit(2);
        let full = Page::cut(vec!['a', 'b', 'c'], limit, |item| *item);
        assert_eq!(full, Page { items: vec!['a', 'b'], next: Some('b') });
        let last = Page::cut(vec!['a', 'b'], limit, |item| *item);
        assert_eq!(last, Page { items: vec!['a', 'b'], next: None });
    }
}
