//! What a simple projection does: a statement a row, a transaction an event.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::rows::{Rows, Value};

/// Inserts the rows of one event.
pub(crate) async fn insert(connection: &mut PgConnection, event: &[Rows]) -> anyhow::Result<()> {
    let mut transaction = connection.begin().await?;
    for Rows { table, columns, rows } in event {
        for row in rows {
            let places = (1..).zip(row).map(|(place, value)| {
                let cast = if matches!(value, Value::Json(_)) { "::jsonb" } else { "" };
                format!("${place}{cast}")
            });
            let places = places.collect::<Vec<_>>().join(", ");
            let sql = format!("insert into {table} ({columns}) values ({places})");
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for value in row {
                query = match value {
                    Value::Uuid(id) => query.bind(id),
                    Value::Text(text) => query.bind(text),
                    Value::Bigint(number) => query.bind(number),
                    Value::Moment(at) => query.bind(at),
                    Value::Boolean(yes) => query.bind(yes),
                    Value::Json(text) => query.bind(text),
                };
            }
            query.execute(&mut *transaction).await?;
        }
    }
    Ok(transaction.commit().await?)
}
