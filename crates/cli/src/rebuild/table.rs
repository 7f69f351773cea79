//! Copying from the table, by a parallel scan.

use event_store::{CommitPage, EventStore, PageStart, Segment};
use futures::{future::try_join_all, try_join};
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
    let expected = match rebuild.commits().await? {
        // An empty database, which a restore begins with. The bar is all that it is for.
        0 => store.item_count().await.unwrap_or_default(),
        commits => commits,
    };
    let progress = bar(expected)?;
    let each = (0..segments).map(|number| {
        let segment = Segment { number, of: segments };
        copy_segment(store, rebuild, segment, (pace, &progress))
    });
    try_join_all(each).await?;
    let copied = progress.position(); // a bar that is finished says as many as were expected
    progress.finish_and_clear();
    println!("copied {copied} commits for {} read units", pace.spent());
    Ok(())
}

async fn copy_segment(
    store: &EventStore,
    rebuild: &Rebuilding,
    segment: Segment,
    (pace, progress): (&Pace, &ProgressBar),
) -> anyhow::Result<()> {
    let part = format!("segment {}", segment.number);
    let next: Option<PageStart> = match rebuild.checkpoint(&part).await? {
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
    let mut page = Some(store.scan_commits(segment, next).await?);
    while let Some(CommitPage { commits, read_units, next }) = page {
        let place = next.as_ref().map(PageStart::to_string);
        let read = commits.len() as u64;
        let deliveries = commits.into_iter().map(delivery).collect();
        let write = async {
            rebuild.copy(&part, deliveries, place).await?;
            progress.inc(read);
            anyhow::Ok(())
        };
        // Meanwhile the next one is read.
        let read_on = async {
            pace.spend(read_units).await;
            progress.set_message(format!("({:.0} read units)", pace.spent()));
            let Some(next) = next else { return Ok(None) };
            Ok(Some(store.scan_commits(segment, Some(next)).await?))
        };
        ((), page) = try_join!(write, read_on)?;
    }
    Ok(())
}
