//! A command on a product that goods have come in for a hundred thousand times, beside one on a
//! product with ten movements.

use std::time::{Duration, Instant};

use journeys::{Desk, Order, Table, product_moved_often};
use serde_json::json;

use super::{Pace, as_f64};
use crate::report::Figure;

const LONG: u64 = 100_000;
const SHORT: u64 = 10;

/// How often each command is measured, one after the other.
const ROUNDS: usize = 200;

/// For how many rounds a product with ten movements is taken for one.
const ROUNDS_A_SHORT_ONE: usize = 5;

const AGAINST: &str = "the same, 10 movements; lower is better; asked for: at most 1.5";

pub(crate) async fn measure(table: &Table) -> anyhow::Result<Vec<Figure>> {
    let seeder = Desk::open(&table.endpoint);
    product_moved_often(&seeder, table, "LONG", LONG).await?;
    // the pages of requests that nobody left, as nobody sent these commands, are made now
    receive(&Desk::open(&table.endpoint), "LONG", "the first of today").await?;
    let (mut warm, mut cold) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let mut short = String::new();
    for round in 0..ROUNDS {
        if round % ROUNDS_A_SHORT_ONE == 0 {
            short = format!("SHORT-{round}");
            product_moved_often(&seeder, table, &short, SHORT).await?;
        }
        for (place, sku) in ["LONG", &short].into_iter().enumerate() {
            let desk = Desk::open(&table.endpoint);
            connect(&desk).await?;
            cold[place].push(receive(&desk, sku, &format!("cold {round}")).await?);
            warm[place].push(receive(&desk, sku, &format!("warm {round}")).await?);
        }
    }
    Ok(vec![figure("long stream, warm", &warm)?, figure("long stream, cold", &cold)?])
}

/// The first call of a sandbox connects, whatever it is about.
async fn connect(desk: &Desk) -> anyhow::Result<()> {
    let nothing = Order::post("/products/NOTHING/stock", &json!({"received": 1}));
    desk.send(&nothing).await?.expect(404)?;
    Ok(())
}

/// How long a delivery takes.
async fn receive(desk: &Desk, sku: &str, key: &str) -> anyhow::Result<Duration> {
    let order = Order::post(&format!("/products/{sku}/stock"), &json!({"received": 1}));
    let order = order.once(&format!("{sku}, {key}"));
    let start = Instant::now();
    desk.send(&order).await?.expect(200)?;
    Ok(start.elapsed())
}

fn figure(name: &'static str, taken: &[Vec<Duration>; 2]) -> anyhow::Result<Figure> {
    let p50 = |taken: &Vec<Duration>| {
        let pace = Pace::of(taken, taken.iter().sum())?;
        anyhow::Ok(as_f64(pace.micros.value_at_quantile(0.5)))
    };
    Ok(Figure::new(name, p50(&taken[0])?, "us", p50(&taken[1])?, AGAINST))
}
