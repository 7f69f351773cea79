//! `millrace sweep`

use indicatif::{ProgressBar, ProgressStyle};
use ordering_views::Swept;

use crate::System;

/// Sweeps the whole table, a page at a time. Gives true: what was found is mended.
pub(crate) async fn run(system: &System) -> anyhow::Result<bool> {
    let progress = ProgressBar::new_spinner();
    progress.set_style(ProgressStyle::with_template("{spinner} {pos} streams, {per_sec}")?);
    let mut all = Swept::default();
    let mut read_units = 0.0;
    let mut next = None;
    loop {
        let page = system.store.newest_versions(next).await?;
        let swept = system.projector.engine().sweep(&page.newest).await?;
        progress.inc(swept.compared);
        all.compared += swept.compared;
        all.behind += swept.behind;
        all.report += swept.report;
        read_units += page.read_units;
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    progress.finish_and_clear();
    println!(
        "{} streams compared, {} behind, {} commits applied, {} quarantined; {read_units} read units",
        all.compared, all.behind, all.report.applied, all.report.quarantined
    );
    Ok(true)
}
