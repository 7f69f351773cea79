//! Commands through the whole handler, beside the bare write that they end in, on one table in a
//! file.

mod bare;
mod checkouts;
mod footprint;
mod long_streams;
mod processes;

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use hdrhistogram::Histogram;
use journeys::{Desk, Order, Table};
use serde_json::json;
use tempfile::TempDir;

use crate::report::Figure;

/// How many commands a round has.
const COMMANDS: usize = 2_000;

/// How often each way is run, one after the other; the fastest counts.
const ROUNDS: usize = 5;

const CLIENTS: usize = 16;

/// How many writes a second, and how long each of them took, in microseconds.
struct Pace {
    rate: f64,
    micros: Histogram<u64>,
}

pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = TempDir::new()?;
    let table = Table::in_file(&folder.path().join("dynamodb.sqlite")).await?;
    let desk = Desk::open(&table.endpoint);
    let mut figures = Vec::new();
    for (clients, name) in [(1, "put 1 client"), (CLIENTS, "put 16 clients")] {
        let (ours, bare) = puts(&table, &desk, clients).await?;
        let against = "bare PutItem, same condition and size; asked for: 0.7";
        figures.push(Figure::new(name, ours.rate, "commands/s", bare.rate, against));
        if clients == 1 {
            let hot = hot(&table).await?;
            let against = "one client's bare puts; 100 clients in 20 sandboxes";
            figures.push(Figure::new("hot product", hot, "commands/s", bare.rate, against));
            figures.extend(latency(["put p50", "put p99"], &ours, &bare));
        }
    }
    let (ours, bare) = checkouts::measure(&table, &desk).await?;
    let against = "bare TransactWriteItems of the same 12 items; asked for: 0.7";
    figures.push(Figure::new("checkout", ours.rate, "commands/s", bare.rate, against));
    figures.extend(latency(["checkout p50", "checkout p99"], &ours, &bare));
    figures.extend(long_streams::measure(&table).await?);
    figures.extend(processes::measure(&table).await?);
    Ok(figures)
}

fn latency([p50, p99]: [&'static str; 2], ours: &Pace, bare: &Pace) -> [Figure; 2] {
    let figure = |name, quantile| {
        let (ours, bare) =
            (ours.micros.value_at_quantile(quantile), bare.micros.value_at_quantile(quantile));
        Figure::new(name, as_f64(ours), "us", as_f64(bare), "the bare call; lower is better")
    };
    [figure(p50, 0.5), figure(p99, 0.99)]
}

/// The fastest round of commands, and of bare puts of what a command wrote.
async fn puts(table: &Table, desk: &Desk, clients: usize) -> anyhow::Result<(Pace, Pace)> {
    let products: Vec<String> = (0..clients).map(|number| format!("P{clients}-{number}")).collect();
    for product in &products {
        desk.stocked(product, 1).await?;
    }
    let pattern = bare::commit(table, &format!("product-{}", products[0]), 2).await?;
    let bare_client = table.client();
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let count = COMMANDS / clients;
        ours.push(
            pace(clients, |client| {
                let (desk, sku) = (desk.clone(), products[client].clone());
                async move { book_stock(&desk, &sku, (round, count)).await }
            })
            .await?,
        );
        bare.push(
            pace(clients, |client| {
                let (sdk, pattern) = (&bare_client, &pattern);
                let name = format!("{clients}-{round}-{client}");
                async move { bare::put(sdk, pattern, (&name, count)).await }
            })
            .await?,
        );
    }
    Ok((fastest(ours)?, fastest(bare)?))
}

/// How many deliveries of one product a second 100 clients get through, spread over 20 sandboxes
/// that know nothing of each other.
async fn hot(table: &Table) -> anyhow::Result<f64> {
    const EACH: usize = 10;
    let desks: Vec<Desk> = (0..20).map(|_| Desk::open(&table.endpoint)).collect();
    desks[0].stocked("HOT", 1).await?;
    let client = |number: usize| {
        let desk = desks[number % desks.len()].clone();
        async move { book_stock(&desk, "HOT", (number, EACH)).await }
    };
    Ok(pace(100, client).await?.rate)
}

/// Runs as many clients at once; each gives how long its writes took.
async fn pace<F, T>(clients: usize, client: F) -> anyhow::Result<Pace>
where
    F: Fn(usize) -> T,
    T: Future<Output = anyhow::Result<Vec<Duration>>>,
{
    let start = Instant::now();
    let taken = try_join_all((0..clients).map(client)).await?;
    let taken: Vec<Duration> = taken.into_iter().flatten().collect();
    Pace::of(&taken, start.elapsed())
}

async fn book_stock(
    desk: &Desk,
    sku: &str,
    (round, count): (usize, usize),
) -> anyhow::Result<Vec<Duration>> {
    let path = format!("/products/{sku}/stock");
    let mut taken = Vec::with_capacity(count);
    for number in 0..count {
        let order = Order::post(&path, &json!({"received": 1}));
        let order = order.once(&format!("{sku}, round {round}, {number}"));
        let start = Instant::now();
        desk.send(&order).await?.expect(200)?;
        taken.push(start.elapsed());
    }
    Ok(taken)
}

impl Pace {
    fn of(taken: &[Duration], all: Duration) -> anyhow::Result<Self> {
        let mut micros = Histogram::new(3)?;
        for one in taken {
            micros.record(u64::try_from(one.as_micros())?)?;
        }
        Ok(Self { rate: as_f64(taken.len() as u64) / all.as_secs_f64(), micros })
    }
}

fn fastest(rounds: Vec<Pace>) -> anyhow::Result<Pace> {
    let fastest = rounds.into_iter().max_by(|one, other| one.rate.total_cmp(&other.rate));
    fastest.ok_or_else(|| anyhow::anyhow!("no round was run"))
}

#[allow(clippy::cast_precision_loss, reason = "counts and microseconds, far below 2^52")]
fn as_f64(number: u64) -> f64 {
    number as f64
}
