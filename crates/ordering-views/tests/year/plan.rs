//! What the database says of how it answers.

use serde_json::Value;
use sqlx::{PgPool, Postgres, QueryBuilder, types::Json};

/// A plan that was run.
#[derive(Debug)]
pub(crate) struct Plan {
    root: Value,
}

impl Plan {
    /// Runs the statement that `push` writes.
    pub(crate) async fn of(pool: &PgPool, push: impl FnOnce(&mut QueryBuilder<Postgres>)) -> Self {
        let mut sql = QueryBuilder::new("explain (analyze, buffers, timing off, format json) ");
        push(&mut sql);
        let Json(plan): Json<Value> = sql.build_query_scalar().fetch_one(pool).await.unwrap();
        Self { root: plan[0]["Plan"].clone() }
    }

    /// Pages that were read, from memory or not.
    pub(crate) fn buffers(&self) -> u64 {
        buffers_of(&self.root)
    }

    /// Those of them that found the rows of a page, before anything was joined to them.
    pub(crate) fn to_find_a_page(&self) -> u64 {
        let (mut finding, mut limits) = (0, 0);
        let mut nodes = vec![&self.root];
        while let Some(node) = nodes.pop() {
            if node["Node Type"] == "Limit" {
                finding += buffers_of(node);
                limits += 1;
            } else {
                nodes.extend(node["Plans"].as_array().into_iter().flatten());
            }
        }
        assert!(limits > 0, "no limit in {}", self.root);
        finding
    }

    /// Tables that were read from one end to the other; a plan may have parts that were never run.
    pub(crate) fn read_whole(&self) -> Vec<&str> {
        let mut tables = Vec::new();
        let mut nodes = vec![&self.root];
        while let Some(node) = nodes.pop() {
            nodes.extend(node["Plans"].as_array().into_iter().flatten());
            if node["Node Type"] == "Seq Scan" && node["Actual Loops"] != 0 {
                tables.extend(node["Relation Name"].as_str());
            }
        }
        tables
    }
}

fn buffers_of(node: &Value) -> u64 {
    let pages = |key| node[key].as_u64().unwrap_or(0);
    pages("Shared Hit Blocks") + pages("Shared Read Blocks")
}
