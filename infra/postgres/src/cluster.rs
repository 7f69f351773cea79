//! Making a cluster, and clearing what a crash left of the last run.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::account::Account;
use crate::binaries::{Binaries, stdout};
use crate::home::Home;

/// The superuser.
pub(crate) const USER: &str = "postgres";

/// How long the children of a server that was killed have to end.
const ORPHANS_END_WITHIN: Duration = Duration::from_secs(30);

/// Between two looks whether they have.
const LOOK: Duration = Duration::from_millis(10);

/// What survives a crash of the machine; a crash of the process alone never costs a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Every commit.
    Kept,
    /// Nothing: for data that is deleted anyway.
    Throwaway,
}

impl Durability {
    /// Settings for the server's command line.
    pub(crate) fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Kept => &[],
            Self::Throwaway => &["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
        }
    }
}

/// Leaves a cluster that is ready to be started, and returns the superuser's password.
///
/// A cluster without a server is made; one whose server still runs, though its owner is gone,
/// is stopped first.
pub(crate) fn prepare(
    home: &Home,
    binaries: &Binaries,
    account: Account,
    durability: Durability,
) -> Result<String> {
    let cluster = home.cluster();
    if !cluster.exists() {
        init(home, binaries, account, durability)?;
    }
    let made_by = fs::read_to_string(cluster.join("PG_VERSION"))
        .with_context(|| format!("{} is no cluster", cluster.display()))?;
    let made_by = made_by.trim();
    ensure!(
        made_by == binaries.major.to_string(),
        "{} was made by PostgreSQL {made_by}, but version {} was found: set PG_BIN_DIR, or delete the folder to start anew",
        cluster.display(),
        binaries.major
    );
    clear_last_run(&cluster, binaries, account)?;
    let path = home.password_file();
    fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}

fn init(home: &Home, binaries: &Binaries, account: Account, durability: Durability) -> Result<()> {
    let password_file = home.password_file();
    fs::write(&password_file, random_password()?)
        .with_context(|| format!("writing {}", password_file.display()))?;
    account.take(&password_file, 0o600)?;

    let unfinished = home.unfinished_cluster();
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)
            .with_context(|| format!("removing {}", unfinished.display()))?;
    }
    let mut initdb = account.command(&binaries.program("initdb"));
    initdb.arg("--pgdata").arg(&unfinished).arg("--pwfile").arg(&password_file);
    initdb.args(["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--username", USER]);
    if durability == Durability::Throwaway {
        // Its socket lies in its own folder, which nobody else can enter: whoever gets there could
        // read the files, too. A password would cost a debug build 60 ms a connection.
        initdb.args(["--no-sync", "--auth-local=trust"]);
    }
    stdout(&mut initdb)?;
    fs::rename(&unfinished, home.cluster())
        .with_context(|| format!("moving {} into place", unfinished.display()))
}

fn random_password() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .context("reading /dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Stops a server that outlived its owner, and removes a `postmaster.pid` that names none.
///
/// The caller holds the lock of the home, so a server that runs here has no owner. PostgreSQL
/// itself would refuse to start when the number in a left-over file has since been given to
/// another process of the same account.
pub(crate) fn clear_last_run(cluster: &Path, binaries: &Binaries, account: Account) -> Result<()> {
    let pid_file = cluster.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&pid_file) else { return Ok(()) };
    if names_server_of(&text, cluster) {
        tracing::info!("stopping a PostgreSQL that outlived its stack in {}", cluster.display());
        let mut stop = account.command(&binaries.program("pg_ctl"));
        stop.args(["stop", "--wait", "--mode=fast", "--timeout=60", "--pgdata"]).arg(cluster);
        if let Err(failure) = stdout(&mut stop) {
            // It may have been on its way out: what counts is whether it is gone.
            let still_there =
                fs::read_to_string(&pid_file).is_ok_and(|text| names_server_of(&text, cluster));
            ensure!(!still_there, failure);
        }
    }
    end_orphans(cluster)?;
    if pid_file.exists() {
        fs::remove_file(&pid_file).with_context(|| format!("removing {}", pid_file.display()))?;
    }
    Ok(())
}

/// Ends what a server that was killed left behind. Its children notice by themselves, but one that
/// is busy only once it is done; a server that started beside them would ruin the data, and
/// without the file that is removed next PostgreSQL could not tell.
fn end_orphans(cluster: &Path) -> Result<()> {
    let deadline = Instant::now() + ORPHANS_END_WITHIN;
    loop {
        let orphans = works_in(cluster);
        if orphans.is_empty() {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "processes {orphans:?} of a server that was killed still work in {}",
            cluster.display()
        );
        for orphan in orphans {
            // Refused when it is gone by now.
            let _ = kill_process(orphan, Signal::QUIT);
        }
        thread::sleep(LOOK);
    }
}

/// The processes whose working directory this is.
fn works_in(dir: &Path) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_dir = processes
        .filter(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == dir));
    of_dir
        .filter_map(|process| Pid::from_raw(process.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// Whether the process that a `postmaster.pid` names lives and is a server of this cluster: a
/// postmaster works in its data directory.
fn names_server_of(pid_file: &str, cluster: &Path) -> bool {
    let Some(pid) =
        pid_file.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw)
    else {
        return false;
    };
    test_kill_process(pid).is_ok()
        && fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero()))
            .is_ok_and(|dir| dir == cluster)
}
