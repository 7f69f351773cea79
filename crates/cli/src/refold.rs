//! `millrace refold`

use ordering_views::StreamId;

use crate::System;

/// Folds streams anew; gives whether all of them could be.
pub(crate) async fn run(system: &System, streams: Vec<StreamId>) -> anyhow::Result<bool> {
    let mut well = true;
    for stream in streams {
        let report = system.projector.engine().refold([stream.clone()]).await?;
        match (report.refolded, report.quarantined, report.gone) {
            (1, 0, _) => println!("{stream}: folded anew"),
            (1, _, _) => println!("{stream}: folded anew, and parked: see `quarantine show`"),
            (_, _, 1) => println!("{stream}: was removed"),
            _ => println!("{stream}: has no commit in the event table"),
        }
        well &= report.refolded == 1 && report.quarantined == 0;
    }
    Ok(well)
}
