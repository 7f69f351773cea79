//! `GET /orders` and `GET /orders/{id}`.

use axum::{extract::State, http::Uri};
use edge::{Caller, Id, Params, Problem};
use ordering_views::{
    Status,
    order_history::{self, Order, OrderFilter, OrderSort, OrderWithTimeline},
};
use uuid::Uuid;

use crate::{
    EVERYBODYS, Queries,
    answer::{Answer, List, Single},
    failure::failed,
    paging::Paging,
    parameters::{Word, take_moment, take_name, take_search, take_word},
};

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

/// A customer gets their own orders; asking for somebody else's is as if there were none such.
pub(crate) async fn list(
    State(queries): State<Queries>,
    caller: Caller,
    uri: Uri,
    mut params: Params,
) -> Answer<List<Order>> {
    let confined = caller.confined_to(EVERYBODYS)?;
    let asked: Option<Uuid> = params.take("customer_id")?;
    let asking = Asking::take(params)?;
    if let (Some(customer), Some(asked)) = (confined, asked)
        && customer != asked
    {
        return Err(Problem::not_found());
    }
    asking.answer(&queries, ("orders", &caller.subject), asked.or(confined), &uri).await
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
            q: take_search(&mut params)?,
        };
        let sort = take_word(&mut params, "sort")?;
        let paging = Paging::take(&mut params)?;
        params.finish()?;
        Ok(Self { filter, sort, paging })
    }

    /// The page that is asked for. A cursor is bound to the list and the caller in `bound`.
    pub(crate) async fn answer(
        mut self,
        queries: &Queries,
        bound: (&str, &str),
        customer_id: Option<Uuid>,
        uri: &Uri,
    ) -> Answer<List<Order>> {
        self.filter.customer_id = customer_id;
        let list = (bound, &self.filter, self.sort);
        let after = queries.place(&list, &self.paging)?;
        let page = (after, self.paging.limit);
        let found = order_history::list(&queries.pool, &self.filter, self.sort, page).await;
        Ok(queries.page(&list, uri, found.map_err(failed)?))
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
