//! One projector at work, with its own line to the database.

use std::{
    future::Future,
    pin::{Pin, pin},
    time::Duration,
};

use anyhow::Context;
use projection::{ApplyError, Delivery, Engine, ReadModel, Report};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use tokio::sync::oneshot;

use crate::{
    EventTable, Fault, Line,
    line::Part,
    plan::Planned,
    quiet,
    relay::{Hold, Spring},
};

/// Longer than any statement here takes; a projector that waits this long has lost its connection.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a slow statement takes longer.
const SLOW: Duration = Duration::from_millis(8);

/// A projector. As on Lambda, it does one thing at a time and has one connection.
#[derive(Debug)]
pub(crate) struct Lane<M> {
    line: Line,
    pool: PgPool,
    table: EventTable,
    engine: Engine<M, EventTable>,
    /// A way to the database that nothing happens to.
    control: PgPool,
    /// Locks all tables of rows against writing.
    lock: String,
}

/// What became of an invocation.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) result: anyhow::Result<Report>,
    /// Whether the fault that was planned came about.
    pub(crate) struck: bool,
}

/// What is ended while it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The session, once.
    Session,
    /// Each statement, as long as there are any.
    Statements,
}

/// Somebody else's end of a statement that is held up.
struct Held {
    there: oneshot::Receiver<i32>,
    release: oneshot::Sender<()>,
}

impl<M: ReadModel + Clone> Lane<M> {
    pub(crate) fn open(
        url: &str,
        model: M,
        table: &EventTable,
        quiet: (PgPool, String),
    ) -> anyhow::Result<Self> {
        let (control, lock) = quiet;
        let line = Line::to(url)?;
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(line.options());
        let table = table.seen_by_another();
        let engine = Engine::new(pool.clone(), model, table.clone());
        Ok(Self { line, pool, table, engine, control, lock })
    }

    /// Nothing is wrong here, whatever was when the last plan ended.
    pub(crate) fn begin(&self, part: Option<Part>) {
        drop(self.line.set_part(part));
        self.line.open();
        self.line.clear_trap();
        self.table.set_away(false);
    }

    /// One invocation, with what goes wrong with it.
    pub(crate) async fn attempt(&self, batch: Vec<Delivery>, planned: Option<Planned>) -> Attempt {
        let Some(Planned { fault, statement }) = planned else {
            return Attempt { result: applied(self.engine.apply(batch)).await, struck: false };
        };
        match fault {
            Fault::DatabaseAway => {
                self.line.close();
                let result = applied(self.engine.apply(batch)).await;
                self.line.open();
                Attempt { result, struck: true }
            }
            Fault::TableAway => {
                self.table.set_away(true);
                let result = applied(self.engine.apply(batch)).await;
                self.table.set_away(false);
                Attempt { result, struck: self.table.refused() > 0 }
            }
            Fault::CrashBeforeCommit => self.trap(batch, statement, Spring::CutBefore).await,
            Fault::CrashAfterCommit => self.trap(batch, statement, Spring::AnswerLost).await,
            Fault::CutMidMessage => self.trap(batch, statement, Spring::CutMidMessage).await,
            Fault::CutWhileRunning => self.trap(batch, statement, Spring::CutWhileRunning).await,
            Fault::Slow => self.trap(batch, statement, Spring::Slow(SLOW)).await,
            Fault::OutOfTime => {
                let held = self.hold(statement);
                self.spring(self.give_up(batch, held)).await
            }
            Fault::Terminated => {
                let held = self.hold(statement);
                self.spring(self.block(batch, held, End::Session)).await
            }
            Fault::Cancelled => {
                let held = self.hold(statement);
                self.spring(self.block(batch, held, End::Statements)).await
            }
        }
    }

    async fn trap(&self, batch: Vec<Delivery>, statement: u32, spring: Spring) -> Attempt {
        self.line.set_trap(statement, spring);
        self.spring(applied(self.engine.apply(batch))).await
    }

    /// Waits for an invocation that a trap was set for.
    async fn spring(&self, result: impl Future<Output = anyhow::Result<Report>>) -> Attempt {
        let result = result.await;
        Attempt { result, struck: self.line.clear_trap() }
    }

    fn hold(&self, statement: u32) -> Held {
        let ((held, there), (release, released)) = (oneshot::channel(), oneshot::channel());
        self.line.set_trap(statement, Spring::Held(Hold { held, release: released }));
        Held { there, release }
    }

    /// The projector is gone while its statement is on the way, and the statement lands.
    async fn give_up(&self, batch: Vec<Delivery>, held: Held) -> anyhow::Result<Report> {
        tokio::select! {
            biased;
            result = applied(self.engine.apply(batch)) => return result,
            Ok(_) = held.there => {}
        }
        let _ = held.release.send(());
        // The next invocation finds the connection as this one left it, once that has landed.
        drop(self.pool.acquire().await);
        anyhow::bail!("out of time, as planned")
    }

    /// Somebody has locked the rows; whatever waits for them is ended.
    async fn block(&self, batch: Vec<Delivery>, held: Held, end: End) -> anyhow::Result<Report> {
        let mut applying = pin!(applied(self.engine.apply(batch)));
        let process = tokio::select! {
            biased;
            result = &mut applying => return result,
            Ok(process) = held.there => process,
        };
        // Nobody else has a turn while the rows are locked.
        let part = self.line.set_part(None);
        let result = self.end(applying, (process, held.release), end).await;
        drop(self.line.set_part(part));
        result
    }

    /// Locks the rows, lets the statement of a process go on, and ends it when it waits for them.
    async fn end(
        &self,
        mut applying: Pin<&mut impl Future<Output = anyhow::Result<Report>>>,
        (process, release): (i32, oneshot::Sender<()>),
        end: End,
    ) -> anyhow::Result<Report> {
        let mut blocker = self.control.begin().await.context("a session that is in the way")?;
        let lock = AssertSqlSafe(self.lock.as_str());
        sqlx::query(lock).execute(&mut *blocker).await.context("being in the way")?;
        let _ = release.send(());
        loop {
            tokio::select! {
                // What writes no rows, as what is poison or known, needs no lock.
                result = &mut applying => {
                    blocker.rollback().await.context("no longer in the way")?;
                    return result;
                }
                blocked = quiet::until_blocked(&self.control, process) => blocked?,
            }
            let sql = match end {
                End::Session => "select pg_terminate_backend($1)",
                End::Statements => "select pg_cancel_backend($1)",
            };
            sqlx::query(sql).bind(process).execute(&self.control).await.context("ending it")?;
            if end == End::Session {
                blocker.rollback().await.context("no longer in the way")?;
                return applying.await;
            }
        }
    }

    /// Waits until nothing that this projector began is still going on.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        drop(self.pool.acquire().await.context("a connection through the line")?);
        quiet::until_gone(&self.control, &self.line.left_behind()).await
    }
}

async fn applied(
    applying: impl Future<Output = Result<Report, ApplyError>>,
) -> anyhow::Result<Report> {
    applying.await.map_err(Into::into)
}
