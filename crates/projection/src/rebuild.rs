//! A view rebuilt beside the live one, checked against it, and swapped in.
//!
//! The next generation is the same tables in a schema of its own, with positions of its own, so
//! that the engine writes it as it writes the live one. It goes through four stages:
//!
//! 1. *Copying*: all commits are applied from the table or its export, by parts whose progress is
//!    kept, into tables without secondary indexes.
//! 2. *Following*: the indexes are built, and from then on projectors write both generations.
//!    What was committed during the copying is found by comparing positions, and read again.
//! 3. *Comparing*: both generations, row for row, for the streams that both have equally far.
//! 4. *Swapping*: projectors are held for a moment, all positions compared, and the tables moved
//!    between the schemas in one transaction. A read that has begun ends on what it began with.
//!
//! The tables that were live stay, with their positions, for the way back: that is the same path
//! from stage 2 on.

mod catch_up;
mod error;
mod follow;
mod forget;
mod parity;
mod schema;
mod swap;

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
};

pub use catch_up::CaughtUp;
use decider::StreamId;
pub use error::RebuildError;
pub use follow::Generations;
pub(crate) use forget::{forget, is_replaced};
use futures::future::try_join_all;
pub use parity::{Parity, TableParity};
use sqlx::{Connection, PgConnection, PgPool};
use swap::Scope;
pub use swap::Swap;

use crate::{ApplyError, CommitSource, Delivery, Engine, ReadModel, Report, View};

/// Where the tables are while they are built.
const NEXT: &str = "next_generation";

/// How many sessions share what is copied at a time of one part.
const WRITERS: usize = 2;

/// Where the tables are that were live before.
const PREVIOUS: &str = "previous_generation";

/// What is to be rebuilt, and from what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Names of views; none means all.
    pub views: Vec<String>,
    /// Where the commits come from, in the caller's words.
    pub source: String,
}

/// How far a part of the source is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checkpoint {
    /// Nothing of it.
    Start,
    /// Up to here, in the words of the source; and how many commits that were.
    At(String, u64),
    /// All of it; and how many commits that were.
    Done(u64),
}

/// A generation that is being built. Dropped or killed, it stays as far as it is, and
/// [`Rebuild::begin`] goes on with it.
pub struct Rebuild<M, S> {
    live: PgPool,
    /// Writes the live generation.
    live_engine: Engine<M, S>,
    /// Writes the next one.
    engine: Engine<M, S>,
    views: Vec<&'static View>,
    /// Holds the lock that keeps others out, for as long as the session lasts.
    _lock: PgConnection,
}

impl<M: ReadModel + Clone, S: CommitSource + Clone> Rebuild<M, S> {
    /// Begins to build, or goes on where the same plan was interrupted.
    ///
    /// # Errors
    /// [`RebuildError`], when the plan is not to be carried out now.
    pub async fn begin(
        pool: &PgPool,
        (model, source): (M, S),
        plan: &Plan,
    ) -> Result<Self, RebuildError> {
        let views = views::<M>(&plan.views)?;
        let mut lock = lock(pool).await?;
        match underway(&mut lock).await? {
            None => schema::create(&mut lock, &views, &plan.source).await?,
            Some((names, source)) if names == self::names(&views) && source == plan.source => {}
            Some((names, source_of_it)) => {
                return Err(RebuildError::Underway { views: names.join(", "), source_of_it });
            }
        }
        Self::at(pool, (model, source), views, lock).await
    }

    /// Makes the previous generation the next one, from where it was left.
    ///
    /// # Errors
    /// [`RebuildError::NoWayBack`], or when a rebuild is under way.
    pub async fn back(pool: &PgPool, (model, source): (M, S)) -> Result<Self, RebuildError> {
        let mut lock = lock(pool).await?;
        match underway(&mut lock).await? {
            None => schema::recall::<M>(&mut lock).await?,
            Some((_, source)) if source == schema::ROLLBACK => {}
            Some((names, source_of_it)) => {
                return Err(RebuildError::Underway { views: names.join(", "), source_of_it });
            }
        }
        let (names, _) = underway(&mut lock).await?.ok_or(RebuildError::NoWayBack)?;
        Self::at(pool, (model, source), views::<M>(&names)?, lock).await
    }

    /// Gives up what is under way; the live generation was never touched. Gives whether there was
    /// anything.
    ///
    /// # Errors
    /// [`RebuildError::Running`] while somebody is at it.
    pub async fn abandon(pool: &PgPool) -> Result<bool, RebuildError> {
        let mut lock = lock(pool).await?;
        schema::drop::<M>(&mut lock).await
    }

    async fn at(
        pool: &PgPool,
        (model, source): (M, S),
        views: Vec<&'static View>,
        lock: PgConnection,
    ) -> Result<Self, RebuildError> {
        let live_engine = Engine::new(pool.clone(), model.clone(), source.clone());
        let engine = follow::engine(pool, (model, source), &views).await?;
        Ok(Self { live: pool.clone(), live_engine, engine, views, _lock: lock })
    }

    /// How many commits the live generation has of these views; about as many are to be copied.
    ///
    /// # Errors
    /// What the database said.
    pub async fn commits(&self) -> Result<u64, RebuildError> {
        let sql = "select coalesce(sum(applied), 0)::bigint from position p \
                   where $1::text[] is null or split_part(p.stream, '-', 1) = any($1)";
        let commits: i64 =
            sqlx::query_scalar(sql).bind(self.categories()).fetch_one(&self.live).await?;
        Ok(commits.unsigned_abs())
    }

    /// How far a part of the source is copied.
    ///
    /// # Errors
    /// What the database said.
    pub async fn checkpoint(&self, part: &str) -> Result<Checkpoint, RebuildError> {
        let sql = "select next, commits from rebuild_part where name = $1";
        let found: Option<(Option<String>, i64)> =
            sqlx::query_as(sql).bind(part).fetch_optional(&self.live).await?;
        Ok(match found {
            None => Checkpoint::Start,
            Some((Some(next), commits)) => Checkpoint::At(next, commits.unsigned_abs()),
            Some((None, commits)) => Checkpoint::Done(commits.unsigned_abs()),
        })
    }

    /// Applies commits of a part, and notes where it goes on; `None` when it is done. Commits that
    /// are applied and not noted are dropped as duplicates when they come again.
    ///
    /// # Errors
    /// When the event table or the database is away: copy them again.
    pub async fn copy(
        &self,
        part: &str,
        mut deliveries: Vec<Delivery>,
        next: Option<String>,
    ) -> Result<Report, RebuildError> {
        let read = deliveries.len();
        deliveries.retain(|delivery| self.shows(delivery.stream()));
        let report = self.apply(deliveries).await?;
        sqlx::query(
            "insert into rebuild_part (name, next, commits) values ($1, $2, $3) \
             on conflict (name) do update \
             set next = excluded.next, commits = rebuild_part.commits + excluded.commits",
        )
        .bind(part)
        .bind(next)
        .bind(i64::try_from(read).unwrap_or(i64::MAX))
        .execute(&self.live)
        .await?;
        Ok(report)
    }

    /// Applies them in several sessions at once, each stream in one.
    async fn apply(&self, deliveries: Vec<Delivery>) -> Result<Report, ApplyError> {
        let mut shares = vec![Vec::new(); WRITERS];
        for delivery in deliveries {
            let mut hasher = DefaultHasher::new();
            delivery.stream().hash(&mut hasher);
            let share = hasher.finish() as usize % WRITERS;
            shares[share].push(delivery);
        }
        let mut report = Report::default();
        for share in try_join_all(shares.into_iter().map(|share| self.engine.apply(share))).await? {
            report += share;
        }
        Ok(report)
    }

    /// Ends the copying: builds the indexes, and lets projectors write both generations.
    ///
    /// # Errors
    /// What the database said.
    pub async fn follow(&self) -> Result<(), RebuildError> {
        let mut connection = self.live.acquire().await?;
        schema::index(&mut connection, &self.tables()).await?;
        sqlx::query("update rebuild set followed = true").execute(&mut *connection).await?;
        Ok(())
    }

    /// Compares both generations, of the streams that both have equally far.
    ///
    /// # Errors
    /// What the database said.
    pub async fn compare(&self) -> Result<Parity, RebuildError> {
        Ok(parity::compare::<M>(&self.live, &self.tables(), self.categories()).await?)
    }

    /// Makes the next generation the live one, if it lacks nothing at that moment.
    ///
    /// # Errors
    /// [`RebuildError::Ahead`], or what the database said. Nothing was
    /// changed then.
    pub async fn swap(&self) -> Result<Swap, RebuildError> {
        let scope = Scope {
            tables: self.tables(),
            categories: self.categories(),
            is_whole: self.views.len() == M::VIEWS.len(),
        };
        swap::swap(&self.live, &scope).await
    }

    fn shows(&self, stream: &StreamId) -> bool {
        self.views.iter().any(|view| view.shows(stream))
    }

    fn tables(&self) -> Vec<&'static str> {
        tables(&self.views)
    }

    /// The categories of the streams at hand; `None` means all.
    fn categories(&self) -> Option<Vec<&'static str>> {
        self.views.iter().map(|view| view.category).collect()
    }
}

fn tables(views: &[&'static View]) -> Vec<&'static str> {
    views.iter().flat_map(|view| view.tables).copied().collect()
}

fn names(views: &[&'static View]) -> Vec<String> {
    views.iter().map(|view| view.name.to_owned()).collect()
}

/// The views of these names, in the order of the read model; all where there are none.
fn views<M: ReadModel>(names: &[String]) -> Result<Vec<&'static View>, RebuildError> {
    let known: BTreeSet<_> = M::VIEWS.iter().map(|view| view.name).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(name.as_str())) {
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        return Err(RebuildError::UnknownView { name: name.clone(), known });
    }
    let wanted = |view: &&View| names.is_empty() || names.iter().any(|name| name == view.name);
    Ok(M::VIEWS.iter().filter(wanted).collect())
}

/// Keeps other rebuilds out while the connection lasts.
async fn lock(pool: &PgPool) -> Result<PgConnection, RebuildError> {
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
    let locked: bool = sqlx::query_scalar("select pg_try_advisory_lock(hashtext('rebuild'))")
        .fetch_one(&mut connection)
        .await?;
    if locked { Ok(connection) } else { Err(RebuildError::Running) }
}

/// The views and the source of the rebuild that was begun.
async fn underway(
    connection: &mut PgConnection,
) -> Result<Option<(Vec<String>, String)>, sqlx::Error> {
    sqlx::query_as("select views, source from rebuild").fetch_optional(connection).await
}
