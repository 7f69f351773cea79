//! `millrace verify`

use indicatif::{ProgressBar, ProgressStyle};
use ordering_views::{Checked, Shop, StreamId, Verifier};
use projector::TableSource;

use crate::System;

/// How many streams are folded and compared at a time.
const STREAMS_AT_A_TIME: usize = 200;

/// Folds streams anew and compares; gives whether the rows are what the events say.
pub(crate) async fn run(system: &System, sample: Option<u64>) -> anyhow::Result<bool> {
    let source = TableSource::new(system.store.clone());
    let verifier = Verifier::new(system.pool.clone(), Shop, source);
    let checked = match sample {
        Some(streams) => some(&verifier, &verifier.sample(streams).await?).await?,
        None => all(&verifier).await?,
    };
    println!(
        "{} streams and {} commits folded, {} counts compared; {} lag behind, {} are parked",
        checked.streams,
        checked.commits,
        checked.tally_keys,
        checked.lagging_streams,
        checked.parked_streams
    );
    if checked.absent_streams > 0 {
        println!(
            "{} streams are not in the event table: is it the right one?",
            checked.absent_streams
        );
    }
    if checked.rewritten_streams > 0 {
        println!(
            "{} streams were rewritten or removed meanwhile, so no counts were compared: run it again",
            checked.rewritten_streams
        );
    }
    let well = checked.agrees() && checked.absent_streams == 0;
    println!("{}", if well { "the rows are what the events say" } else { "the rows differ" });
    Ok(well)
}

async fn some(
    verifier: &Verifier<Shop, TableSource>,
    streams: &[StreamId],
) -> anyhow::Result<Checked> {
    let progress = bar(streams.len() as u64)?;
    let mut all = Checked::default();
    for batch in streams.chunks(STREAMS_AT_A_TIME) {
        let checked = verifier.verify(batch).await?;
        report(&progress, &checked);
        all += checked;
    }
    progress.finish_and_clear();
    Ok(all)
}

async fn all(verifier: &Verifier<Shop, TableSource>) -> anyhow::Result<Checked> {
    let mut run = verifier.all().await?;
    let progress = bar(run.streams())?;
    let mut all = Checked::default();
    while let Some(checked) = run.next().await? {
        report(&progress, &checked);
        all += checked;
    }
    progress.finish_and_clear();
    Ok(all)
}

fn bar(streams: u64) -> anyhow::Result<ProgressBar> {
    let style = "{bar:40} {pos}/{len} streams, {per_sec}, {eta} left";
    Ok(ProgressBar::new(streams).with_style(ProgressStyle::with_template(style)?))
}

/// Says what differs as soon as it is found.
fn report(progress: &ProgressBar, checked: &Checked) {
    progress.inc(checked.streams);
    progress.suspend(|| {
        checked.differences.iter().for_each(|difference| println!("{difference}"));
        checked.unfolded.iter().for_each(|unfolded| println!("{unfolded}"));
    });
}
