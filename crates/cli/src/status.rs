//! `millrace status`

use ordering_views::progress;
use sqlx::PgPool;

/// Prints how far each view is; gives whether everything arrives and nothing is parked.
pub(crate) async fn show(pool: &PgPool) -> anyhow::Result<bool> {
    let progress = progress(pool).await?;
    println!(
        "{:<12} {:>26} {:>8} {:>7} {:>12}",
        "view", "last applied", "lag ms", "parked", "quarantined"
    );
    for view in &progress.views {
        let applied = view.last_applied_at.map_or_else(|| "-".to_owned(), |at| at.to_rfc3339());
        let lag = view.lag_ms.map_or_else(|| "-".to_owned(), |lag| lag.to_string());
        let (parked, quarantined) = (view.parked_streams, view.quarantined_commits);
        println!("{:<12} {applied:>26} {lag:>8} {parked:>7} {quarantined:>12}", view.name);
    }
    let newest = progress.newest_commit_at.map_or_else(|| "-".to_owned(), |at| at.to_rfc3339());
    println!("\nnewest in the event table: {newest}");
    if progress.stopped {
        println!("The projection has stopped: what is in the event table does not arrive.");
    }
    if progress.views.iter().any(|view| view.parked_streams > 0) {
        println!("Something is parked: see `millrace quarantine list`.");
    }
    Ok(progress.caught_up)
}
