//! `GET /streams/{stream}/events`.

use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use chrono::SecondsFormat;
use edge::{Caller, Id, Params, Problem};
use ordering_views::{
    Removal, Sku, StreamId, Timestamp,
    audit_trail::{self, AuditedEvent, EventPlace},
    cart, order_history, removal,
};
use uuid::Uuid;

use crate::{
    EVERYBODYS, Queries,
    answer::{Answer, List},
    failure::failed,
    format::ListFormat,
    openapi::PageParams,
    paging::{Listing, Paging},
};

/// The audit trail of one stream, the oldest event first. A customer sees their own streams.
#[utoipa::path(
    get, path = "/streams/{stream}/events", operation_id = "get_audit_trail", tag = "operations",
    params(
        (
            "stream" = String,
            Path,
            description = "`product-<sku>`, `customer-<id>`, `cart-<id>` or `order-<id>`.",
        ),
        PageParams,
    ),
    responses((status = 200, description = "A page of its events.", body = List<AuditedEvent>)),
    security(("token" = ["shop", "staff", "analyst"])),
)]
pub(crate) async fn events(
    State(queries): State<Queries>,
    caller: Caller,
    Id(stream): Id<StreamId>,
    (format, uri): (ListFormat, Uri),
    mut params: Params,
) -> Answer<Response> {
    let confined = caller.confined_to(EVERYBODYS)?;
    let paging = Paging::take(&mut params)?;
    params.finish()?;
    let about = About::of(&stream).ok_or_else(Problem::not_found)?;
    if confined.is_some() && confined != about.owner(&queries).await? {
        return Err(Problem::not_found());
    }
    let bound = (("events", caller.subject.as_str()), stream.clone());
    let listing = Listing { name: "events", bound, paging, format, uri };
    let pool = queries.pool.clone();
    let read = move |after: Option<EventPlace>, limit| {
        let (pool, stream) = (pool.clone(), stream.clone());
        async move {
            let page = audit_trail::list(&pool, &stream, after, limit).await.map_err(failed)?;
            if page.items.is_empty() {
                if let Some((removal, at)) = removal(&pool, &stream).await.map_err(failed)? {
                    return Err(gone(removal, at));
                }
                // Every stream has a first event.
                if after.is_none() {
                    return Err(Problem::not_found());
                }
            }
            Ok(page)
        }
    };
    queries.list(listing, read).await
}

fn gone(removal: Removal, at: Timestamp) -> Problem {
    let (kind, title) = match removal {
        Removal::Erased => ("erased", "It was erased"),
        Removal::Expired => ("expired", "It has expired"),
    };
    let detail = format!("That was at {}.", at.to_rfc3339_opts(SecondsFormat::Millis, true));
    Problem::new(StatusCode::GONE, kind, title, detail)
}

/// What a stream is about. Other streams, such as claims on an address, are nobody's business.
enum About {
    Product,
    Customer(Uuid),
    Cart(Uuid),
    Order(Uuid),
}

impl About {
    fn of(stream: &StreamId) -> Option<Self> {
        let id = || stream.id().parse::<Uuid>().ok();
        match stream.category() {
            "product" => stream.id().parse::<Sku>().ok().map(|_| Self::Product),
            "customer" => id().map(Self::Customer),
            "cart" => id().map(Self::Cart),
            "order" => id().map(Self::Order),
            _ => None,
        }
    }

    /// The customer whose stream it is.
    async fn owner(&self, queries: &Queries) -> Answer<Option<Uuid>> {
        let owner = match self {
            Self::Product => Ok(None),
            Self::Customer(id) => Ok(Some(*id)),
            Self::Cart(id) => cart::owner(&queries.pool, *id).await,
            Self::Order(id) => order_history::owner(&queries.pool, *id).await,
        };
        owner.map_err(failed)
    }
}
