//! The bootstrap as a process, beside one that only puts: how soon it answers, and what a command
//! costs it in time of the processor.

use std::time::{Duration, Instant};

use anyhow::Context;
use journeys::{Desk, Order, Said, Sandbox, TABLE, Table};
use serde_json::{Value, json};

use super::{as_f64, footprint};
use crate::report::Figure;

const STARTS: usize = 15;
const COMMANDS: u64 = 3_000;

/// What is asked for, in microseconds of the processor's time.
const ASKED_MICROS: f64 = 200.0;

/// `USER_HZ`, in which Linux tells a process's time.
const TICKS_A_SECOND: f64 = 100.0;

pub(crate) async fn measure(table: &Table) -> anyhow::Result<Vec<Figure>> {
    Desk::open(&table.endpoint).stocked("PROCESS", 1).await?;
    let mut fastest = [Duration::MAX; 2];
    for start in 0..STARTS {
        for (place, name) in ["command", "bare"].into_iter().enumerate() {
            let key = format!("start {name} {start}");
            fastest[place] = fastest[place].min(first_answer(name, table, &key).await?);
        }
    }
    let millis = |duration: Duration| duration.as_secs_f64() * 1_000.0;
    let against = "a bare function with the same client; asked for: at most 1.5";
    let [ours, bare] = fastest.map(millis);
    let mut figures = vec![Figure::new("cold start", ours, "ms", bare, against)];

    let (ours, our_peak) = at_work("command", table).await?;
    let (bare, bare_peak) = at_work("bare", table).await?;
    let against = "what is asked for; the SDK and the runtime, as a bare function has them, apart";
    figures.push(Figure::new("CPU a command", ours - bare, "us", ASKED_MICROS, against));
    let against = "the bare function: the SDK and the runtime, without TLS";
    figures.push(Figure::new("CPU a command, all of it", ours, "us", bare, against));
    figures.extend(footprint::measure(table, (our_peak, bare_peak)).await?);
    Ok(figures)
}

async fn sandbox(name: &str, table: &Table) -> anyhow::Result<Sandbox> {
    let variables = [
        ("AWS_ENDPOINT_URL", table.endpoint.clone()),
        ("EVENT_TABLE", TABLE.to_owned()),
        ("KEY_TABLE", personal_data::testing::TABLE.to_owned()),
        ("KEY_FILE", personal_data::testing::KEY_FILE.to_owned()),
        ("RUST_LOG", "info".to_owned()),
    ];
    Sandbox::start(name, &variables).await
}

fn delivery(key: &str) -> Value {
    Order::post("/products/PROCESS/stock", &json!({"received": 1})).once(key).event()
}

async fn first_answer(name: &str, table: &Table, key: &str) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let process = sandbox(name, table).await?;
    Said::read(&process.invoke(delivery(key)).await?)?.expect(200)?;
    Ok(start.elapsed())
}

/// The microseconds of the processor that a command takes, and the peak of memory in KiB.
async fn at_work(name: &str, table: &Table) -> anyhow::Result<(f64, f64)> {
    let process = sandbox(name, table).await?;
    for warming in 0..100 {
        process.invoke(delivery(&format!("warming {name} {warming}"))).await?;
    }
    let before = processor_seconds(process.id())?;
    for command in 0..COMMANDS {
        let answer = process.invoke(delivery(&format!("work {name} {command}"))).await?;
        Said::read(&answer)?.expect(200)?;
    }
    let seconds = processor_seconds(process.id())? - before;
    Ok((seconds * 1e6 / as_f64(COMMANDS), as_f64(process.peak_rss_kib()?)))
}

/// See `proc_pid_stat(5)`: the 14th and 15th fields are user and system time.
fn processor_seconds(process: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("a process has a name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    Ok(as_f64(ticks.sum::<Result<u64, _>>()?) / TICKS_A_SECOND)
}
