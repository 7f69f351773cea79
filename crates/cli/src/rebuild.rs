//! `millrace rebuild` and `millrace rollback`

mod export;
mod pace;
mod table;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ordering_views::{CaughtUp, Plan, Rebuild, Shop, Swap};
use projector::TableSource;

use crate::System;

/// How often the next generation catches up and finds itself behind again before the swap is given
/// up; each round is as long as what was committed during the one before.
const ROUNDS: u32 = 100;

type Rebuilding = Rebuild<Shop, TableSource>;

/// How to rebuild.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only this view and its tables; may be given several times. All views without it.
    #[arg(long = "view", value_name = "VIEW")]
    views: Vec<String>,
    /// Where the commits come from: `table`, or `export` and the folder of a DynamoDB export,
    /// `AWSDynamoDB/<export id>`, with its `manifest-files.json`.
    #[arg(long, num_args = 1..=2, value_names = ["table|export", "DIR"], default_value = "table")]
    from: Vec<String>,
    /// Read at most so many units a second of the event table's capacity while copying.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    read_units: Option<u32>,
    /// How many readers share the table.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    segments: u16,
    /// Swap although the generations differ: right after a fold was changed on purpose.
    #[arg(long)]
    accept_differences: bool,
    /// Give up a rebuild that is under way. The live generation was never touched.
    #[arg(long)]
    abandon: bool,
}

/// Where the commits come from.
enum Origin {
    Table,
    Export(PathBuf),
}

impl Options {
    fn origin(&self) -> anyhow::Result<Origin> {
        match &self.from[..] {
            [from] if from == "table" => Ok(Origin::Table),
            [from, folder] if from == "export" => Ok(Origin::Export(folder.into())),
            _ => bail!("--from is `table`, or `export` and a folder"),
        }
    }
}

/// Builds the next generation and makes it the live one. Gives whether it is.
pub(crate) async fn run(system: &System, options: Options) -> anyhow::Result<bool> {
    if options.abandon {
        let was_there = Rebuilding::abandon(&system.pool).await?;
        println!("{}", if was_there { "given up" } else { "no rebuild is under way" });
        return Ok(true);
    }
    let origin = options.origin()?;
    let source = match &origin {
        Origin::Table => format!("the table, in {} segments", options.segments),
        Origin::Export(folder) => {
            let folder = folder.canonicalize();
            format!("the export {}", folder.with_context(|| "the export")?.display())
        }
    };
    let plan = Plan { views: options.views.clone(), source };
    let rebuild = Rebuild::begin(&system.pool, model(system), &plan).await?;
    let copying = async {
        match origin {
            Origin::Table => {
                let pace = pace::Pace::new(options.read_units);
                table::copy(&system.store, &rebuild, options.segments, &pace).await
            }
            Origin::Export(folder) => export::copy(system, &rebuild, &folder).await,
        }
    };
    interruptible(copying).await?;
    println!("building the indexes");
    interruptible(async { Ok(rebuild.follow().await?) }).await?;
    interruptible(finish(&rebuild, options.accept_differences)).await
}

/// Makes the previous generation the live one again. Gives whether it is.
pub(crate) async fn back(system: &System) -> anyhow::Result<bool> {
    let rebuild = Rebuild::back(&system.pool, model(system)).await?;
    interruptible(finish(&rebuild, true)).await
}

fn model(system: &System) -> (Shop, TableSource) {
    (Shop, TableSource::new(system.store.clone()))
}

/// Work that Ctrl-C may end at any time, as it goes on from there.
async fn interruptible<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::select! {
        done = work => done,
        signal = tokio::signal::ctrl_c() => {
            signal?;
            bail!("interrupted; the same command goes on from here, `--abandon` gives up")
        }
    }
}

/// Catches up, compares, swaps.
async fn finish(rebuild: &Rebuilding, accept_differences: bool) -> anyhow::Result<bool> {
    catch_up(rebuild).await?;
    println!("comparing with the live generation");
    let parity = rebuild.compare().await?;
    parity.tables.iter().for_each(|table| println!("  {table}"));
    if parity.moving_streams > 0 {
        println!("  {} streams were moving and left out", parity.moving_streams);
    }
    if !parity.is_same() && !accept_differences {
        println!(
            "The generations differ, so the live one stays. `millrace verify --all` tells whether it \
             is the one that is wrong; --accept-differences swaps all the same, --abandon gives up."
        );
        return Ok(false);
    }
    for _ in 0..ROUNDS {
        match rebuild.swap().await? {
            Swap::Done => {
                println!("swapped; `millrace rollback` takes it back");
                return Ok(true);
            }
            Swap::Behind(_) => catch_up(rebuild).await?,
        }
    }
    bail!("the next generation stays behind: is a projector writing it? try again")
}

/// Until nothing was missing, or hardly anything that will not be missing again.
async fn catch_up(rebuild: &Rebuilding) -> anyhow::Result<()> {
    let CaughtUp { streams, report } = rebuild.catch_up().await?;
    if streams > 0 {
        println!("caught up: {} commits of {streams} streams", report.applied);
    }
    Ok(())
}

/// A bar over commits.
fn bar(commits: u64) -> anyhow::Result<ProgressBar> {
    let style = "{bar:40} {pos}/{len} commits, {per_sec}, {eta} left {msg}";
    Ok(ProgressBar::new(commits).with_style(ProgressStyle::with_template(style)?))
}
