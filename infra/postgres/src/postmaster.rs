//! The server process, and the thread that is its parent.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;

use crate::death_signal::on_death_of_parent;

/// How often the parent looks whether the server ended. Bounds the delay of a stop.
const LOOK: Duration = Duration::from_millis(10);

/// How long the server has to end after "now", before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// "Fast" and "immediate", as `pg_ctl stop --mode` calls them.
const FAST: Signal = Signal::INT;
const IMMEDIATE: Signal = Signal::QUIT;

/// A running server. Dropping it stops the server at once, without a checkpoint, and waits.
///
/// The death signal follows the *thread* that spawned the process, so one thread spawns it and
/// then does nothing but wait: async runtimes retire theirs.
#[derive(Debug)]
pub(crate) struct Postmaster {
    orders: Option<Sender<Signal>>,
    ended: watch::Receiver<Option<ExitStatus>>,
    parent: Option<JoinHandle<()>>,
}

impl Postmaster {
    /// Starts `command` with its output appended to `log`, in a process group of its own: a
    /// Ctrl-C in the terminal is for the owner, which then stops the server last.
    pub(crate) fn spawn(mut command: Command, log: &Path) -> Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("opening {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("sharing the log")?)
            .stderr(log)
            .process_group(0);
        on_death_of_parent(&mut command, FAST);

        let (spawned_tx, spawned) = channel();
        let (orders_tx, orders) = channel();
        let (ended_tx, ended) = watch::channel(None);
        let parent = thread::Builder::new()
            .name("postgres-parent".to_owned())
            .spawn(move || match command.spawn() {
                Ok(child) => {
                    let _ = spawned_tx.send(Ok(()));
                    ended_tx.send_replace(Some(wait(child, &orders)));
                }
                Err(error) => drop(spawned_tx.send(Err(error))),
            })
            .context("starting the server's parent thread")?;
        spawned
            .recv()
            .map_err(|_| anyhow!("the server's parent thread died"))?
            .context("starting postgres")?;
        Ok(Self { orders: Some(orders_tx), ended, parent: Some(parent) })
    }

    /// How the server ended, if it has.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        *self.ended.borrow()
    }

    /// Ends all sessions, writes a checkpoint, and returns when the process is gone.
    pub(crate) async fn stop(mut self) {
        self.end(FAST).await;
    }

    /// `kill -9`; returns when the process is gone. Its children end by themselves, later.
    pub(crate) async fn kill_9(&mut self) {
        self.end(Signal::KILL).await;
    }

    async fn end(&mut self, how: Signal) {
        if let Some(orders) = &self.orders {
            // Refused only when the server is already gone.
            let _ = orders.send(how);
        }
        let _ = self.ended.wait_for(Option::is_some).await;
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(parent) = self.parent.take() {
            let _ = parent.join();
        }
    }
}

/// Waits for the server's end: by itself, by order, or at once when nobody can order any more.
fn wait(mut child: Child, orders: &Receiver<Signal>) -> ExitStatus {
    let pid = Pid::from_child(&child);
    let mut kill_at = None;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status,
            Ok(None) => {}
            Err(error) => {
                unreachable!("the server is this thread's own child, yet waiting says {error}")
            }
        }
        match orders.recv_timeout(LOOK) {
            Ok(signal) => drop(kill_process(pid, signal)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let deadline = *kill_at.get_or_insert_with(|| {
                    let _ = kill_process(pid, IMMEDIATE);
                    Instant::now() + GRACE
                });
                if Instant::now() > deadline {
                    let _ = child.kill();
                }
                thread::sleep(LOOK);
            }
        }
    }
}
