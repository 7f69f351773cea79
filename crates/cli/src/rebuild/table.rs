//! Copying from the table, by a parallel scan.

use event_store::{EventStore, PageStart, Segment};
use futures::future::try_join_all;
use indicatif::ProgressBar;
use ordering_views::Checkpoint;
use projector::delivery;

use super::{Rebuilding, bar, pace::Pace};

pub(super) async fn copy(
    store: &EventStore,
    rebuild: &Rebuilding,
    segments: u16,
    pace: &Pace,
) -> anyhow::Result<()> {
    let progress = bar(rebuild.commits().await?)?;
    let each = (0..segments).map(|number| {
        let segment = Segment { number, of: segments };
        copy_segment(store, rebuild, segment, (pace, &progress))
    });
    try_join_all(each).await?;
    progress.finish_and_clear();
    println!("copied {} commits for {} read units", progress.position(), pace.spent());
    Ok(())
}

async fn copy_segment(
    store: &EventStore,
    rebuild: &Rebuilding,
    segment: Segment,
    (pace, progress): (&Pace, &ProgressBar),
) -> anyhow::Result<()> {
    let part = format!("segment {}", segment.number);
    let mut next: Option<PageStart> = match rebuild.checkpoint(&part).await? {
        Checkpoint::Start => None,
        Checkpoint::At(place, commits) => {
            progress.inc(commits);
            progress.reset_eta();
            Some(place.parse()?)
        }
        Checkpoint::Done(commits) => {
            progress.inc(commits);
            return Ok(());
        }
    };
    loop {
        let page = store.scan_commits(segment, next).await?;
        let commits = page.commits.len() as u64;
        next = page.next;
        let deliveries = page.commits.into_iter().map(delivery).collect();
        rebuild.copy(&part, deliveries, next.as_ref().map(PageStart::to_string)).await?;
        progress.inc(commits);
        pace.spend(page.read_units).await;
        progress.set_message(format!("({:.0} read units)", pace.spent()));
        if next.is_none() {
            return Ok(());
        }
    }
}
