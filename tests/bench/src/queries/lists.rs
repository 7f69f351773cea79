//! Lists of orders.

use std::time::{Duration, Instant};

use ordering_views::{
    Limit, Status, Timestamp,
    order_history::{self, Order, OrderFilter, OrderSort},
};
use sqlx::{PgPool, QueryBuilder};
use uuid::Uuid;

use super::{
    shop::{Function, Shop},
    stopwatch::by_turns,
};
use crate::report::Figure;

const ROUNDS: usize = 2_000;
const ROUNDS_A_FILTER: usize = 300;

/// How long the sustained rate is measured, and by how many clients.
const SUSTAINED: Duration = Duration::from_secs(4);
const CLIENTS: usize = 8;

/// The list's own statement and nothing around it.
pub(crate) async fn bare(pool: &PgPool, filter: &OrderFilter) -> anyhow::Result<()> {
    let mut sql = QueryBuilder::default();
    let page = (None, Limit::default());
    order_history::push_list(&mut sql, filter, OrderSort::default(), page);
    let found: Vec<Order> = sql.build_query_as().fetch_all(pool).await?;
    std::hint::black_box(found);
    Ok(())
}

fn of(customer: Uuid) -> OrderFilter {
    OrderFilter { customer_id: Some(customer), ..OrderFilter::default() }
}

async fn history_of(function: &Function, customer: Uuid) -> anyhow::Result<()> {
    function.get(&format!("/customers/{customer}/orders"), "").await.map(drop)
}

/// The order history of one customer after another.
pub(crate) async fn history(shop: &Shop) -> anyhow::Result<Vec<Figure>> {
    let customers = shop.customers().await?;
    let customer = |round: usize| customers[round % customers.len()];
    let (ours, floor) = by_turns(
        ROUNDS,
        async |round| history_of(&shop.function, customer(round)).await,
        async |round| bare(&shop.bare, &of(customer(round))).await,
    )
    .await?;
    let figure = |name, percent, against| {
        Figure::new(name, ours.percentile(percent), "µs", floor.percentile(percent), against)
    };
    Ok(vec![
        figure("order history p50", 50, "the same SQL bare, asked for: 1.3"),
        figure("order history p99", 99, "the same SQL bare, asked for: 2"),
    ])
}

fn at(date: &str) -> Option<Timestamp> {
    format!("{date}T00:00:00Z").parse().ok()
}

/// Each filter as the row's name, the query string and what the handler makes of it.
fn cases() -> anyhow::Result<Vec<(&'static str, &'static str, OrderFilter)>> {
    let filter = OrderFilter::default;
    let Ok(jalapeno) = "jalapeno".parse();
    Ok(vec![
        ("filter none", "", filter()),
        ("filter status", "status=paid", OrderFilter { statuses: vec![Status::Paid], ..filter() }),
        (
            "filter placed_from",
            "placed_from=2017-12-20",
            OrderFilter { placed_from: at("2017-12-20"), ..filter() },
        ),
        (
            "filter placed_to",
            "placed_to=2017-02-01",
            OrderFilter { placed_to: at("2017-02-01"), ..filter() },
        ),
        (
            "filter sku",
            "sku=P01029743",
            OrderFilter { sku: Some("P01029743".parse()?), ..filter() },
        ),
        (
            "filter department",
            "department=PRODUCE",
            OrderFilter { department: Some("PRODUCE".to_owned()), ..filter() },
        ),
        (
            "filter min_total_cents",
            "min_total_cents=20000",
            OrderFilter { min_total_cents: Some(20_000), ..filter() },
        ),
        (
            "filter max_total_cents",
            "max_total_cents=100",
            OrderFilter { max_total_cents: Some(100), ..filter() },
        ),
        ("filter q", "q=jalapeno", OrderFilter { q: jalapeno, ..filter() }),
    ])
}

pub(crate) async fn filters(shop: &Shop) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (name, query, filter) in cases()? {
        let (ours, floor) = by_turns(
            ROUNDS_A_FILTER,
            async |_| shop.function.get("/orders", query).await.map(drop),
            async |_| bare(&shop.bare, &filter).await,
        )
        .await?;
        let against = "p50, the same SQL bare, asked for: 1.3";
        figures.push(Figure::new(name, ours.percentile(50), "µs", floor.percentile(50), against));
    }
    Ok(figures)
}

/// Order histories a second by clients at once, each with an instance and a connection.
pub(crate) async fn sustained(shop: &Shop) -> anyhow::Result<Figure> {
    let customers = shop.customers().await?;
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for client in 0..CLIENTS {
        let (customers, function) = (customers.clone(), shop.instance()?);
        ours.push(async move |round: usize| {
            history_of(&function, customers[(client * 13 + round) % customers.len()]).await
        });
    }
    let ours = rate(ours).await?;
    for client in 0..CLIENTS {
        let (customers, pool) = (shop.customers().await?, shop.sessions()?);
        floor.push(async move |round: usize| {
            bare(&pool, &of(customers[(client * 13 + round) % customers.len()])).await
        });
    }
    let floor = rate(floor).await?;
    Ok(Figure::new("sustained", ours, "queries/s", floor, "bare SQL, 8 clients, asked for: 0.7"))
}

/// All clients together, on this thread's runtime: what is compared is work, not scheduling.
async fn rate(clients: Vec<impl AsyncFn(usize) -> anyhow::Result<()>>) -> anyhow::Result<f64> {
    let start = Instant::now();
    let running = clients.iter().map(async |client| {
        let mut rounds = 0;
        while start.elapsed() < SUSTAINED {
            client(rounds).await?;
            rounds += 1;
        }
        anyhow::Ok(rounds)
    });
    let rounds: Vec<usize> = futures::future::try_join_all(running).await?;
    Ok(rounds.iter().sum::<usize>() as f64 / start.elapsed().as_secs_f64())
}
