//! `millrace quarantine`

use anyhow::{Context, ensure};
use clap::Subcommand;
use ordering_views::{QuarantinedCommit, Report, StreamId, quarantined};

use crate::System;

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Lists what waits.
    List {
        /// Also what was redriven or skipped.
        #[arg(long)]
        all: bool,
    },
    /// Shows a stream's commits in quarantine whole, payloads included.
    Show {
        /// For example `order-0190b5a4-…`.
        stream: StreamId,
    },
    /// Applies parked streams again, in order, after the cause is mended.
    Redrive {
        /// Only this stream; all that are parked, if none is named.
        stream: Option<StreamId>,
    },
    /// Leaves out the commit that a stream is parked at, for ever and on the record.
    Skip {
        /// For example `order-0190b5a4-…`.
        stream: StreamId,
        /// Why: it is shown ever after.
        #[arg(long)]
        reason: String,
    },
}

/// Gives whether everything that was asked for worked out.
pub(crate) async fn perform(system: &System, task: Task) -> anyhow::Result<bool> {
    match task {
        Task::List { all } => list(system, all).await,
        Task::Show { stream } => show(system, &stream).await,
        Task::Redrive { stream } => redrive(system, stream).await,
        Task::Skip { stream, reason } => {
            ensure!(!reason.trim().is_empty(), "a reason says something");
            let report = system.projector.engine().skip(&stream, reason.trim()).await?;
            Ok(told(&stream, &report))
        }
    }
}

async fn list(system: &System, all: bool) -> anyhow::Result<bool> {
    let commits = quarantined(&system.pool, all).await?;
    if commits.is_empty() {
        println!("nothing is in quarantine");
    }
    for commit in commits {
        let resolution = commit.resolution.as_deref().unwrap_or("waits");
        let (stream, version, error) = (&commit.stream, commit.version, &commit.error);
        println!(
            "{} {resolution:<8} {stream} {version}: {error}",
            commit.quarantined_at.to_rfc3339()
        );
    }
    Ok(true)
}

async fn show(system: &System, stream: &StreamId) -> anyhow::Result<bool> {
    let commits = quarantined(&system.pool, true).await?;
    let of_stream: Vec<&QuarantinedCommit> =
        commits.iter().filter(|commit| commit.stream == stream.as_str()).collect();
    ensure!(!of_stream.is_empty(), "no commit of {stream} was ever in quarantine");
    for commit in of_stream {
        println!("stream      {}\nversion     {}", commit.stream, commit.version);
        println!(
            "since       {}\nerror       {}",
            commit.quarantined_at.to_rfc3339(),
            commit.error
        );
        if let (Some(resolution), Some(at)) = (&commit.resolution, commit.resolved_at) {
            println!("resolution  {resolution} {}", at.to_rfc3339());
        }
        if let Some(reason) = &commit.reason {
            println!("reason      {reason}");
        }
        println!("payload     {}\n", commit.payload);
    }
    Ok(true)
}

async fn redrive(system: &System, stream: Option<StreamId>) -> anyhow::Result<bool> {
    let streams = match stream {
        Some(stream) => vec![stream],
        None => {
            let waiting = quarantined(&system.pool, false).await?;
            let streams = waiting.iter().map(|commit| commit.stream.parse());
            streams.collect::<Result<_, _>>().context("a stream in quarantine")?
        }
    };
    let mut well = true;
    for stream in &streams {
        let report = system.projector.engine().redrive(stream).await?;
        well &= told(stream, &report);
    }
    if streams.is_empty() {
        println!("nothing is in quarantine");
    }
    Ok(well)
}

/// Says what became of a stream; gives whether it is parked no more.
fn told(stream: &StreamId, report: &Report) -> bool {
    let applied = report.applied;
    match report.quarantined {
        0 if report.refolded > 0 => println!("{stream}: folded anew from its beginning"),
        0 => println!("{stream}: {applied} commits applied"),
        _ => println!(
            "{stream}: {applied} commits applied, then parked again: see `quarantine show`"
        ),
    }
    report.quarantined == 0
}
