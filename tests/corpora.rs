//! What `make fuzz` starts from, as plain tests: a corpus that nobody runs would rot.

use std::{fs, path::Path};

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

/// Runs every file of a folder through a target, which panics where something does not hold.
fn run(folder: &str, target: fn(&[u8])) -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut files = 0;
    for entry in fs::read_dir(folder)? {
        target(&fs::read(entry?.path())?);
        files += 1;
    }
    anyhow::ensure!(files > 0, "a corpus has something in it");
    Ok(())
}

#[test]
fn events_hold() -> anyhow::Result<()> {
    run("crates/ordering/tests/samples", fuzz::events)?;
    run("fuzz/corpus/events", fuzz::events)
}

#[test]
fn stream_records_hold() -> anyhow::Result<()> {
    run("fuzz/corpus/records", fuzz::records)
}

#[test]
fn cursors_hold() -> anyhow::Result<()> {
    run("fuzz/corpus/cursors", fuzz::cursors)
}

#[test]
fn tokens_hold() -> anyhow::Result<()> {
    run("fuzz/corpus/tokens", fuzz::tokens)
}

#[test]
fn bodies_hold() -> anyhow::Result<()> {
    run("fuzz/corpus/bodies", fuzz::bodies)
}
