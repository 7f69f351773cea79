//! `kill -9` of the server.

use std::{fs, os::unix::fs::PermissionsExt};

use local_postgres::Server;
use tempfile::TempDir;

use crate::load::Load;

/// A folder that the server's account can get into when this runs as root.
pub fn folder() -> anyhow::Result<TempDir> {
    let open = fs::Permissions::from_mode(0o711);
    Ok(tempfile::Builder::new().prefix("postgres-").permissions(open).tempdir()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_under_load_costs_no_row() -> anyhow::Result<()> {
    let folder = folder()?;
    let mut server = Server::start(folder.path().join("data")).await?;
    server.create_database("shop").await?;
    let load = Load::on(server.url("shop").parse()?, 1500).await?;
    let loading = tokio::spawn({
        let load = load.clone();
        async move { load.deliver().await }
    });
    for share in 1..=3 {
        load.until(share, 4).await?;
        assert!(!loading.is_finished(), "it is killed in the middle of the load");
        server.kill_9().await;
        assert!(server.has_ended());
        server.start_again().await?;
    }
    loading.await??;
    load.check().await?;
    server.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_forgot_in_a_crash_is_found_by_a_sweep() -> anyhow::Result<()> {
    // It answers before it writes, so a kill takes back what was answered: as a restored backup.
    let mut server = Server::throwaway().await?;
    server.create_database("shop").await?;
    let load = Load::on(server.url("shop").parse()?, 400).await?;
    load.deliver().await?;
    server.kill_9().await;
    server.start_again().await?;
    load.sweep().await?;
    assert_eq!(load.sweep().await?, 0, "the second sweep finds nothing");
    load.check().await?;
    server.stop().await;
    Ok(())
}
