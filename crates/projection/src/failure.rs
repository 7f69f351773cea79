//! Poison, or the infrastructure? Told apart by SQLSTATE.

use std::time::Duration;

use sqlx::Error;

/// A batch that could not be applied; it comes again as it is.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The database is away, or refused for a reason that is not the data's.
    #[error("the read model is away: {0}")]
    Database(#[from] Error),
    /// The event table did not give what the stream had not delivered.
    #[error("the event table is away: {0}")]
    Source(String),
    /// A row of the read model is not what this build expects: the migrations are behind or ahead.
    #[error("a row of the read model is of another shape: {0}")]
    Row(#[from] serde_json::Error),
}

/// What a failed statement means for the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A value or a combination of values that the tables refuse, whoever tries.
    Poison,
    /// Somebody else was faster; the same batch works when it is read again.
    Contention,
    /// Nothing that the batch could help.
    Infrastructure,
}

/// Classes as in PostgreSQL's "Appendix A. Error Codes".
pub(crate) fn meaning(error: &Error) -> Meaning {
    if matches!(error, Error::Encode(_)) {
        return Meaning::Poison;
    }
    let Error::Database(error) = error else {
        return Meaning::Infrastructure;
    };
    let code = error.code().unwrap_or_default();
    match code.as_ref() {
        // serialization_failure, which `expect_moved` raises, and deadlock_detected
        "40001" | "40P01" => Meaning::Contention,
        // program_limit_exceeded: a text too long for an index or a tsvector;
        // statement_too_complex: JSON that is nested too deep for the server's stack
        "54000" | "54001" => Meaning::Poison,
        // data exception, integrity constraint violation
        code if code.starts_with("22") || code.starts_with("23") => Meaning::Poison,
        _ => Meaning::Infrastructure,
    }
}

/// How often something is tried again when others were faster, before the delivery is failed.
const ATTEMPTS: u32 = 20;

/// Counts the attempts at a statement that other projectors are in the way of.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    attempts: u32,
}

impl Patience {
    /// Whether an error is worth another attempt.
    pub(crate) fn lasts(&mut self, error: &ApplyError) -> bool {
        self.attempts += 1;
        let contended = match error {
            ApplyError::Database(error) => meaning(error) == Meaning::Contention,
            ApplyError::Source(_) | ApplyError::Row(_) => false,
        };
        contended && self.attempts < ATTEMPTS
    }

    /// Waits, a little longer each time, and never as long as the others.
    pub(crate) async fn pause(&self) {
        let longest = Duration::from_millis(2 << self.attempts.min(7));
        tokio::time::sleep(longest.mul_f64(rand::random())).await;
    }
}

/// Whether the session itself is what is wrong: the next one may be with a server that can write.
///
/// read_only_sql_transaction: after a failover this session is with a server that was the writer,
/// or it was opened while the name still led there. It is sound otherwise, so a pool would keep it.
pub(crate) fn is_of_the_session(error: &Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "25006")
}

#[cfg(test)]
mod tests {
    use local_postgres::TestDatabase;
    use sqlx::{AssertSqlSafe, Connection, PgConnection};

    use super::*;

    const INFRASTRUCTURE: [(&str, &str); 27] = [
        ("08000", "connection_exception"),
        ("08003", "connection_does_not_exist"),
        ("08006", "connection_failure"),
        ("0A000", "feature_not_supported: a cached plan whose table was altered"),
        ("25006", "read_only_sql_transaction: the writer has become a reader"),
        ("25P03", "idle_in_transaction_session_timeout"),
        ("26000", "invalid_sql_statement_name: behind a pooler"),
        ("28P01", "invalid_password"),
        ("3D000", "invalid_catalog_name"),
        ("42501", "insufficient_privilege"),
        ("42703", "undefined_column: the migrations are behind"),
        ("42P01", "undefined_table: the migrations are behind"),
        ("53000", "insufficient_resources"),
        ("53100", "disk_full"),
        ("53200", "out_of_memory"),
        ("53300", "too_many_connections"),
        ("53400", "configuration_limit_exceeded"),
        ("55000", "object_not_in_prerequisite_state"),
        ("55P03", "lock_not_available: lock_timeout"),
        ("57000", "operator_intervention"),
        ("57014", "query_canceled: statement_timeout"),
        ("57P01", "admin_shutdown"),
        ("57P02", "crash_shutdown"),
        ("57P03", "cannot_connect_now"),
        ("58030", "io_error"),
        ("XX000", "internal_error"),
        ("XX001", "data_corrupted"),
    ];

    const CONTENTION: [(&str, &str); 2] =
        [("40001", "serialization_failure"), ("40P01", "deadlock_detected")];

    const POISON: [(&str, &str); 14] = [
        ("22001", "string_data_right_truncation"),
        ("22003", "numeric_value_out_of_range"),
        ("22008", "datetime_field_overflow"),
        ("22021", "character_not_in_repertoire"),
        ("22P02", "invalid_text_representation"),
        ("22P05", "untranslatable_character"),
        ("23502", "not_null_violation"),
        ("23503", "foreign_key_violation"),
        ("23505", "unique_violation"),
        ("23514", "check_violation"),
        ("23P01", "exclusion_violation"),
        ("2200G", "most_specific_type_mismatch"),
        ("54000", "program_limit_exceeded"),
        ("54001", "statement_too_complex"),
    ];

    /// What a server can be made to say for real, and the SQLSTATE that it says it with.
    const REAL: [(&str, &str); 16] = [
        ("57014", "set statement_timeout = '5ms'; select pg_sleep(9)"),
        ("57P01", "select pg_terminate_backend(pg_backend_pid())"),
        ("25006", "begin read only; create table t (n int)"),
        (
            "53400",
            "set temp_file_limit = 64; set work_mem = 64; select count(*) from \
             (select n::text from generate_series(1, 99999) n order by 1) s",
        ),
        ("42P01", "select * from of_a_later_migration"),
        ("42501", "create role reader; set role reader; create table public.t (n int)"),
        ("40001", "select expect_moved(1, 2)"),
        ("22021", "select convert_from('\\x00', 'UTF8')"),
        ("22003", "select 9223372036854775807 + 1::bigint"),
        ("22008", "select '4714-12-31 BC'::timestamptz - interval '300000 years'"),
        ("22P02", "select 'x'::uuid"),
        ("22P05", "select '{\"a\": \"\\u0000\"}'::jsonb"),
        ("23502", "insert into quarantine values (null)"),
        (
            "23505",
            "insert into position (stream, prior, applied, applied_at, parked) \
                   select 's', 0, 0, now(), false \
                   from generate_series(1, 2)",
        ),
        ("23514", "insert into quarantine values ('s', 1, '', '', now(), 'forgotten')"),
        ("54001", "select repeat('[', 100000)::jsonb"),
    ];

    async fn connect() -> anyhow::Result<(TestDatabase, PgConnection)> {
        let database = local_postgres::test_database().await?;
        let mut connection = PgConnection::connect(&database.url).await?;
        let migration = include_str!("../../../migrations/0001_projection.sql");
        sqlx::raw_sql(migration).execute(&mut connection).await?;
        Ok((database, connection))
    }

    #[tokio::test]
    async fn what_a_server_says_is_told_apart_by_its_code() -> anyhow::Result<()> {
        let (_database, mut connection) = connect().await?;
        for (codes, expected) in [
            (INFRASTRUCTURE.as_slice(), Meaning::Infrastructure),
            (CONTENTION.as_slice(), Meaning::Contention),
            (POISON.as_slice(), Meaning::Poison),
        ] {
            for (code, name) in codes {
                let raise = format!(
                    "do $$ begin raise exception 'as planned' using errcode = '{code}'; end $$"
                );
                let said = sqlx::raw_sql(AssertSqlSafe(raise)).execute(&mut connection).await;
                let said = said.expect_err("it was told to fail");
                assert_eq!(meaning(&said), expected, "{code} {name}: {said}");
            }
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_real_cause_has_the_code_that_the_table_knows() -> anyhow::Result<()> {
        let (database, _) = connect().await?;
        let all = [INFRASTRUCTURE.as_slice(), &CONTENTION, &POISON].concat();
        for (code, sql) in REAL {
            let mut connection = PgConnection::connect(&database.url).await?;
            let said = sqlx::raw_sql(sql).execute(&mut connection).await;
            let said = said.expect_err(sql);
            let found = said.as_database_error().and_then(|said| said.code());
            assert_eq!(found.as_deref(), Some(code), "{sql}: {said}");
            assert!(all.iter().any(|(known, _)| *known == code), "{code} is in no table");
        }
        Ok(())
    }

    #[test]
    fn what_no_server_said_is_no_poison() {
        let broken = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        for error in [Error::Io(broken), Error::PoolTimedOut, Error::PoolClosed] {
            assert_eq!(meaning(&error), Meaning::Infrastructure, "{error}");
            assert!(!is_of_the_session(&error));
        }
    }
}
