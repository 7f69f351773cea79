//! Who came back, month after month.

use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;

/// A row of the report: those whose first order was placed in one month.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow, ToSchema)]
pub struct Cohort {
    /// The month in UTC, `2017-01`.
    pub cohort: String,
    /// How many they are.
    pub customers: i64,
    /// The share of them that ordered again in each later month, 0 to 1: first the month after
    /// the cohort's, last the newest month of any order, and never more than 120.
    pub months: Vec<f64>,
}

/// The cohorts of all time, the oldest first. A month in which nobody ordered for the first time
/// has no row.
///
/// # Errors
/// When the database does not answer.
pub async fn retention(pool: &PgPool) -> Result<Vec<Cohort>, sqlx::Error> {
    sqlx::query_as(include_str!("retention.sql")).fetch_all(pool).await
}
