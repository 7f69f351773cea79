//! The floor: plain binary COPY of rows that were encoded beforehand, one transaction a batch.

use sqlx::PgConnection;

use crate::rows::{Rows, Value};

/// "PGCOPY", flags, no header extension; see PostgreSQL's page on `COPY`, "Binary Format".
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Microseconds from 1970 to 2000, where Postgres's clock starts.
const EPOCH_US: i64 = 946_684_800_000_000;

/// One table's rows, ready to be sent.
pub(crate) struct Encoded {
    statement: String,
    bytes: Vec<u8>,
}

pub(crate) fn encode(rows: &Rows) -> Encoded {
    let mut bytes = HEADER.to_vec();
    for row in &rows.rows {
        bytes.extend(i16::try_from(row.len()).unwrap_or(i16::MAX).to_be_bytes());
        row.iter().for_each(|value| put(&mut bytes, value));
    }
    bytes.extend((-1_i16).to_be_bytes());
    let statement = format!("copy {} ({}) from stdin (format binary)", rows.table, rows.columns);
    Encoded { statement, bytes }
}

fn put(bytes: &mut Vec<u8>, value: &Value) {
    let field = match value {
        Value::Uuid(id) => id.as_bytes().to_vec(),
        Value::Text(Some(text)) => text.as_bytes().to_vec(),
        Value::Bigint(number) => number.to_be_bytes().to_vec(),
        Value::Moment(Some(at)) => (at.timestamp_micros() - EPOCH_US).to_be_bytes().to_vec(),
        Value::Boolean(yes) => vec![u8::from(*yes)],
        Value::Json(text) => [&[1], text.as_bytes()].concat(),
        Value::Text(None) | Value::Moment(None) => {
            bytes.extend((-1_i32).to_be_bytes());
            return;
        }
    };
    bytes.extend(i32::try_from(field.len()).unwrap_or(i32::MAX).to_be_bytes());
    bytes.extend(field);
}

/// Copies one batch.
pub(crate) async fn copy(connection: &mut PgConnection, batch: &[Encoded]) -> anyhow::Result<()> {
    sqlx::query("begin").execute(&mut *connection).await?;
    for Encoded { statement, bytes } in batch {
        let mut copy = connection.copy_in_raw(statement).await?;
        copy.send(bytes.as_slice()).await?;
        copy.finish().await?;
    }
    sqlx::query("commit").execute(&mut *connection).await?;
    Ok(())
}
