//! `GET /customers/{id}` and `GET /customers/{id}/orders`.

use axum::{extract::State, http::Uri};
use edge::{Caller, Id, Params, Problem, Scope};
use ordering_views::{
    customer::{self, Customer},
    order_history::Order,
};
use uuid::Uuid;

use crate::{
    EVERYBODYS, Queries,
    answer::{Answer, List, Single},
    failure::failed,
    orders::Asking,
};

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

pub(crate) async fn order_history(
    State(queries): State<Queries>,
    caller: Caller,
    Id(id): Id<Uuid>,
    uri: Uri,
    params: Params,
) -> Answer<List<Order>> {
    only_oneself(&caller, EVERYBODYS, id)?;
    let asking = Asking::take(params)?;
    let bound = ("customer-orders", caller.subject.as_str());
    let list = asking.answer(&queries, bound, Some(id), &uri).await?;
    if list.items.is_empty() && !customer::is_known(&queries.pool, id).await.map_err(failed)? {
        return Err(Problem::not_found());
    }
    Ok(list)
}

fn only_oneself(caller: &Caller, beyond: &[Scope], id: Uuid) -> Answer<()> {
    match caller.confined_to(beyond)? {
        Some(customer) if customer != id => Err(Problem::not_found()),
        _ => Ok(()),
    }
}
