//! A pantry: jars, how many pieces are in each, and how many in all.

use std::sync::atomic::{AtomicI64, Ordering};

use projection::{
    Changes, Commit, Metadata, ReadModel, RecordedEvent, StreamId, Table, Tally, Timestamp,
    Undecodable, Version, View, Waiting, row,
};
use projection_simulator::Domain;
use sqlx::{Connection, PgConnection};

row! {
    /// A jar.
    pub struct JarRow: loaded from "jar", owned by "jar" through id: "text";
    key {
        /// Which.
        id: String = "text",
    }
    rest {
        /// What is in it.
        pieces: i64 = "bigint",
        /// Something that a flaw gets wrong.
        arrival: i64 = "bigint",
    }
}

pub struct Jars {
    jar: Table<JarRow>,
    total: Tally,
}

impl Default for Jars {
    fn default() -> Self {
        // Few keys are many here, so that some wait in every simulation.
        let waiting = Waiting { from_keys: 3, most_keys: 5 };
        let total = Tally::new("total", ("name", "pieces"), waiting);
        Self { jar: Table::default(), total }
    }
}

/// A rule of read models that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    None,
    /// A row depends on how often the fold ran.
    CountsArrivals,
    /// A row depends on what else is in the batch.
    LooksAtOthers,
    /// The fold does not come back.
    Panics,
}

#[derive(Clone, Copy, Debug)]
pub struct Pantry {
    pub flaw: Flaw,
}

impl Domain for Pantry {
    type Model = Self;

    fn model(&self) -> Self {
        *self
    }

    fn history(&self, seed: u64) -> Vec<Commit> {
        let mut versions = [0; 4];
        let place = |number: u64| usize::try_from(seed.wrapping_mul(31) / 7 + number * number);
        (0..18_u64)
            .map(|number| {
                let jar = place(number).unwrap_or_default() % versions.len();
                versions[jar] += 1;
                filled(jar, versions[jar], number)
            })
            .collect()
    }
}

fn filled(jar: usize, version: u64, pieces: u64) -> Commit {
    Commit {
        stream: StreamId::new("jar", jar).expect("a jar names its stream soundly"),
        version: Version(version),
        recorded_at: Timestamp::UNIX_EPOCH,
        events: vec![RecordedEvent {
            name: "Filled".to_owned(),
            schema_version: 1,
            data: pieces.to_string(),
            ..RecordedEvent::default()
        }],
        metadata: Metadata::default(),
    }
}

impl ReadModel for Pantry {
    type Tables = Jars;

    const VIEWS: &'static [View] =
        &[View { name: "jars", category: Some("jar"), tables: &["jar", "total", "total_waiting"] }];

    fn each(tables: &mut Jars) -> Vec<&mut dyn Changes> {
        vec![&mut tables.jar, &mut tables.total]
    }

    fn evolve(&self, tables: &mut Jars, commit: &Commit) -> Result<(), Undecodable> {
        static ARRIVALS: AtomicI64 = AtomicI64::new(0);
        let id = commit.stream.id().to_owned();
        for event in &commit.events {
            if event.name != "Filled" {
                return Err(Undecodable::UnknownType(event.name.clone()));
            }
            let more: i64 = event.data.parse().expect("the pantry writes numbers");
            let before = tables.jar.get(&(id.clone(),)).map_or(0, |row| row.pieces);
            let arrival = match self.flaw {
                Flaw::None => 0,
                Flaw::CountsArrivals => ARRIVALS.fetch_add(1, Ordering::SeqCst),
                Flaw::LooksAtOthers => tables.jar.iter().map(|row| row.pieces).sum(),
                Flaw::Panics => panic!("the lid is stuck"),
            };
            tables.jar.put(JarRow { id: id.clone(), pieces: before + more, arrival });
        }
        Ok(())
    }

    fn count(tables: &mut Jars) {
        for jar in tables.jar.iter() {
            tables.total.add("all", jar.pieces);
            tables.total.add(&jar.id, jar.pieces);
        }
    }
}

pub async fn create_tables(url: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let engine = concat!(
        include_str!("../../../../migrations/0001_projection.sql"),
        include_str!("../../../../migrations/0003_rebuild.sql"),
        include_str!("../../../../migrations/0004_removals_and_heartbeats.sql"),
    );
    sqlx::raw_sql(engine).execute(&mut connection).await?;
    sqlx::raw_sql(
        "create table jar (id text primary key, pieces bigint not null, arrival bigint not null);
         create table total (name text primary key, pieces bigint not null);
         create table total_waiting (keys text[] not null, counts bigint[] not null);",
    )
    .execute(&mut connection)
    .await?;
    Ok(())
}
