//! What people type to find something, as Postgres searches for it.

use std::{collections::BTreeSet, convert::Infallible, str::FromStr};

use serde::Serialize;

use crate::words::words;

/// Words that must all be there; of the last one a beginning is enough.
///
/// A text without any word, such as `%&/`, filters nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Search {
    words: Vec<String>,
}

impl Search {
    /// One `tsquery` a word. Words are letters and digits only, so quoting them is enough.
    pub(crate) fn queries(&self) -> impl Iterator<Item = String> {
        let last = self.words.len().saturating_sub(1);
        self.words.iter().enumerate().map(move |(place, word)| {
            let prefix = if place == last { ":*" } else { "" };
            format!("'{word}'{prefix}")
        })
    }

    /// Whether it finds everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// All words in one `tsquery`, for a row that must have all of them itself.
    pub(crate) fn query(&self) -> Option<String> {
        let queries: Vec<_> = self.queries().collect();
        (!self.is_empty()).then(|| queries.join(" & "))
    }
}

impl FromStr for Search {
    type Err = Infallible;

    /// Reads what was typed, as [`words`] reads a row. A word that comes twice counts once.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let mut typed = words(text);
        let last = typed.pop();
        let mut seen = BTreeSet::new();
        typed.retain(|word| seen.insert(word.clone()));
        typed.extend(last);
        Ok(Self { words: typed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Option<String> {
        let Ok(search) = text.parse::<Search>();
        search.query()
    }

    #[test]
    fn the_beginning_of_the_last_word_is_enough() {
        assert_eq!(query("Hot JALAPEÑO ch").as_deref(), Some("'hot' & 'jalapeno' & 'ch':*"));
        assert_eq!(query("milk milk mil").as_deref(), Some("'milk' & 'mil':*"));
    }

    #[test]
    fn punctuation_alone_searches_for_nothing() {
        assert_eq!(query(" %&/'\\\0:*!()|"), None);
    }

    #[test]
    fn no_operator_of_postgres_gets_through() {
        assert_eq!(query("a' | !b:* <-> \\c").as_deref(), Some("'a' & 'b' & 'c':*"));
    }
}
