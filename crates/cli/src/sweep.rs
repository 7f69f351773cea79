//! `millrace sweep`

use indicatif::{ProgressBar, ProgressStyle};

use crate::System;

/// Sweeps the whole table. Gives true: what was found is mended.
pub(crate) async fn run(system: &System) -> anyhow::Result<bool> {
    let progress = ProgressBar::new_spinner();
    progress.set_style(ProgressStyle::with_template("{spinner} {pos} streams, {per_sec}")?);
    let swept = system.projector.sweep(|compared| progress.inc(compared)).await;
    progress.finish_and_clear();
    let swept = swept.map_err(|error| anyhow::anyhow!("{error}"))?;
    println!(
        "{} streams compared, {} behind, {} commits applied, {} quarantined; {} read units",
        swept.compared, swept.behind, swept.applied, swept.quarantined, swept.read_units
    );
    Ok(true)
}
