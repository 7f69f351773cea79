//! A database with orders in it, and the query function on it.

use std::{fs, path::Path};

use anyhow::{Context, ensure};
use edge::Handler;
use query::Queries;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use uuid::Uuid;

use crate::projector::Database;

pub(crate) struct Shop {
    database: Database,
    /// Sessions as the function has them, for the same SQL run bare.
    pub(crate) bare: PgPool,
    pub(crate) function: Function,
}

impl Shop {
    /// All 155,368 orders.
    pub(crate) async fn of_the_year() -> anyhow::Result<Self> {
        Self::with(155_368).await
    }

    /// The first so many orders of the year; beyond its end, the same orders again under other
    /// numbers, a year earlier each time.
    pub(crate) async fn with(orders: usize) -> anyhow::Result<Self> {
        let database = Database::in_memory().await?;
        let url = database.url.clone();
        fill(&url, orders).await?;
        let bare = query::connect(&url)?;
        let function = Function::start(&url)?;
        Ok(Self { database, bare, function })
    }

    /// Another instance of the function, as Lambda starts one for each request at a time.
    pub(crate) fn instance(&self) -> anyhow::Result<Function> {
        Function::start(&self.database.url)
    }

    /// Sessions of one more instance.
    pub(crate) fn sessions(&self) -> anyhow::Result<PgPool> {
        Ok(query::connect(&self.database.url)?)
    }

    /// Some customers with many orders and some with few.
    pub(crate) async fn customers(&self) -> anyhow::Result<Vec<Uuid>> {
        let sql = "select id from customer order by id limit 100";
        Ok(sqlx::query_scalar(sql).fetch_all(&self.bare).await?)
    }
}

/// The query function.
pub(crate) struct Function {
    handler: Handler,
}

impl Function {
    fn start(url: &str) -> anyhow::Result<Self> {
        let queries = Queries::new(query::connect(url)?, vec![7; 32]);
        Ok(Self { handler: Handler::new(query::router(queries)) })
    }

    /// One `GET`, from API Gateway's event to the answer for it.
    pub(crate) async fn get(&self, path: &str, query: &str) -> anyhow::Result<Value> {
        self.get_as("identity", path, query).await
    }

    /// The same in an encoding: sales of a year by product have more than 6 MB as they are.
    pub(crate) async fn get_as(
        &self,
        encoding: &str,
        path: &str,
        query: &str,
    ) -> anyhow::Result<Value> {
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": { "host": "shop.example", "accept-encoding": encoding },
            "requestContext": {
                "http": {
                    "method": "GET", "path": path, "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1", "userAgent": "bench",
                },
                "requestId": "r", "stage": "$default", "routeKey": "$default",
                "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 0,
                "authorizer": {
                    "jwt": { "claims": { "sub": "bench", "scope": "staff analyst" }, "scopes": [] }
                },
            },
            "isBase64Encoded": false,
        });
        let answer = self.handler.handle(event).await.map_err(anyhow::Error::from_boxed)?;
        ensure!(answer["statusCode"] == 200, "{path}?{query} answered {answer}");
        Ok(answer)
    }
}

async fn fill(url: &str, orders: usize) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    for name in ["customers", "products", "orders"] {
        copy(&mut connection, name).await?;
    }
    let fewer = format!(
        "delete from orders where ctid in \
         (select ctid from orders order by j ->> 'placed_at' offset {orders})"
    );
    sqlx::raw_sql(AssertSqlSafe(fewer)).execute(&mut connection).await?;
    // The same that a test loads, to see that no list reads much.
    let load = include_str!("../../../../crates/ordering-views/tests/year/load.sql");
    sqlx::raw_sql(load).execute(&mut connection).await?;
    let mut there = orders.min(155_368);
    for round in 1.. {
        if there >= orders {
            break;
        }
        let more = (orders - there).min(155_368);
        let grow = include_str!("grow.sql");
        let grow = grow.replace("{round}", &round.to_string()).replace("{more}", &more.to_string());
        sqlx::raw_sql(AssertSqlSafe(grow)).execute(&mut connection).await?;
        there += more;
    }
    sqlx::raw_sql("drop table if exists line, orders, products, customers")
        .execute(&mut connection)
        .await?;
    sqlx::raw_sql("vacuum analyze").execute(&mut connection).await.context("vacuum")?;
    Ok(())
}

/// Copies the lines of a file as they are: neither of the two characters is in JSON.
async fn copy(connection: &mut PgConnection, name: &str) -> anyhow::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/year");
    let lines = fs::read(file.join(format!("{name}.ndjson"))).context("`make year` fetches it")?;
    let table = format!("create temporary table {name} (j jsonb)");
    sqlx::raw_sql(AssertSqlSafe(table)).execute(&mut *connection).await?;
    let copy = format!("copy {name} from stdin (format csv, quote e'\\x01', delimiter e'\\x02')");
    let mut copy = connection.copy_in_raw(&copy).await?;
    copy.send(lines).await?;
    copy.finish().await?;
    Ok(())
}
