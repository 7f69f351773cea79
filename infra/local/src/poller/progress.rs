//! How far a shard is done, in memory and on disk.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

use super::mapping::SequenceNumber;
use crate::folder;

/// The records of a shard that were read, in the order of the shard.
///
/// Lanes finish out of that order; the checkpoint is the last record before the first that is
/// not done, so nothing behind it is ever needed again.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    read: VecDeque<SequenceNumber>,
    done: HashSet<SequenceNumber>,
}

impl Progress {
    pub(crate) fn read(&mut self, number: SequenceNumber) {
        self.read.push_back(number);
    }

    /// Marks records as done, and returns the checkpoint if it moved.
    pub(crate) fn done(
        &mut self,
        numbers: impl IntoIterator<Item = SequenceNumber>,
    ) -> Option<SequenceNumber> {
        self.done.extend(numbers);
        let mut checkpoint = None;
        while let Some(number) = self.read.pop_front_if(|first| self.done.remove(first)) {
            checkpoint = Some(number);
        }
        checkpoint
    }

    /// Whether every record that was read is done.
    #[cfg(test)]
    pub(crate) fn is_complete(&self) -> bool {
        self.read.is_empty()
    }
}

/// The checkpoints of a stream's shards, in a file.
///
/// Losing it is harmless: every record is delivered again, and the projector drops what it has.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    path: PathBuf,
    by_shard: Mutex<BTreeMap<String, String>>,
}

impl Checkpoints {
    /// Reads the checkpoints of the stream with `arn`, or starts without any.
    pub(crate) fn open(folder: &Path, arn: &str) -> Self {
        // A table that was made anew has a new stream with a new ARN.
        let label = arn.rsplit('/').next().unwrap_or(arn);
        let path = folder.join(format!("checkpoints-{label}.json"));
        let by_shard = fs::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Self { path, by_shard: Mutex::new(by_shard) }
    }

    /// Forgets every checkpoint in `folder`, so that all records come again.
    pub(crate) fn forget(folder: &Path) -> Result<()> {
        for entry in
            fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?.flatten()
        {
            if entry.file_name().to_string_lossy().starts_with("checkpoints-") {
                fs::remove_file(entry.path())
                    .with_context(|| format!("removing {}", entry.path().display()))?;
            }
        }
        Ok(())
    }

    pub(crate) fn of(&self, shard: &str) -> Option<SequenceNumber> {
        self.by_shard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(shard)
            .cloned()
            .map(SequenceNumber)
    }

    pub(crate) fn save(&self, shard: &str, checkpoint: SequenceNumber) -> Result<()> {
        let mut by_shard = self.by_shard.lock().unwrap_or_else(PoisonError::into_inner);
        by_shard.insert(shard.to_owned(), checkpoint.0);
        folder::write(
            &self.path,
            &serde_json::to_vec_pretty(&*by_shard).context("encoding the checkpoints")?,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: u32) -> SequenceNumber {
        SequenceNumber(value.to_string())
    }

    #[test]
    fn the_checkpoint_never_passes_a_record_that_is_not_done() {
        let mut progress = Progress::default();
        (1..=4).for_each(|value| progress.read(number(value)));
        assert_eq!(progress.done([number(2), number(3)]), None);
        assert_eq!(progress.done([number(1)]), Some(number(3)));
        assert!(!progress.is_complete());
        assert_eq!(progress.done([number(4)]), Some(number(4)));
        assert!(progress.is_complete());
    }

    #[test]
    fn checkpoints_outlive_a_restart_but_not_their_table() {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        Checkpoints::open(dir.path(), "arn:x/stream/1")
            .save("shard", number(7))
            .expect("it is written");
        assert_eq!(Checkpoints::open(dir.path(), "arn:x/stream/1").of("shard"), Some(number(7)));
        assert_eq!(Checkpoints::open(dir.path(), "arn:x/stream/2").of("shard"), None);
        Checkpoints::forget(dir.path()).expect("the folder is there");
        assert_eq!(Checkpoints::open(dir.path(), "arn:x/stream/1").of("shard"), None);
    }
}
