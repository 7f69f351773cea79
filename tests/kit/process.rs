//! A stack in a process of its own, so that it can be killed.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::{Caller, log::Log, private};

/// A running `local-stack dev`.
pub struct StackProcess {
    child: Child,
    url: String,
    data_dir: PathBuf,
    /// Read after the process is over: it is dropped last.
    _log: Log,
}

impl StackProcess {
    /// Starts one on that folder and waits until it is ready; it ends by itself if it cannot be.
    ///
    /// # Errors
    /// When the binary is not there, or the stack does not start.
    pub fn start(data_dir: &Path) -> anyhow::Result<Self> {
        Self::start_into(Log::new()?, data_dir)
    }

    /// As [`StackProcess::start`], with all that its functions say in a file.
    ///
    /// # Errors
    /// As [`StackProcess::start`].
    pub fn start_logging(data_dir: &Path, log: &Path) -> anyhow::Result<Self> {
        Self::start_into(Log::at(log)?, data_dir)
    }

    fn start_into(log: Log, data_dir: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(binary("local-stack")?)
            .args(["dev", "--port", "0", "--data-dir"])
            .arg(data_dir)
            .env("RUST_LOG", witness::level())
            .stdout(Stdio::piped())
            .stderr(log.stdio()?)
            .spawn()?;
        let out = child.stdout.take().context("the output is piped")?;
        let mut ready = String::new();
        BufReader::new(out).read_line(&mut ready)?;
        let Some(url) = ready.trim().strip_prefix("ready ").map(str::to_owned) else {
            bail!("the stack did not start: {ready:?} {:?}", child.wait());
        };
        private::note_keys(data_dir);
        Ok(Self { child, url, data_dir: data_dir.to_owned(), _log: log })
    }

    /// A caller with these scopes.
    ///
    /// # Errors
    /// When the issuer does not give a token.
    pub fn caller(&self, data_dir: &Path, scope: &str) -> anyhow::Result<Caller> {
        let token = Command::new(binary("local-stack")?)
            .args(["token", "--scope", scope, "--data-dir"])
            .arg(data_dir)
            .output()?;
        ensure!(token.status.success(), "{token:?}");
        let token = String::from_utf8(token.stdout)?.trim().to_owned();
        Ok(Caller::new(self.url.clone(), token))
    }

    /// `kill -9`, as an operator or the kernel would.
    ///
    /// # Errors
    /// When it has ended by itself.
    pub fn kill_9(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// `SIGTERM`; gives whether it ended cleanly.
    ///
    /// # Errors
    /// When it has ended by itself.
    pub fn terminate(mut self) -> anyhow::Result<bool> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM)?;
        Ok(self.child.wait()?.success())
    }
}

impl Drop for StackProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        private::read_metrics(&self.data_dir);
    }
}

/// A binary of ours: it lies beside the folder of the tests' own, or beside the caller.
///
/// # Errors
/// When it was not built.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let caller = std::env::current_exe()?;
    let beside = caller.parent().context("a binary lies in a folder")?;
    let folder = if beside.ends_with("deps") { beside.parent() } else { Some(beside) };
    let folder = folder.context("a test lies in target/*/deps")?;
    let binary = folder.join(name);
    ensure!(binary.exists(), "no {}: cargo build --bins", binary.display());
    Ok(binary)
}
