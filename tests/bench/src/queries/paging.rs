//! A late page beside the first, and a search beside a lookup.

use anyhow::Context;
use serde_json::Value;

use super::{
    shop::{Function, Shop},
    stopwatch::by_turns,
};
use crate::report::Figure;

const ROUNDS: usize = 500;

/// Pages in a row: one has 90 to 310 lines, and ten of them still differ by a fifth from ten others.
const IN_A_ROW: usize = 100;

fn body(answer: &Value) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(answer["body"].as_str().context("a body")?)?)
}

/// The cursors of the pages from `first` on; page 1 has none.
async fn cursors(function: &Function, first: usize) -> anyhow::Result<Vec<String>> {
    let (mut query, mut cursors) = (String::new(), Vec::new());
    for page in 1.. {
        if page >= first {
            cursors.push(query.clone());
        }
        if cursors.len() == IN_A_ROW {
            break;
        }
        let found = body(&function.get("/orders", &query).await?)?;
        let next = found["next_cursor"].as_str().context("a year has more pages")?;
        query = format!("cursor={next}");
    }
    Ok(cursors)
}

pub(crate) async fn late(shop: &Shop) -> anyhow::Result<Figure> {
    let function = &shop.function;
    let (late, early) = (cursors(function, 1_000).await?, cursors(function, 1).await?);
    let page = async |queries: &[String], round: usize| {
        function.get("/orders", &queries[round % queries.len()]).await.map(drop)
    };
    let (late, early) = by_turns(
        ROUNDS,
        async |round| page(&late, round).await,
        async |round| page(&early, round).await,
    )
    .await?;
    let against = "page 1, p50 of a hundred pages, asked for: 1.1";
    Ok(Figure::new("page 1000", late.percentile(50), "µs", early.percentile(50), against))
}

pub(crate) async fn search(shop: &Shop) -> anyhow::Result<Figure> {
    let function = &shop.function;
    let sql = "select id::text, substr(reference, 8) from order_history order by id limit 100";
    let orders: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&shop.bare).await?;
    let (search, lookup) = by_turns(
        ROUNDS,
        async |round| {
            let query = format!("q={}", orders[round % orders.len()].1);
            function.get("/orders", &query).await.map(drop)
        },
        async |round| {
            let path = format!("/orders/{}", orders[round % orders.len()].0);
            function.get(&path, "").await.map(drop)
        },
    )
    .await?;
    let against = "the same order by its id, p50, asked for: 2";
    Ok(Figure::new("search", search.percentile(50), "µs", lookup.percentile(50), against))
}
