//! A database that holds the whole year of baskets: 155,368 orders, 1,458,032 lines.

use std::fs;

use local_postgres::{TestDatabase, test_database};
use ordering_views::MIGRATOR;
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};

pub(crate) struct Year {
    pub(crate) pool: PgPool,
    _database: TestDatabase,
}

impl Year {
    /// Loads it, which takes a while.
    pub(crate) async fn load() -> Self {
        witness::watch();
        let database = test_database().await.unwrap();
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    let settings = sqlx::raw_sql(query_settings());
                    settings.execute(connection).await.map(|_| ())
                })
            })
            .connect(&database.url)
            .await
            .unwrap();
        MIGRATOR.run(&pool).await.unwrap();
        for name in ["customers", "products", "orders"] {
            copy(&pool, name).await;
        }
        sqlx::raw_sql(include_str!("load.sql")).execute(&pool).await.unwrap();
        sqlx::raw_sql("vacuum analyze").execute(&pool).await.unwrap();
        Self { pool, _database: database }
    }
}

/// What decides a plan in the sessions of the query function.
fn query_settings() -> &'static str {
    "set plan_cache_mode = force_custom_plan; set work_mem = '32MB'; \
     set random_page_cost = 1.1; set jit = off"
}

/// Copies the lines of a file as they are: neither of the two characters is in JSON.
async fn copy(pool: &PgPool, name: &str) {
    let file = format!("{}/../../target/year/{name}.ndjson", env!("CARGO_MANIFEST_DIR"));
    let lines = fs::read(&file).unwrap_or_else(|error| panic!("{file}: {error}; run `make year`"));
    let table = AssertSqlSafe(format!("create temporary table {name} (j jsonb)"));
    sqlx::raw_sql(table).execute(pool).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let copy = format!("copy {name} from stdin (format csv, quote e'\\x01', delimiter e'\\x02')");
    let mut copy = connection.copy_in_raw(&copy).await.unwrap();
    copy.send(lines).await.unwrap();
    copy.finish().await.unwrap();
}
