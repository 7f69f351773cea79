//! Copying from a DynamoDB export to S3, as it was downloaded.
//!
//! Source of the layout: "DynamoDB table export output format" in the DynamoDB Developer Guide. An
//! export is in no order, so it is sorted first, by the database, in a table that goes with the
//! schema of the generation.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use event_store::{EventStore, ExportedCommit, StreamId, Version, exported};
use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;
use md5::{Digest, Md5};
use ordering_views::{Checkpoint, Commit, Delivery, Unreadable};
use sqlx::PgPool;
use tokio::sync::mpsc::{Sender, channel};

use super::{Rebuilding, bar};
use crate::System;

/// How many commits are written or applied at a time.
const AT_A_TIME: usize = 1_000;

/// The part that reads what is sorted.
const IN_ORDER: &str = "in order";

/// A data file, as `manifest-files.json` has it.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct DataFile {
    item_count: u64,
    md5_checksum: String,
    data_file_s3_key: String,
}

pub(super) async fn copy(
    system: &System,
    rebuild: &Rebuilding,
    folder: &Path,
) -> anyhow::Result<()> {
    let pool = &system.pool;
    sqlx::query(
        "create unlogged table if not exists next_generation.exported (\
         stream text, version bigint, commit text, error text, primary key (stream, version))",
    )
    .execute(pool)
    .await?;
    let files = manifest(folder)?;
    let progress = bar(files.iter().map(|file| file.item_count).sum())?.with_message("sorting");
    for file in &files {
        let part = format!("file {}", file.data_file_s3_key);
        if rebuild.checkpoint(&part).await? == Checkpoint::Start {
            sort(pool, (file, folder), &progress).await?;
            rebuild.copy(&part, Vec::new(), None).await?;
        } else {
            progress.inc(file.item_count);
        }
    }
    progress.finish_and_clear();
    apply(system, rebuild).await
}

fn manifest(folder: &Path) -> anyhow::Result<Vec<DataFile>> {
    let path = folder.join("manifest-files.json");
    let text = fs::read_to_string(&path).with_context(|| {
        format!("{}: is this the folder AWSDynamoDB/<export id> of an export?", path.display())
    })?;
    let files = text.lines().map(serde_json::from_str);
    let files: Vec<DataFile> = files.collect::<Result<_, _>>().context("manifest-files.json")?;
    ensure!(!files.is_empty(), "{} names no data files", path.display());
    Ok(files)
}

/// Writes the commits of one file to where they are sorted.
async fn sort(
    pool: &PgPool,
    (file, folder): (&DataFile, &Path),
    progress: &ProgressBar,
) -> anyhow::Result<()> {
    let name = file.data_file_s3_key.rsplit('/').next().unwrap_or_default();
    let path = folder.join("data").join(name);
    check(&path, &file.md5_checksum)?;
    let (sender, mut lines) = channel(AT_A_TIME);
    let reading = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || read(&path, &sender))
    };
    let mut items = 0;
    loop {
        let mut batch = Vec::new();
        if lines.recv_many(&mut batch, AT_A_TIME).await == 0 {
            break;
        }
        items += batch.len() as u64;
        progress.inc(batch.len() as u64);
        stage(pool, batch).await.with_context(|| path.display().to_string())?;
    }
    reading.await??;
    ensure!(
        items == file.item_count,
        "{} has {items} items and not {} as the manifest says: download it again",
        path.display(),
        file.item_count
    );
    Ok(())
}

fn check(path: &Path, expected: &str) -> anyhow::Result<()> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let mut digest = Md5::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        digest.update(&chunk[..read]);
    }
    let found = STANDARD.encode(digest.finalize());
    ensure!(found == expected, "{} is damaged: download it again", path.display());
    Ok(())
}

fn read(path: &PathBuf, lines: &Sender<String>) -> anyhow::Result<()> {
    for line in BufReader::new(MultiGzDecoder::new(File::open(path)?)).lines() {
        // Whoever reads has given up; why is said there.
        let Ok(()) = lines.blocking_send(line?) else { break };
    }
    Ok(())
}

async fn stage(pool: &PgPool, lines: Vec<String>) -> anyhow::Result<()> {
    let (mut streams, mut versions) = (Vec::new(), Vec::new());
    let (mut commits, mut errors) = (Vec::new(), Vec::new());
    for line in lines {
        let Some(ExportedCommit { stream, version, commit }) = exported(&line)? else { continue };
        streams.push(stream.to_string());
        versions.push(i64::try_from(version.0)?);
        let (commit, error) = match commit {
            Ok(commit) => (serde_json::to_string(&commit)?, None),
            Err(error) => (line, Some(error)),
        };
        commits.push(commit);
        errors.push(error);
    }
    sqlx::query(
        "insert into next_generation.exported select * from unnest($1, $2, $3, $4) \
         on conflict do nothing",
    )
    .bind(streams)
    .bind(versions)
    .bind(commits)
    .bind(errors)
    .execute(pool)
    .await?;
    Ok(())
}

/// Applies what is sorted.
async fn apply(system: &System, rebuild: &Rebuilding) -> anyhow::Result<()> {
    let pool = &system.pool;
    let commits: i64 =
        sqlx::query_scalar("select count(*) from next_generation.exported").fetch_one(pool).await?;
    let progress = bar(commits.unsigned_abs())?;
    let (mut stream, mut version) = match rebuild.checkpoint(IN_ORDER).await? {
        Checkpoint::Start => (String::new(), 0),
        Checkpoint::Done(_) => return Ok(()),
        Checkpoint::At(place, commits) => {
            progress.inc(commits);
            progress.reset_eta();
            let (version, stream) = place.split_once(' ').context("a checkpoint of ours")?;
            (stream.to_owned(), version.parse()?)
        }
    };
    loop {
        let batch: Vec<(String, i64, String, Option<String>)> = sqlx::query_as(
            "select stream, version, commit, error from next_generation.exported \
             where (stream, version) > ($1, $2) order by stream, version limit $3",
        )
        .bind(&stream)
        .bind(version)
        .bind(AT_A_TIME as i64)
        .fetch_all(pool)
        .await?;
        let applied = batch.len() as u64;
        let next = batch.last().map(|last| (last.0.clone(), last.1));
        let deliveries = revealed(&system.store, batch).await?;
        let place = next.as_ref().map(|(stream, version)| format!("{version} {stream}"));
        rebuild.copy(IN_ORDER, deliveries, place).await?;
        progress.inc(applied);
        match next {
            Some(next) => (stream, version) = next,
            None => break,
        }
    }
    progress.finish_and_clear();
    println!("copied {commits} commits");
    Ok(())
}

/// What lies there to be sorted is sealed as it was in the export.
async fn revealed(
    store: &EventStore,
    batch: Vec<(String, i64, String, Option<String>)>,
) -> anyhow::Result<Vec<Delivery>> {
    let (mut commits, mut deliveries) = (Vec::new(), Vec::new());
    for (stream, version, payload, error) in batch {
        match error {
            None => commits.push(serde_json::from_str::<Commit>(&payload)?),
            Some(error) => {
                let stream: StreamId = stream.parse()?;
                let version = Version(version.unsigned_abs());
                let unreadable = Unreadable { stream, version, error, payload };
                deliveries.push(Delivery::Unreadable(unreadable));
            }
        }
    }
    deliveries.extend(store.reveal(commits).await?.into_iter().map(projector::delivery));
    Ok(deliveries)
}
