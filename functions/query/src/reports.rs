//! `GET /reports/...`.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{TimeDelta, Utc};
use edge::{Caller, Params, Problem, Scope};
use ordering_views::{
    Limit, Sku, Timestamp,
    bought_together::{self, BoughtTogether},
    fulfilment::{self, FulfilmentRow},
    low_stock::{self, LowStock},
    retention::{self, Cohort},
    sales::{self, SalesBy, SalesRow},
    top_customers::{self, TopCustomer},
    top_products::{self, TopProduct},
};

use crate::{
    Queries,
    answer::{Answer, List},
    chart::reports as chart,
    failure::too_slow_unless,
    format::ReportFormat,
    openapi::PeriodParams,
    parameters::{take_moment, take_needed, take_word},
};

/// With less than so many pieces a product is low on stock, unless `below` says otherwise.
const LOW: u32 = 10;

/// The longest period that is asked for: ten years. Without a beginning or an end, it is the shop's.
const LONGEST_PERIOD: TimeDelta = TimeDelta::days(3_660);

/// What to ask for where a report takes too long.
const SHORTER: &str = "Ask for a shorter time from `from` to `to`.";
const RARER: &str = "Ask for a `sku` that is in fewer orders.";
const NOT_NARROWED: &str =
    "It reads all orders and cannot be narrowed: try again when less is going on.";

/// What was sold and what came back; over all time unless `from` and `to` say otherwise.
#[utoipa::path(
    get, path = "/reports/sales", operation_id = "report_sales", tag = "reports",
    params(
        PeriodParams,
        (
            "by" = inline(Option<SalesBy>),
            Query,
            description = "What a row stands for; `month` unless said.",
        ),
    ),
    responses(
        (
            status = 200,
            description = "A row a bucket with a sale or a return in it, sorted by bucket.",
            body = List<SalesRow>,
        ),
    ),
    security(("token" = ["analyst"])),
)]
pub(crate) async fn sales(
    State(queries): State<Queries>,
    caller: Caller,
    format: ReportFormat,
    mut params: Params,
) -> Answer<Response> {
    only_analysts(&caller)?;
    let (from, to) = take_period(&mut params)?;
    let by: SalesBy = take_word(&mut params, "by")?;
    params.finish()?;
    let rows = sales::sales(&queries.pool, by, from, to).await;
    let rows = rows.map_err(too_slow_unless(SHORTER))?;
    format.answer("sales", rows, |rows| chart::sales(rows, by, &chart::period(from, to)))
}

/// The products with the largest net sales.
#[utoipa::path(
    get, path = "/reports/top-products", operation_id = "report_top_products", tag = "reports",
    params(
        PeriodParams,
        ("limit" = inline(Option<Limit>), Query, description = "How many rows; 20 unless said."),
    ),
    responses((status = 200, description = "The largest first.", body = List<TopProduct>)),
    security(("token" = ["analyst"])),
)]
pub(crate) async fn top_products(
    State(queries): State<Queries>,
    caller: Caller,
    format: ReportFormat,
    mut params: Params,
) -> Answer<Response> {
    only_analysts(&caller)?;
    let (from, to) = take_period(&mut params)?;
    let limit = take_limit(&mut params)?;
    params.finish()?;
    let rows = top_products::top_products(&queries.pool, from, to, limit).await;
    let rows = rows.map_err(too_slow_unless(SHORTER))?;
    format.answer("top-products", rows, |rows| chart::top_products(rows, &chart::period(from, to)))
}

/// The customers with the largest net sales.
#[utoipa::path(
    get, path = "/reports/top-customers", operation_id = "report_top_customers", tag = "reports",
    params(
        PeriodParams,
        ("limit" = inline(Option<Limit>), Query, description = "How many rows; 20 unless said."),
    ),
    responses((status = 200, description = "The largest first.", body = List<TopCustomer>)),
    security(("token" = ["analyst"])),
)]
pub(crate) async fn top_customers(
    State(queries): State<Queries>,
    caller: Caller,
    format: ReportFormat,
    mut params: Params,
) -> Answer<Response> {
    only_analysts(&caller)?;
    let (from, to) = take_period(&mut params)?;
    let limit = take_limit(&mut params)?;
    params.finish()?;
    let rows = top_customers::top_customers(&queries.pool, from, to, limit).await;
    let rows = rows.map_err(too_slow_unless(SHORTER))?;
    format
        .answer("top-customers", rows, |rows| chart::top_customers(rows, &chart::period(from, to)))
}

/// What else is in the orders that a product is in.
#[utoipa::path(
    get, path = "/reports/bought-together", operation_id = "report_bought_together", tag = "reports",
    params(
        ("sku" = Sku, Query, description = "Together with which product."),
        ("limit" = inline(Option<Limit>), Query, description = "How many rows; 20 unless said."),
    ),
    responses(
        (status = 200, description = "The most frequent first.", body = List<BoughtTogether>),
    ),
    security(("token" = ["analyst"])),
)]
pub(crate) async fn bought_together(
    State(queries): State<Queries>,
    caller: Caller,
    format: ReportFormat,
    mut params: Params,
) -> Answer<Response> {
    only_analysts(&caller)?;
    let sku: Sku = take_needed(&mut params, "sku")?;
    let limit = take_limit(&mut params)?;
    params.finish()?;
    let rows = bought_together::bought_together(&queries.pool, &sku, limit).await;
    let rows = rows.map_err(too_slow_unless(RARER))?;
    format.answer("bought-together", rows, |rows| chart::bought_together(rows, sku.as_str()))
}

/// Monthly cohorts by first order: the share that ordered again in each later month.
#[utoipa::path(
    get, path = "/reports/retention", operation_id = "report_retention", tag = "reports",
    responses(
        (status = 200, description = "A row a month, the oldest first.", body = List<Cohort>),
    ),
    security(("token" = ["analyst"])),
)]
pub(crate) async fn retention(
    State(queries): State<Queries>,
    caller: Caller,
    format: ReportFormat,
    params: Params,
) -> Answer<Response> {
    only_analysts(&caller)?;
    params.finish()?;
    let rows = retention::retention(&queries.pool).await;
    let rows = rows.map_err(too_slow_unless(NOT_NARROWED))?;
    format.answer("retention", rows, chart::retention)
}

/// How long orders take from one step to the next.
#[utoipa::path(
    get, path = "/reports/fulfilment", operation_id = "report_fulfilment", tag = "reports",
    params(PeriodParams),
    responses(
        (
            status = 200,
            description = "A row a step that an order took.",
            body = List<FulfilmentRow>,
        ),
    ),
    security(("token" = ["analyst"])),
)]
pub(crate) async fn fulfilment(
    State(queries): State<Queries>,
    caller: Caller,
    format: ReportFormat,
    mut params: Params,
) -> Answer<Response> {
    only_analysts(&caller)?;
    let (from, to) = take_period(&mut params)?;
    params.finish()?;
    let rows = fulfilment::fulfilment(&queries.pool, from, to).await;
    let rows = rows.map_err(too_slow_unless(SHORTER))?;
    format.answer("fulfilment", rows, |rows| chart::fulfilment(rows, &chart::period(from, to)))
}

/// Products that run out, at the pace of the last 28 days.
#[utoipa::path(
    get, path = "/reports/stock", operation_id = "report_stock", tag = "reports",
    params(
        (
            "below" = Option<u32>,
            Query,
            format = Int64,
            maximum = 4_294_967_295_u32,
            description = "Fewer pieces than this are low; 10 unless said.",
        ),
        ("limit" = inline(Option<Limit>), Query, description = "How many rows; 20 unless said."),
    ),
    responses(
        (status = 200, description = "What runs out first comes first.", body = List<LowStock>),
    ),
    security(("token" = ["analyst"])),
)]
pub(crate) async fn stock(
    State(queries): State<Queries>,
    caller: Caller,
    format: ReportFormat,
    mut params: Params,
) -> Answer<Response> {
    only_analysts(&caller)?;
    let below = params.take::<u32>("below")?.unwrap_or(LOW);
    let limit = take_limit(&mut params)?;
    params.finish()?;
    let rows = low_stock::low_stock(&queries.pool, below.into(), Utc::now(), limit).await;
    let rows = rows.map_err(too_slow_unless(NOT_NARROWED))?;
    format.answer("stock", rows, |rows| chart::stock(rows, below))
}

fn only_analysts(caller: &Caller) -> Answer<()> {
    if caller.may(&[Scope::Analyst]) {
        Ok(())
    } else {
        Err(Problem::forbidden("Reports take the scope `analyst`."))
    }
}

/// From when to when; ten years at most, where both are said.
fn take_period(params: &mut Params) -> Answer<(Option<Timestamp>, Option<Timestamp>)> {
    let (from, to) = (take_moment(params, "from")?, take_moment(params, "to")?);
    if from.zip(to).is_some_and(|(from, to)| to - from > LONGEST_PERIOD) {
        let (status, title) = (StatusCode::UNPROCESSABLE_ENTITY, "The period is too long");
        let detail = "`to` may be at most 3,660 days after `from`.";
        return Err(Problem::new(status, "period-too-long", title, detail));
    }
    Ok((from, to))
}

fn take_limit(params: &mut Params) -> Answer<Limit> {
    Ok(params.take("limit")?.unwrap_or_default())
}
