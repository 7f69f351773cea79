//! A list or a report as rows, a chunk at a time.

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use edge::Problem;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use ordering_views::{Limit, Page};
use serde::Serialize;

use crate::{
    answer::{Answer, put},
    format::Rows,
    table::Tabular,
};

/// What is left of a list.
enum Rest<T, P> {
    /// A page that was read already.
    Page(Page<T, P>),
    /// What comes after a place.
    After(P),
    Nothing,
}

impl Rows {
    /// The answer with these rows and no others.
    pub(crate) fn some<T: Tabular + Serialize>(self, name: &str, things: &[T]) -> Answer<Response> {
        let rows = [self.head::<T>()?, self.chunk(things)?].concat();
        Ok(self.answer(name, Body::from(rows)))
    }

    /// The answer with all rows of a list from its page `first` on.
    ///
    /// Page by page, as a client would, so that nothing is skipped or comes twice, no statement
    /// runs longer than a page takes, and no connection is held while the caller is slow. The
    /// memory that it takes is that of a page.
    pub(crate) fn all<T, P, F, Fut>(self, name: &str, first: Page<T, P>, read: F) -> Response
    where
        T: Tabular + Serialize + Send + 'static,
        P: Send + 'static,
        F: Fn(Option<P>, Limit) -> Fut + Send + 'static,
        Fut: Future<Output = Answer<Page<T, P>>> + Send + 'static,
    {
        let head = stream::once(async move { self.head::<T>() });
        let chunks = head.chain(self.chunks(first, read));
        // an empty chunk would be the end of the body to some servers
        let chunks = chunks.try_filter(|chunk| std::future::ready(!chunk.is_empty()));
        self.answer(name, Body::from_stream(chunks))
    }

    fn chunks<T, P, F, Fut>(self, first: Page<T, P>, read: F) -> impl Stream<Item = Answer<Bytes>>
    where
        T: Tabular + Serialize,
        F: Fn(Option<P>, Limit) -> Fut,
        Fut: Future<Output = Answer<Page<T, P>>>,
    {
        stream::try_unfold((Rest::Page(first), read), move |(rest, read)| async move {
            let page = match rest {
                Rest::Page(page) => page,
                Rest::After(place) => read(Some(place), Limit::EXPORT).await?,
                Rest::Nothing => return Ok::<_, Problem>(None),
            };
            let rest = page.next.map_or(Rest::Nothing, Rest::After);
            Ok(Some((self.chunk(&page.items)?, (rest, read))))
        })
    }

    fn answer(self, name: &str, rows: Body) -> Response {
        let mut response = (StatusCode::OK, rows).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, self.content_type());
        let file = format!("attachment; filename=\"{name}.{}\"", self.extension());
        put(&mut response, header::CONTENT_DISPOSITION, &file);
        response
    }
}
