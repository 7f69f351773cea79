//! A disk of a few megabytes, which only this test sees.
//!
//! Mounting takes a privilege. The test runs itself again in a mount namespace of its own, so that
//! the mount goes with the process, however that ends: as root with `unshare --mount`, as anybody
//! else in a user namespace, too, where the kernel lets users have them. Where neither is allowed
//! (a container without CAP_SYS_ADMIN) it says so and tests nothing; CI runs as root.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use rustix::mount::{MountFlags, mount};
use tempfile::TempDir;

/// Set in the process that has a namespace of its own.
const INSIDE: &str = "MILLRACE_TEST_NAMESPACE";

/// As `local-postgres` runs the server when it is started by root.
const NOBODY: u32 = 65_534;

/// A disk that is soon full.
pub struct SmallDisk {
    path: PathBuf,
    _folder: TempDir,
}

impl SmallDisk {
    /// Mounts one, for the test of this name. `None` where the test has run elsewhere by now, or
    /// cannot run.
    pub fn mount(test: &str, megabytes: u32) -> anyhow::Result<Option<Self>> {
        if std::env::var_os(INSIDE).is_none() {
            run_inside(test)?;
            return Ok(None);
        }
        let folder = crate::kill::folder()?;
        let path = folder.path().join("disk");
        fs::create_dir(&path)?;
        let options = std::ffi::CString::new(format!("size={megabytes}m,mode=0711"))?;
        let flags = MountFlags::empty();
        mount("tmpfs", &path, "tmpfs", flags, options.as_c_str()).context("mounting a tmpfs")?;
        Ok(Some(Self { path, _folder: folder }))
    }

    /// A folder on it.
    pub fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.path.join(name);
        fs::create_dir(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        if rustix::process::geteuid().is_root() {
            chown(&folder, Some(NOBODY), Some(NOBODY))?;
        }
        Ok(folder)
    }

    /// Takes all the room that is left but so many bytes, until it is dropped.
    pub fn fill(&self, but: u64) -> anyhow::Result<Ballast> {
        let path = self.path.join("ballast");
        let mut file = File::create(&path)?;
        let mut written = 0;
        let block = [7; 1 << 16];
        while let Ok(bytes) = file.write(&block) {
            written += bytes as u64;
        }
        file.set_len(written.saturating_sub(but))?;
        Ok(Ballast { path })
    }
}

/// A file that is in the way.
pub struct Ballast {
    path: PathBuf,
}

impl Drop for Ballast {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}

/// Runs a test of this binary in namespaces of its own.
fn run_inside(test: &str) -> anyhow::Result<()> {
    let namespaces: &[&str] = if rustix::process::geteuid().is_root() {
        &["--mount"]
    } else {
        &["--mount", "--user", "--map-current-user", "--keep-caps"]
    };
    let unshare = |program: &Path| {
        let mut command = Command::new("unshare");
        command.args(namespaces).arg(program);
        command
    };
    if !unshare(Path::new("true")).output().is_ok_and(|probe| probe.status.success()) {
        println!("{test} needs root, or a kernel that gives users namespaces: not tested here");
        return Ok(());
    }
    let inside = unshare(&std::env::current_exe()?)
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()?;
    let said = String::from_utf8_lossy(&inside.stdout);
    let complained = String::from_utf8_lossy(&inside.stderr);
    ensure!(inside.status.success(), "in a namespace of its own:\n{said}{complained}");
    ensure!(said.contains("1 passed"), "{test} is not the name of one test: {said}");
    Ok(())
}
