//! How lists are answered where there is much: over the whole year of baskets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod orders;
mod plan;
mod products;
mod year;

use ordering_views::sales::{SalesBy, sales};
use sqlx::PgPool;
use year::Year;

/// One test, as the year is loaded once.
#[tokio::test]
async fn every_list_over_a_year_reads_few_pages_and_no_table_from_end_to_end() {
    let year = Year::load().await;
    let pool = &year.pool;
    let mut failures = orders::failures(pool).await;
    failures.extend(orders::late_pages_that_cost_more(pool).await);
    failures.extend(orders::combinations_that_cost_more(pool).await);
    failures.extend(products::failures(pool).await);
    failures.extend(products::combinations_that_cost_more(pool).await);
    failures.extend(products::late_pages_that_cost_more(pool).await);
    failures.extend(orders::wrong_pages_of_a_common_word(pool).await);
    failures.extend(products::rare_lists_that_cost_more(pool).await);
    failures.extend(too_slow(pool).await);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A report over the whole year in a session that gives up soon.
async fn too_slow(pool: &PgPool) -> Option<String> {
    sqlx::raw_sql("set statement_timeout = '5ms'").execute(pool).await.unwrap();
    let answer = sales(pool, SalesBy::Department, None, None).await;
    let code = answer.as_ref().err().and_then(|error| error.as_database_error()?.code());
    // query_canceled
    (code.as_deref() != Some("57014")).then(|| format!("a report that takes long gave {answer:?}"))
}
