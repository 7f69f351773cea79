//! Orders as they are asked for.
//!
//! An order comes whole, with its lines and its customer's name, out of one statement: what an
//! answer says of one order is of one moment. Lines are an array of records in a column of
//! their own; joined, they would repeat their order.

use ordering::{Status, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder, types::Json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::filter::OrderFilter;
use crate::{Limit, Page};

/// An order with what other streams know of it. A name is empty until its stream has been seen.
#[derive(Clone, Debug, Serialize, FromRow, ToSchema)]
pub struct Order {
    /// Which order.
    pub id: Uuid,
    /// What another system calls it.
    pub reference: Option<String>,
    /// How far it has come.
    #[schema(value_type = Status)]
    pub status: String,
    /// Who bought.
    pub customer_id: Uuid,
    /// What they are called now.
    pub customer_name: Option<String>,
    /// What was bought.
    #[sqlx(try_from = "Vec<LineRecord>")]
    #[schema(value_type = Vec<Line>)]
    pub lines: Lines,
    /// What it costs.
    pub total_cents: i64,
    /// What was refunded so far.
    pub refund_cents: i64,
    /// ISO 4217.
    pub currency: String,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it was paid here.
    pub paid_at: Option<Timestamp>,
    /// When it was shipped from here.
    pub shipped_at: Option<Timestamp>,
    /// When its arrival was booked here.
    pub delivered_at: Option<Timestamp>,
    /// When it was called off.
    pub cancelled_at: Option<Timestamp>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// What the carrier calls it.
    pub tracking_number: Option<String>,
    /// The commit that this is as of.
    pub version: i64,
}

/// The lines of an order, by their number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Lines(pub Vec<Line>);

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Line {
    /// Its place there, from 1.
    pub line_no: i64,
    /// Which product.
    pub sku: String,
    /// What the shelf says.
    pub product_name: Option<String>,
    /// Where it stands.
    pub department: Option<String>,
    /// Pieces bought.
    pub quantity: i64,
    /// Pieces that came back.
    pub returned_quantity: i64,
    /// What a piece cost.
    pub unit_price_cents: i64,
    /// What the line cost.
    pub total_cents: i64,
}

type LineRecord = (i64, String, Option<String>, Option<String>, i64, i64, i64, i64);

impl From<Vec<LineRecord>> for Lines {
    fn from(records: Vec<LineRecord>) -> Self {
        let line = |record: LineRecord| {
            let (line_no, sku, product_name, department) = (record.0, record.1, record.2, record.3);
            let (quantity, returned_quantity) = (record.4, record.5);
            let (unit_price_cents, total_cents) = (record.6, record.7);
            Line {
                line_no,
                sku,
                product_name,
                department,
                quantity,
                returned_quantity,
                unit_price_cents,
                total_cents,
            }
        };
        Self(records.into_iter().map(line).collect())
    }
}

/// An order with all that happened to it.
#[derive(Clone, Debug, Serialize, FromRow, ToSchema)]
pub struct OrderWithTimeline {
    /// The order.
    #[serde(flatten)]
    #[sqlx(flatten)]
    pub order: Order,
    /// What happened to it.
    #[sqlx(try_from = "Vec<EntryRecord>")]
    #[schema(value_type = Vec<TimelineEntry>)]
    pub timeline: Timeline,
}

/// What happened to an order, in the order in which it was recorded.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Timeline(pub Vec<TimelineEntry>);

/// Something that happened to an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimelineEntry {
    /// The event's name.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened.
    pub at: Timestamp,
    /// The commit.
    pub version: i64,
    /// The event's payload.
    #[schema(value_type = Object)]
    pub data: Json<Box<RawValue>>,
}

type EntryRecord = (String, Timestamp, i64, Json<Box<RawValue>>);

impl From<Vec<EntryRecord>> for Timeline {
    fn from(records: Vec<EntryRecord>) -> Self {
        let entry =
            |(event_type, at, version, data)| TimelineEntry { event_type, at, version, data };
        Self(records.into_iter().map(entry).collect())
    }
}

/// The columns of [`Order`], of an order `o` and its customer `c`.
const ORDER: &str = "select o.id, o.reference, o.status, o.customer_id, c.name as customer_name, \
     array( \
       select row(l.line_no, l.sku, p.name, p.department, l.quantity, l.returned_quantity, \
         l.unit_price_cents, l.total_cents) \
       from order_line l left join product p on p.sku = l.sku \
       where l.order_id = o.id order by l.line_no \
     ) as lines, \
     o.total_cents, o.refund_cents, o.currency, o.placed_at, o.paid_at, o.shipped_at, \
     o.delivered_at, o.cancelled_at, o.carrier, o.tracking_number, o.version";

/// The order with this id.
///
/// # Errors
/// When the database does not answer.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<OrderWithTimeline>, sqlx::Error> {
    let mut sql = QueryBuilder::new(ORDER);
    sql.push(
        ", array( \
           select row(t.event_type, t.at, t.version, t.data) from order_timeline t \
           where t.order_id = o.id order by t.version, t.index \
         ) as timeline \
         from order_history o left join customer c on c.id = o.customer_id where o.id = ",
    );
    sql.push_bind(id);
    sql.build_query_as().fetch_optional(pool).await
}

/// Whose order this is.
///
/// # Errors
/// When the database does not answer.
pub async fn owner(pool: &PgPool, id: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    let sql = "select customer_id from order_history where id = $1";
    sqlx::query_scalar(sql).bind(id).fetch_optional(pool).await
}

/// By what orders are sorted; equals by their id, in the same direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum OrderSort {
    /// The newest first.
    #[default]
    #[serde(rename = "-placed_at")]
    NewestFirst,
    /// The oldest first.
    #[serde(rename = "placed_at")]
    OldestFirst,
    /// The largest total first.
    #[serde(rename = "-total_cents")]
    LargestFirst,
    /// The smallest total first.
    #[serde(rename = "total_cents")]
    SmallestFirst,
}

impl OrderSort {
    fn column(self) -> &'static str {
        match self {
            Self::NewestFirst | Self::OldestFirst => "placed_at",
            Self::LargestFirst | Self::SmallestFirst => "total_cents",
        }
    }

    fn descends(self) -> bool {
        matches!(self, Self::NewestFirst | Self::LargestFirst)
    }

    fn push_order(self, sql: &mut QueryBuilder<Postgres>) {
        let (column, direction) = (self.column(), if self.descends() { " desc" } else { "" });
        sql.push(format_args!(" order by o.{column}{direction}, o.id{direction}"));
    }
}

/// The place of an order in any sort; none of this ever changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlace {
    /// When it was placed.
    pub placed_at: Timestamp,
    /// What it costs.
    pub total_cents: i64,
    /// Which order.
    pub id: Uuid,
}

impl OrderPlace {
    fn of(order: &Order) -> Self {
        Self { placed_at: order.placed_at, total_cents: order.total_cents, id: order.id }
    }

    /// A comparison of rows, which an index on both columns answers.
    fn push_after(self, sort: OrderSort, sql: &mut QueryBuilder<Postgres>) {
        let direction = if sort.descends() { "<" } else { ">" };
        sql.push(format_args!(" and (o.{}, o.id) {direction} (", sort.column()));
        match sort {
            OrderSort::NewestFirst | OrderSort::OldestFirst => sql.push_bind(self.placed_at),
            OrderSort::LargestFirst | OrderSort::SmallestFirst => sql.push_bind(self.total_cents),
        };
        sql.push(", ").push_bind(self.id).push(")");
    }
}

/// A page of the orders that pass a filter.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    pool: &PgPool,
    filter: &OrderFilter,
    sort: OrderSort,
    (after, limit): (Option<OrderPlace>, Limit),
) -> Result<Page<Order, OrderPlace>, sqlx::Error> {
    let mut sql = QueryBuilder::default();
    push_list(&mut sql, filter, sort, (after, limit));
    let found = sql.build_query_as().fetch_all(pool).await?;
    Ok(Page::cut(found, limit, OrderPlace::of))
}

/// All orders that have the words are looked up and sorted, which costs four pages each.
const FEW: &str = "(select count(*) from found) <= 3000 and o.id in (select id from found)";

/// Orders are walked through in the order of the sort, until a page of them have the words. `is
/// true` keeps that a look into a hash for each.
const MANY: &str =
    "(select count(*) from found) > 3000 and (o.id in (select id from found)) is true";

/// The statement of [`list`], for whoever explains or measures it. It holds the conditions that
/// were asked for and no others, so that each combination has a plan of its own.
///
/// How many orders have the words is not known before they are found, and the planner cannot tell:
/// so the statement has both ways, and takes one.
pub fn push_list(
    sql: &mut QueryBuilder<Postgres>,
    filter: &OrderFilter,
    sort: OrderSort,
    page: (Option<OrderPlace>, Limit),
) {
    let push_page = |sql: &mut _, which| push_page(sql, (filter, which), sort, page);
    if filter.q.is_empty() {
        sql.push(ORDER).push(" from (");
        push_page(sql, "true");
    } else {
        sql.push("with found (id) as materialized (");
        filter.push_found(sql);
        sql.push(") ").push(ORDER).push(" from ((");
        push_page(sql, FEW);
        sql.push(") union all (");
        push_page(sql, MANY);
        sql.push(")");
    }
    sql.push(") o left join customer c on c.id = o.customer_id");
    sort.push_order(sql);
}

/// A page of orders as they lie in their table.
fn push_page(
    sql: &mut QueryBuilder<Postgres>,
    (filter, which): (&OrderFilter, &str),
    sort: OrderSort,
    (after, limit): (Option<OrderPlace>, Limit),
) {
    sql.push("select o.* from order_history o where ").push(which);
    filter.push(sql);
    if let Some(place) = after {
        place.push_after(sort, sql);
    }
    sort.push_order(sql);
    sql.push(" limit ").push_bind(limit.and_one());
}
