//! `soak --seconds N`: fresh seeds for so long, each failing one with how to replay it.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use projection_simulator::Summary;
use simulation::REPLAY;
use tokio::task::JoinSet;

/// How long a run takes, and how wide it is.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// How long, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many seeds at a time, each with a database of its own.
    #[arg(long, default_value_t = 2)]
    at_once: usize,
}

/// What the workers share.
struct Soak {
    until: Instant,
    bar: ProgressBar,
    seeds: AtomicU64,
    failed: AtomicU64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let style = "{bar:30} {elapsed} of {len} s, {msg}";
    let bar = ProgressBar::new(options.seconds).with_style(ProgressStyle::with_template(style)?);
    let soak = Arc::new(Soak {
        until: Instant::now() + Duration::from_secs(options.seconds),
        bar,
        seeds: AtomicU64::new(0),
        failed: AtomicU64::new(0),
    });
    let mut workers = JoinSet::new();
    for _ in 0..options.at_once {
        let soak = soak.clone();
        workers.spawn(async move { soak.work().await });
    }
    let mut summary = Summary::default();
    while let Some(done) = workers.join_next().await {
        summary += done??;
    }
    soak.bar.finish();
    println!("{summary}");
    let failed = soak.failed.load(Ordering::SeqCst);
    println!("{failed} seeds failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Soak {
    async fn work(&self) -> anyhow::Result<Summary> {
        let (simulator, _database) = simulation::simulator().await?;
        let mut summary = Summary::default();
        while Instant::now() < self.until {
            let seed = rand::random::<u32>().into();
            match simulator.run(seed).await {
                Ok(done) => summary += done,
                Err(failure) => {
                    self.failed.fetch_add(1, Ordering::SeqCst);
                    let replay = REPLAY.replace("{seed}", &seed.to_string());
                    self.bar.suspend(|| println!("{failure}\nreplay it: {replay}\n"));
                }
            }
            self.seeds.fetch_add(1, Ordering::SeqCst);
            self.show();
        }
        Ok(summary)
    }

    fn show(&self) {
        let (seeds, failed) =
            (self.seeds.load(Ordering::SeqCst), self.failed.load(Ordering::SeqCst));
        let elapsed = self.bar.elapsed();
        self.bar.set_position(elapsed.as_secs());
        let rate = seeds as f64 / elapsed.as_secs_f64().max(0.001);
        self.bar.set_message(format!("{seeds} seeds, {rate:.1} a second, {failed} failed"));
    }
}
