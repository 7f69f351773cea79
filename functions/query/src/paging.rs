//! Lists: from a cursor to a place and back, and the answer with a page, or with all that follows.

use axum::{
    http::Uri,
    response::{IntoResponse, Response},
};
use edge::{Params, Problem};
use form_urlencoded::{Serializer, parse};
use futures::future::BoxFuture;
use ordering_views::{Limit, Page};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Queries,
    answer::{Answer, List, link_to},
    format::ListFormat,
    table::Tabular,
};

/// Which page of a list is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Paging {
    limit: Option<Limit>,
    cursor: Option<String>,
}

impl Paging {
    pub(crate) fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self { limit: params.take("limit")?, cursor: params.take("cursor")? })
    }
}

/// A page that is being read.
pub(crate) type Reading<T, P> = BoxFuture<'static, Answer<Page<T, P>>>;

/// A list as it is asked for.
#[derive(Debug)]
pub(crate) struct Listing<L> {
    /// What it is called.
    pub(crate) name: &'static str,
    /// All that a cursor is bound to: the name, the caller, the filters and the sort.
    pub(crate) bound: L,
    pub(crate) paging: Paging,
    pub(crate) format: ListFormat,
    /// As what it was asked for.
    pub(crate) uri: Uri,
}

impl Queries {
    /// Answers a list, of which `read` reads what comes after a place.
    ///
    /// As JSON that is a page. As rows it is a page if a limit was given, and else all that
    /// follows: whoever opens a list in a spreadsheet does not want twenty of it.
    pub(crate) async fn list<L, T, P, F, Fut>(&self, asked: Listing<L>, read: F) -> Answer<Response>
    where
        L: Serialize,
        T: Tabular + Serialize + Send + 'static,
        P: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(Option<P>, Limit) -> Fut + Send + 'static,
        Fut: Future<Output = Answer<Page<T, P>>> + Send + 'static,
    {
        let after = self.place(&asked)?;
        let (rows, limit) = match (asked.format, asked.paging.limit) {
            (ListFormat::Rows(rows), None) => {
                let first = read(after, Limit::EXPORT).await?;
                return Ok(rows.all(asked.name, first, read));
            }
            (ListFormat::Rows(rows), Some(limit)) => (Some(rows), limit),
            (ListFormat::Json, limit) => (None, limit.unwrap_or_default()),
        };
        let Page { items, next } = read(after, limit).await?;
        let next_cursor = next.map(|place| self.cursors.seal(&asked.bound, &place));
        let link = next_cursor.as_deref().map(|cursor| with_cursor(&asked.uri, cursor));
        let mut response = match rows {
            Some(rows) => rows.some(asked.name, &items)?,
            None => List { items, next_cursor }.into_response(),
        };
        link_to(&mut response, link.as_deref());
        Ok(response)
    }

    /// The place after which the list goes on.
    fn place<L: Serialize, P: DeserializeOwned>(&self, asked: &Listing<L>) -> Answer<Option<P>> {
        let cursor = asked.paging.cursor.as_ref();
        let place = cursor.map(|cursor| self.cursors.open(&asked.bound, cursor));
        place.transpose().map_err(|bad| {
            Problem::bad_request("bad-cursor", format!("`cursor` {bad}. Start the list anew."))
        })
    }
}

/// The same request with another cursor; relative, as RFC 8288 allows, so that it holds behind
/// any domain.
fn with_cursor(uri: &Uri, cursor: &str) -> String {
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
        assert_eq!(with_cursor(&uri, "new"), "/orders?q=a%26b+c&limit=5&cursor=new");
    }
}
