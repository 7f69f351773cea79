//! A read model as small as one can be: lamps, the rooms they were lit in, and a total.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use local_postgres::TestDatabase;
use projection::{
    ApplyError, Changes, Commit, CommitSource, Delivery, Engine, Metadata, ReadModel,
    RecordedEvent, Report, StreamId, Table, Tally, Timestamp, Undecodable, Version, View, Waiting,
    row,
};
use sqlx::{PgPool, postgres::PgPoolOptions};

row! {
    /// A lamp.
    pub struct LampRow: loaded from "lamp", owned by "lamp" through id: "text";
    key {
        /// Which.
        id: String = "text",
    }
    rest {
        /// How often.
        times_lit: i64 = "bigint",
    }
}

row! {
    /// What was once written on a lamp.
    pub struct LabelRow: logged from "label", owned by any through stream: "text";
    key {
        /// Which stream.
        stream: String = "text",
        /// In which commit.
        version: i64 = "bigint",
    }
    rest {
        /// What.
        text: String = "text",
    }
}

row! {
    /// A room that a lamp was lit in.
    pub struct RoomRow: loaded from "room", owned by "lamp" through lamp: "text";
    key {
        /// Which lamp.
        lamp: String = "text",
        /// Which room.
        room: String = "text",
    }
    rest {
        /// Since which commit.
        version: i64 = "bigint",
    }
}

/// Few keys are many here.
pub const WAITING: Waiting = Waiting { from_keys: 3, most_keys: 6 };

pub struct Lamps {
    lamp: Table<LampRow>,
    room: Table<RoomRow>,
    label: Table<LabelRow>,
    total: Tally,
}

impl Default for Lamps {
    fn default() -> Self {
        let total = Tally::new("total", ("name", "times"), WAITING);
        Self { lamp: Table::default(), room: Table::default(), label: Table::default(), total }
    }
}

#[derive(Clone, Copy)]
pub struct Light;

impl ReadModel for Light {
    const VIEWS: &'static [View] = &[View {
        name: "lamps",
        category: Some("lamp"),
        tables: &["lamp", "room", "label", "total", "total_waiting"],
    }];
    type Tables = Lamps;

    fn each(tables: &mut Lamps) -> Vec<&mut dyn Changes> {
        vec![&mut tables.lamp, &mut tables.room, &mut tables.label, &mut tables.total]
    }

    fn evolve(&self, tables: &mut Lamps, commit: &Commit) -> Result<(), Undecodable> {
        let id = commit.stream.id().to_owned();
        for event in &commit.events {
            match event.name.as_str() {
                "Lit" => {
                    let times_lit = tables.lamp.get(&(id.clone(),)).map_or(0, |row| row.times_lit);
                    tables.lamp.put(LampRow { id: id.clone(), times_lit: times_lit + 1 });
                    let version = i64::try_from(commit.version.0).expect("versions are small");
                    let (lamp, room) = (id.clone(), event.data.clone());
                    tables.room.put(RoomRow { lamp, room, version });
                }
                "Moved" => {
                    let gone: Vec<_> = tables.room.iter().map(|row| row.room.clone()).collect();
                    gone.into_iter().for_each(|room| tables.room.remove(&(id.clone(), room)));
                }
                "Labelled" => tables.label.put(LabelRow {
                    stream: commit.stream.to_string(),
                    version: i64::try_from(commit.version.0).expect("versions are small"),
                    text: event.data.clone(),
                }),
                other => return Err(Undecodable::UnknownType(other.to_owned())),
            }
        }
        Ok(())
    }

    fn count(tables: &mut Lamps) {
        for lamp in tables.lamp.iter() {
            tables.total.add("all", lamp.times_lit);
            // One of a chain, as in `porch-3`, counts by itself, too.
            if lamp.id.contains('-') {
                tables.total.add(&lamp.id, lamp.times_lit);
            }
        }
    }
}

/// The table that commits are read from again.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<Vec<Commit>>>, Arc<AtomicUsize>);

impl CommitSource for Shelf {
    async fn read_after(&self, stream: &StreamId, after: Version) -> Result<Vec<Delivery>, String> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let commits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_stream = commits.iter().filter(|commit| commit.stream == *stream);
        let mut open: Vec<_> = of_stream.filter(|commit| commit.version > after).collect();
        open.sort_by_key(|commit| commit.version);
        Ok(open.into_iter().cloned().map(Delivery::Commit).collect())
    }
}

impl Shelf {
    /// How often it was read.
    pub fn reads(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }

    pub fn add(&self, commit: Commit) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(commit);
    }

    pub fn all(&self) -> Vec<Commit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A database, an engine on it, and the table behind.
pub struct House {
    pub url: String,
    pub pool: PgPool,
    pub shelf: Shelf,
    pub engine: Engine<Light, Shelf>,
    _database: TestDatabase,
}

impl House {
    pub async fn new() -> anyhow::Result<Self> {
        witness::watch();
        let database = local_postgres::test_database().await?;
        let pool = PgPoolOptions::new().max_connections(6).connect(&database.url).await?;
        sqlx::raw_sql(concat!(
            include_str!("../../../../migrations/0001_projection.sql"),
            include_str!("../../../../migrations/0003_rebuild.sql"),
            include_str!("../../../../migrations/0004_removals_and_heartbeats.sql"),
        ))
        .execute(&pool)
        .await?;
        sqlx::raw_sql(
            "create table lamp (id text primary key, times_lit bigint not null);
             create table room (lamp text, room text check (room <> 'nowhere'), \
             version bigint not null, primary key (lamp, room));
             create table label (stream text, version bigint, text text not null, \
             primary key (stream, version));
             create table total (name text primary key, times bigint not null);
             create table total_waiting (keys text[] not null, counts bigint[] not null);",
        )
        .execute(&pool)
        .await?;
        let shelf = Shelf::default();
        let engine = Engine::new(pool.clone(), Light, shelf.clone());
        Ok(Self { url: database.url.clone(), pool, shelf, engine, _database: database })
    }

    /// From now on through this pool.
    pub fn connect(&mut self, pool: PgPool) {
        self.engine = Engine::new(pool.clone(), Light, self.shelf.clone());
        self.pool = pool;
    }

    pub fn store(&self, commits: impl IntoIterator<Item = Commit>) {
        self.shelf.0.lock().unwrap_or_else(PoisonError::into_inner).extend(commits);
    }

    /// Rewrites commits in place, as a redaction does.
    pub fn rewrite(&self, commits: impl IntoIterator<Item = Commit>) {
        let mut shelf = self.shelf.0.lock().unwrap_or_else(PoisonError::into_inner);
        for commit in commits {
            let place = |other: &&mut Commit| {
                (&other.stream, other.version) == (&commit.stream, commit.version)
            };
            if let Some(there) = shelf.iter_mut().find(place) {
                *there = commit;
            }
        }
    }

    /// Takes a commit off the shelf.
    pub fn take_away(&self, gone: &Commit) {
        let mut commits = self.shelf.0.lock().unwrap_or_else(PoisonError::into_inner);
        commits.retain(|commit| (&commit.stream, commit.version) != (&gone.stream, gone.version));
    }

    pub async fn deliver(&self, commits: Vec<Commit>) -> Result<Report, ApplyError> {
        self.engine.apply(commits.into_iter().map(Delivery::Commit).collect()).await
    }

    pub async fn times_lit(&self, lamp: &str) -> sqlx::Result<Option<i64>> {
        let sql = "select times_lit from lamp where id = $1";
        sqlx::query_scalar(sql).bind(lamp).fetch_optional(&self.pool).await
    }

    pub async fn rooms(&self, lamp: &str) -> sqlx::Result<Vec<String>> {
        let sql = "select room from room where lamp = $1 order by room";
        sqlx::query_scalar(sql).bind(lamp).fetch_all(&self.pool).await
    }

    pub async fn labels(&self, lamp: &str) -> sqlx::Result<Vec<String>> {
        let sql = "select text from label where stream = $1 order by version";
        sqlx::query_scalar(sql).bind(format!("lamp-{lamp}")).fetch_all(&self.pool).await
    }

    pub async fn resolutions(&self, lamp: &str) -> sqlx::Result<Vec<Option<String>>> {
        let sql = "select resolution from quarantine where stream = $1 order by version";
        sqlx::query_scalar(sql).bind(format!("lamp-{lamp}")).fetch_all(&self.pool).await
    }

    pub fn commits_of(&self, lamp: &str) -> Vec<Commit> {
        let commits = self.shelf.0.lock().unwrap_or_else(PoisonError::into_inner);
        commits.iter().filter(|commit| commit.stream.id() == lamp).cloned().collect()
    }

    pub async fn total(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar("select coalesce(sum(times), 0)::bigint from total")
            .fetch_one(&self.pool)
            .await
    }

    pub async fn applied(&self, lamp: &str) -> sqlx::Result<Version> {
        let sql = "select applied from position where stream = $1";
        let applied: i64 =
            sqlx::query_scalar(sql).bind(format!("lamp-{lamp}")).fetch_one(&self.pool).await?;
        Ok(Version(applied.unsigned_abs()))
    }

    pub async fn quarantined(&self) -> sqlx::Result<Vec<(String, i64, String)>> {
        sqlx::query_as("select stream, version, error from quarantine order by stream")
            .fetch_all(&self.pool)
            .await
    }

    pub async fn close_the_database(&self) {
        self.pool.close().await;
    }
}

pub fn lit(lamp: &str, version: u64) -> Commit {
    lit_at(lamp, version, "hall")
}

pub fn lit_at(lamp: &str, version: u64, room: &str) -> Commit {
    commit(lamp, version, "Lit", room)
}

pub fn labelled(lamp: &str, version: u64, text: &str) -> Commit {
    commit(lamp, version, "Labelled", text)
}

/// An event of a name that means something else, or nothing.
pub fn poison(lamp: &str, version: u64, name: &str) -> Commit {
    commit(lamp, version, name, "")
}

fn commit(lamp: &str, version: u64, name: &str, data: &str) -> Commit {
    Commit {
        stream: StreamId::new("lamp", lamp).expect("a test names its streams soundly"),
        version: Version(version),
        recorded_at: Timestamp::UNIX_EPOCH,
        events: vec![RecordedEvent {
            name: name.to_owned(),
            schema_version: 1,
            data: data.to_owned(),
            ..RecordedEvent::default()
        }],
        metadata: Metadata::default(),
    }
}
