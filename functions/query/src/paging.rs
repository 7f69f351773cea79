//! From a cursor to a place and back, and the link to the next page.

use axum::http::Uri;
use edge::{Params, Problem};
use form_urlencoded::{Serializer, parse};
use ordering_views::{Limit, Page};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Queries, answer::List};

/// Which page of a list is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Paging {
    pub(crate) limit: Limit,
    cursor: Option<String>,
}

impl Paging {
    pub(crate) fn take(params: &mut Params) -> Result<Self, Problem> {
        let limit = params.take("limit")?.unwrap_or_default();
        Ok(Self { limit, cursor: params.take("cursor")? })
    }
}

impl Queries {
    /// The place after which the page starts. `list` is all that a cursor is bound to: the name
    /// of the list, the caller, the filters and the sort.
    pub(crate) fn place<P: DeserializeOwned>(
        &self,
        list: &impl Serialize,
        paging: &Paging,
    ) -> Result<Option<P>, Problem> {
        let place = paging.cursor.as_ref().map(|cursor| self.cursors.open(list, cursor));
        place.transpose().map_err(|bad| {
            Problem::bad_request("bad-cursor", format!("`cursor` {bad}. Start the list anew."))
        })
    }

    /// The answer with this page of `list`, which was asked for as `uri`.
    pub(crate) fn page<T, P: Serialize>(
        &self,
        list: &impl Serialize,
        uri: &Uri,
        page: Page<T, P>,
    ) -> List<T> {
        let next_cursor = page.next.map(|place| self.cursors.seal(list, &place));
        let next = next_cursor.as_deref().map(|cursor| next(uri, cursor));
        List { items: page.items, next_cursor, next }
    }
}

/// The same request with another cursor; relative, as RFC 8288 allows, so that it holds behind
/// any domain.
fn next(uri: &Uri, cursor: &str) -> String {
    let mut query = Serializer::new(String::new());
    let given = parse(uri.query().unwrap_or_default().as_bytes());
    query.extend_pairs(given.filter(|(name, _)| name != "cursor"));
    query.append_pair("cursor", cursor);
    format!("{}?{}", uri.path(), query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_like_this_one() {
        let uri = "https://shop.example/orders?q=a%26b+c&cursor=old&limit=5".parse().unwrap();
        assert_eq!(next(&uri, "new"), "/orders?q=a%26b+c&limit=5&cursor=new");
    }
}
