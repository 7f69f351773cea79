//! `GET /reports/...`.

use axum::extract::State;
use chrono::Utc;
use edge::{Caller, Params, Problem, Scope};
use ordering_views::{
    Limit, Sku, Timestamp,
    bought_together::{self, BoughtTogether},
    fulfilment::{self, FulfilmentRow},
    low_stock::{self, LowStock},
    retention::{self, Cohort},
    sales::{self, SalesRow},
    top_customers::{self, TopCustomer},
    top_products::{self, TopProduct},
};

use crate::{
    Queries,
    answer::{Answer, List},
    failure::too_slow_unless,
    parameters::{take_moment, take_needed, take_word},
};

/// With less than so many pieces a product is low on stock, unless `below` says otherwise.
const LOW: u32 = 10;

/// What to ask for where a report takes too long.
const SHORTER: &str = "Ask for a shorter time from `from` to `to`.";
const RARER: &str = "Ask for a `sku` that is in fewer orders.";
const NOT_NARROWED: &str =
    "It reads all orders and cannot be narrowed: try again when less is going on.";

/// Without `from` and `to` it covers all time; without `by` it goes by month.
pub(crate) async fn sales(
    State(queries): State<Queries>,
    caller: Caller,
    mut params: Params,
) -> Answer<List<SalesRow>> {
    only_analysts(&caller)?;
    let (from, to) = take_period(&mut params)?;
    let by = take_word(&mut params, "by")?;
    params.finish()?;
    let rows = sales::sales(&queries.pool, by, from, to).await;
    rows.map(List::whole).map_err(too_slow_unless(SHORTER))
}

pub(crate) async fn top_products(
    State(queries): State<Queries>,
    caller: Caller,
    mut params: Params,
) -> Answer<List<TopProduct>> {
    only_analysts(&caller)?;
    let (from, to) = take_period(&mut params)?;
    let limit = take_limit(&mut params)?;
    params.finish()?;
    let rows = top_products::top_products(&queries.pool, from, to, limit).await;
    rows.map(List::whole).map_err(too_slow_unless(SHORTER))
}

pub(crate) async fn top_customers(
    State(queries): State<Queries>,
    caller: Caller,
    mut params: Params,
) -> Answer<List<TopCustomer>> {
    only_analysts(&caller)?;
    let (from, to) = take_period(&mut params)?;
    let limit = take_limit(&mut params)?;
    params.finish()?;
    let rows = top_customers::top_customers(&queries.pool, from, to, limit).await;
    rows.map(List::whole).map_err(too_slow_unless(SHORTER))
}

pub(crate) async fn bought_together(
    State(queries): State<Queries>,
    caller: Caller,
    mut params: Params,
) -> Answer<List<BoughtTogether>> {
    only_analysts(&caller)?;
    let sku: Sku = take_needed(&mut params, "sku")?;
    let limit = take_limit(&mut params)?;
    params.finish()?;
    let rows = bought_together::bought_together(&queries.pool, &sku, limit).await;
    rows.map(List::whole).map_err(too_slow_unless(RARER))
}

pub(crate) async fn retention(
    State(queries): State<Queries>,
    caller: Caller,
    params: Params,
) -> Answer<List<Cohort>> {
    only_analysts(&caller)?;
    params.finish()?;
    let rows = retention::retention(&queries.pool).await;
    rows.map(List::whole).map_err(too_slow_unless(NOT_NARROWED))
}

pub(crate) async fn fulfilment(
    State(queries): State<Queries>,
    caller: Caller,
    mut params: Params,
) -> Answer<List<FulfilmentRow>> {
    only_analysts(&caller)?;
    let (from, to) = take_period(&mut params)?;
    params.finish()?;
    let rows = fulfilment::fulfilment(&queries.pool, from, to).await;
    rows.map(List::whole).map_err(too_slow_unless(SHORTER))
}

pub(crate) async fn stock(
    State(queries): State<Queries>,
    caller: Caller,
    mut params: Params,
) -> Answer<List<LowStock>> {
    only_analysts(&caller)?;
    let below = params.take::<u32>("below")?.unwrap_or(LOW);
    let limit = take_limit(&mut params)?;
    params.finish()?;
    let rows = low_stock::low_stock(&queries.pool, below.into(), Utc::now(), limit).await;
    rows.map(List::whole).map_err(too_slow_unless(NOT_NARROWED))
}

fn only_analysts(caller: &Caller) -> Answer<()> {
    if caller.may(&[Scope::Analyst]) {
        Ok(())
    } else {
        Err(Problem::forbidden("Reports take the scope `analyst`."))
    }
}

fn take_period(params: &mut Params) -> Answer<(Option<Timestamp>, Option<Timestamp>)> {
    Ok((take_moment(params, "from")?, take_moment(params, "to")?))
}

fn take_limit(params: &mut Params) -> Answer<Limit> {
    Ok(params.take("limit")?.unwrap_or_default())
}
