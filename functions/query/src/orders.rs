//! `GET /orders` and `GET /orders/{id}`.

use axum::{extract::State, http::Uri, response::Response};
use edge::{Caller, Id, Params, Problem};
use ordering_views::{
    Limit, Status,
    order_history::{self, Order, OrderFilter, OrderPlace, OrderSort, OrderWithTimeline},
};
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    EVERYBODYS, Queries,
    answer::{Answer, List, Single},
    failure::{failed, too_slow_unless},
    format::ListFormat,
    openapi::{OrderParams, PageParams, Whose},
    paging::{Listing, Paging, Reading},
    parameters::{Word, take_moment, take_name, take_word},
};

/// What to ask for where a list takes too long.
const NARROWER: &str = "Add a filter, such as `customer_id` or a shorter time from `placed_from` to \
     `placed_to`, or a rarer word to `q`.";

/// One order, with its lines and its timeline.
#[utoipa::path(
    get, path = "/orders/{id}", operation_id = "get_order", tag = "orders",
    params(("id" = Uuid, Path, description = "Which order.")),
    responses(
        (status = 200, description = "The order.", body = OrderWithTimeline),
        (status = 304, description = "It is as the caller has it."),
    ),
    security(("token" = ["shop", "staff", "analyst"])),
)]
pub(crate) async fn find(
    State(queries): State<Queries>,
    caller: Caller,
    Id(id): Id<Uuid>,
    params: Params,
) -> Answer<Single<OrderWithTimeline>> {
    let confined = caller.confined_to(EVERYBODYS)?;
    params.finish()?;
    let found = order_history::find(&queries.pool, id).await.map_err(failed)?;
    let mine = |found: &OrderWithTimeline| {
        confined.is_none_or(|customer| customer == found.order.customer_id)
    };
    let thing = found.filter(mine).ok_or_else(Problem::not_found)?;
    Ok(Single { version: thing.order.version, thing })
}

/// Orders, the newest first unless `sort` says otherwise.
///
/// A customer gets their own; asking for somebody else's is as if there were none such.
#[utoipa::path(
    get, path = "/orders", operation_id = "list_orders", tag = "orders",
    params(Whose, OrderParams, PageParams),
    responses((status = 200, description = "A page of orders.", body = List<Order>)),
    security(("token" = ["shop", "staff", "analyst"])),
)]
pub(crate) async fn list(
    State(queries): State<Queries>,
    caller: Caller,
    (format, uri): (ListFormat, Uri),
    mut params: Params,
) -> Answer<Response> {
    let confined = caller.confined_to(EVERYBODYS)?;
    let asked: Option<Uuid> = params.take("customer_id")?;
    let asking = Asking::take(params)?;
    if let (Some(customer), Some(asked)) = (confined, asked)
        && customer != asked
    {
        return Err(Problem::not_found());
    }
    let asking = asking.of(asked.or(confined));
    let read = asking.read(&queries.pool);
    let bound = ("orders", caller.subject.as_str());
    queries.list(asking.listing(bound, (format, uri)), read).await
}

/// What is asked for of a list of orders, but for whose.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    filter: OrderFilter,
    sort: OrderSort,
    paging: Paging,
}

impl Asking {
    /// Reads all that is left of the parameters.
    pub(crate) fn take(mut params: Params) -> Answer<Self> {
        let filter = OrderFilter {
            customer_id: None,
            statuses: take_statuses(&mut params)?,
            placed_from: take_moment(&mut params, "placed_from")?,
            placed_to: take_moment(&mut params, "placed_to")?,
            sku: params.take("sku")?,
            department: take_name(&mut params, "department")?,
            min_total_cents: params.take("min_total_cents")?,
            max_total_cents: params.take("max_total_cents")?,
            q: params.take("q")?.unwrap_or_default(),
        };
        let sort = take_word(&mut params, "sort")?;
        let paging = Paging::take(&mut params)?;
        params.finish()?;
        Ok(Self { filter, sort, paging })
    }

    /// The same of one customer only.
    pub(crate) fn of(mut self, customer_id: Option<Uuid>) -> Self {
        self.filter.customer_id = customer_id;
        self
    }

    /// What reads the list from a place on.
    pub(crate) fn read(
        &self,
        pool: &PgPool,
    ) -> impl Fn(Option<OrderPlace>, Limit) -> Reading<Order, OrderPlace> + Send + use<> {
        let (pool, filter, sort) = (pool.clone(), self.filter.clone(), self.sort);
        move |after, limit| {
            let (pool, filter) = (pool.clone(), filter.clone());
            Box::pin(async move {
                let page = order_history::list(&pool, &filter, sort, (after, limit)).await;
                page.map_err(too_slow_unless(NARROWER))
            })
        }
    }

    /// The list. A cursor is bound to the name and the caller in `bound`, too.
    pub(crate) fn listing<'a>(
        &'a self,
        bound: (&'a str, &'a str),
        (format, uri): (ListFormat, Uri),
    ) -> Listing<impl Serialize + use<'a>> {
        let bound = (bound, &self.filter, self.sort);
        Listing { name: "orders", bound, paging: self.paging.clone(), format, uri }
    }
}

/// In one order and each once, so that a cursor does not depend on how they were written.
fn take_statuses(params: &mut Params) -> Answer<Vec<Status>> {
    let given = params.take_all::<Word<Status>>("status")?;
    let mut statuses: Vec<_> = given.into_iter().map(|word| word.0).collect();
    statuses.sort_by_key(|status| status.as_str());
    statuses.dedup();
    Ok(statuses)
}
