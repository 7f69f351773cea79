//! Where a cluster lives, and the lock that gives it one owner.

use std::fs::{self, File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::account::Account;

/// Left in the data folder when the cluster had to be kept elsewhere; says where.
const MOVED: &str = "moved-to";

const PREDECESSOR_ENDS_WITHIN: Duration = Duration::from_secs(1);

/// A folder of the server's account with the cluster, its password and its log.
///
/// It is the data folder itself, unless the account cannot get there (a folder above is closed,
/// as `/root` is): then it is `/var/tmp/millrace-<hash of the data folder>`, and the data folder
/// holds a file `moved-to` that names it. Deleting the data folder deletes the cluster in either
/// case: without that file a cluster found in `/var/tmp` is taken for garbage and made anew.
#[derive(Debug)]
pub(crate) struct Home {
    dir: PathBuf,
    /// Held as long as this value lives; the kernel lets go of it when the process dies.
    _owned: File,
}

impl Home {
    /// Makes the folder where it is missing and takes its lock.
    ///
    /// # Errors
    /// When another process owns it, or it cannot be made.
    pub(crate) fn open(data_dir: &Path, account: Account) -> Result<Self> {
        fs::create_dir_all(data_dir).with_context(|| format!("making {}", data_dir.display()))?;
        let data_dir =
            data_dir.canonicalize().with_context(|| format!("resolving {}", data_dir.display()))?;
        let owned = lock(&data_dir)?;
        let dir = if account.reaches(&data_dir) {
            account.take(&data_dir, 0o700)?;
            data_dir
        } else {
            elsewhere(&data_dir, Path::new("/var/tmp"), account)?
        };
        Ok(Self { dir, _owned: owned })
    }

    /// PostgreSQL's data directory.
    pub(crate) fn cluster(&self) -> PathBuf {
        self.dir.join("cluster")
    }

    /// Where `initdb` works, so that a cluster is there whole or not at all.
    pub(crate) fn unfinished_cluster(&self) -> PathBuf {
        self.dir.join("cluster.new")
    }

    /// The superuser's password, mode 0600.
    pub(crate) fn password_file(&self) -> PathBuf {
        self.dir.join("password")
    }

    /// What the server prints.
    pub(crate) fn log_file(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }
}

fn lock(data_dir: &Path) -> Result<File> {
    let path = data_dir.join("lock");
    let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
    // An owner that was killed holds it until the kernel is done with that process.
    let deadline = Instant::now() + PREDECESSOR_ENDS_WITHIN;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                bail!("{} is in use by another process", data_dir.display())
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", path.display()));
            }
        }
    }
}

/// The folder under `shelf` that stands in for `data_dir`.
fn elsewhere(data_dir: &Path, shelf: &Path, account: Account) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    data_dir.as_os_str().as_bytes().hash(&mut hasher);
    let dir = shelf.join(format!("millrace-{:016x}", hasher.finish()));
    let marker = data_dir.join(MOVED);
    let known = fs::read(&marker).is_ok_and(|path| path == dir.as_os_str().as_bytes());
    if let Ok(meta) = fs::symlink_metadata(&dir) {
        // Anyone may write to /var/tmp: what somebody else put there is not ours to use.
        ensure!(
            account.owns(&meta),
            "{} is there, but is not a folder of the server's account",
            dir.display()
        );
        if !known {
            fs::remove_dir_all(&dir).with_context(|| {
                format!("removing {}, whose data folder was deleted", dir.display())
            })?;
        }
    }
    if !dir.exists() {
        fs::create_dir(&dir).with_context(|| format!("making {}", dir.display()))?;
    }
    account.take(&dir, 0o700)?;
    fs::write(&marker, dir.as_os_str().as_bytes())
        .with_context(|| format!("writing {}", marker.display()))?;
    tracing::info!(
        "PostgreSQL cannot get into {}: its cluster is in {}",
        data_dir.display(),
        dir.display()
    );
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder can be made")
    }

    #[test]
    fn a_second_owner_is_refused_until_the_first_lets_go() {
        let data = folder();
        let first = Home::open(data.path(), Account::Own).expect("it is free");
        let refusal = Home::open(data.path(), Account::Own).expect_err("the first one owns it");
        assert!(refusal.to_string().ends_with("is in use by another process"), "{refusal}");
        drop(first);
        Home::open(data.path(), Account::Own).expect("it is free again");
    }

    #[test]
    fn a_cluster_kept_elsewhere_goes_with_its_data_folder() {
        let (data, shelf) = (folder(), folder());
        let stand_in = elsewhere(data.path(), shelf.path(), Account::Own).expect("it is made");
        fs::write(stand_in.join("PG_VERSION"), "15").expect("it is writable");
        assert_eq!(
            elsewhere(data.path(), shelf.path(), Account::Own).expect("it is found"),
            stand_in
        );
        assert!(stand_in.join("PG_VERSION").exists());

        fs::remove_file(data.path().join(MOVED)).expect("the data folder was made anew");
        assert_eq!(
            elsewhere(data.path(), shelf.path(), Account::Own).expect("it is made again"),
            stand_in
        );
        assert!(!stand_in.join("PG_VERSION").exists());
    }
}
