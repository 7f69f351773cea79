//! `GET /customers/{id}` and `GET /customers/{id}/orders`.

use axum::{extract::State, http::Uri, response::Response};
use edge::{Caller, Id, Params, Problem, Scope};
use ordering_views::{
    customer::{self, Customer},
    order_history::{Order, OrderPlace},
};
use uuid::Uuid;

use crate::{
    EVERYBODYS, Queries,
    answer::{Answer, List, Single},
    failure::failed,
    format::ListFormat,
    openapi::{OrderParams, PageParams},
    orders::Asking,
};

/// One customer, with what they ordered altogether.
#[utoipa::path(
    get, path = "/customers/{id}", operation_id = "get_customer", tag = "customers",
    params(("id" = Uuid, Path, description = "Which customer.")),
    responses(
        (status = 200, description = "The customer.", body = Customer),
        (status = 304, description = "It is as the caller has it."),
    ),
    security(("token" = ["shop", "staff", "analyst", "import"])),
)]
pub(crate) async fn find(
    State(queries): State<Queries>,
    caller: Caller,
    Id(id): Id<Uuid>,
    params: Params,
) -> Answer<Single<Customer>> {
    only_oneself(&caller, &[EVERYBODYS, &[Scope::Import]].concat(), id)?;
    params.finish()?;
    let found = customer::find(&queries.pool, id).await.map_err(failed)?;
    let thing = found.ok_or_else(Problem::not_found)?;
    Ok(Single { version: thing.version, thing })
}

/// The order history of one customer.
#[utoipa::path(
    get, path = "/customers/{id}/orders", operation_id = "get_order_history", tag = "customers",
    params(("id" = Uuid, Path, description = "Which customer."), OrderParams, PageParams),
    responses((status = 200, description = "A page of their orders.", body = List<Order>)),
    security(("token" = ["shop", "staff", "analyst"])),
)]
pub(crate) async fn order_history(
    State(queries): State<Queries>,
    caller: Caller,
    Id(id): Id<Uuid>,
    (format, uri): (ListFormat, Uri),
    params: Params,
) -> Answer<Response> {
    only_oneself(&caller, EVERYBODYS, id)?;
    let asking = Asking::take(params)?.of(Some(id));
    let (read, pool) = (asking.read(&queries.pool), queries.pool.clone());
    let read_known = move |after: Option<OrderPlace>, limit| {
        let (first, page, pool) = (after.is_none(), read(after, limit), pool.clone());
        async move {
            let page = page.await?;
            if first
                && page.items.is_empty()
                && !customer::is_known(&pool, id).await.map_err(failed)?
            {
                return Err(Problem::not_found());
            }
            Ok(page)
        }
    };
    let bound = ("customer-orders", caller.subject.as_str());
    queries.list(asking.listing(bound, (format, uri)), read_known).await
}

fn only_oneself(caller: &Caller, beyond: &[Scope], id: Uuid) -> Answer<()> {
    match caller.confined_to(beyond)? {
        Some(customer) if customer != id => Err(Problem::not_found()),
        _ => Ok(()),
    }
}
