//! The data folder: one owner at a time, and files that are whole or not there.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

/// A stack's data folder, locked for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is missing and becomes its owner.
    ///
    /// # Errors
    /// When another stack owns it.
    pub(crate) fn own(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("making {}", path.display()))?;
        let path = path.canonicalize().with_context(|| format!("resolving {}", path.display()))?;
        let lock = File::create(path.join("lock"))
            .with_context(|| format!("opening the lock of {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("another stack runs on {}: stop it, or set DATA_DIR", path.display())
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("locking {}", path.display()))
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes a file that only its owner may read, so that it is there whole or, after a crash, as it was.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<()> {
    let file = written_beside(path, content)?;
    file.persist(path).with_context(|| format!("writing {}", path.display()))?;
    Ok(())
}

/// As [`write()`], but leaves a file that is already there.
pub(crate) fn write_once(path: &Path, content: &[u8]) -> Result<()> {
    let file = written_beside(path, content)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(failure) if failure.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(failure) => Err(failure.error).with_context(|| format!("writing {}", path.display())),
    }
}

/// A temporary file has mode 0600.
fn written_beside(path: &Path, content: &[u8]) -> Result<NamedTempFile> {
    let dir = path.parent().with_context(|| format!("{} has no folder", path.display()))?;
    let mut file = NamedTempFile::new_in(dir)
        .with_context(|| format!("making a file in {}", dir.display()))?;
    file.write_all(content).with_context(|| format!("writing to {}", dir.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_stack_on_the_same_folder_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let _first = Folder::own(dir.path()).expect("it is free");
        let refusal = Folder::own(dir.path()).expect_err("it is taken").to_string();
        assert!(refusal.starts_with("another stack runs on "), "{refusal}");
    }

    #[test]
    fn the_first_of_two_writers_wins_where_only_one_may() {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let path = dir.path().join("key");
        write_once(&path, b"first").expect("it is written");
        write_once(&path, b"second").expect("it is left");
        assert_eq!(fs::read(&path).expect("it is there"), b"first");
    }
}
