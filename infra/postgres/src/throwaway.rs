//! Folders for servers that leave nothing behind.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

const PREFIX: &str = "millrace-postgres-";
const IN_MEMORY: &str = "/dev/shm";
const ROOM_BYTES: u64 = 1 << 30;

/// A folder without a live owner is left alone while it is younger than this: its owner may be
/// about to lock it.
const SETTLED_AFTER: Duration = Duration::from_secs(60);

/// A folder that goes when it is dropped, in memory where there is more than a gibibyte of room.
///
/// A killed owner cannot delete its folder; the next one that is made does it, and knows by the
/// lock in it that nobody owns it any more.
#[derive(Debug)]
pub(crate) struct Scratch {
    dir: TempDir,
    _owned: File,
}

impl Scratch {
    pub(crate) fn make() -> Result<Self> {
        let base = base();
        sweep(&base);
        let dir = tempfile::Builder::new()
            .prefix(PREFIX)
            // The server's account has to get through to its own folder in here.
            .permissions(fs::Permissions::from_mode(0o711))
            .tempdir_in(&base)
            .with_context(|| format!("making a folder in {}", base.display()))?;
        let owned = File::create(lock_of(dir.path())).context("making the folder's lock")?;
        owned.lock().context("locking the folder")?;
        Ok(Self { dir, _owned: owned })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

fn base() -> PathBuf {
    let roomy = rustix::fs::statvfs(IN_MEMORY)
        .is_ok_and(|fs| fs.f_bavail.saturating_mul(fs.f_frsize) > ROOM_BYTES);
    let writable = || rustix::fs::access(IN_MEMORY, rustix::fs::Access::WRITE_OK).is_ok();
    if roomy && writable() { PathBuf::from(IN_MEMORY) } else { env::temp_dir() }
}

fn lock_of(dir: &Path) -> PathBuf {
    dir.join("owner")
}

/// Removes what killed owners left. Best effort: a folder of another user stays.
fn sweep(base: &Path) {
    let folders = fs::read_dir(base).into_iter().flatten().flatten();
    for dir in folders
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .map(|entry| entry.path())
    {
        let settled = fs::metadata(&dir)
            .and_then(|meta| meta.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > SETTLED_AFTER));
        let ownerless = || File::open(lock_of(&dir)).is_ok_and(|lock| lock.try_lock().is_ok());
        if settled && ownerless() {
            let _ = fs::remove_dir_all(&dir);
        }
    }
}
