//! The schemas of the generations: made, indexed, recalled, dropped.

use decider::StreamId;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};

use super::{NEXT, PREVIOUS, RebuildError, forget::forget, names, tables};
use crate::{ReadModel, View};

/// The source of a generation that was there before.
pub(super) const ROLLBACK: &str = "the previous generation";

/// How many streams are taken out of a generation in one statement.
const STREAMS_AT_A_TIME: usize = 200;

/// Makes empty tables like the live ones: columns, rules, storage, rights and primary keys, but no
/// other indexes yet, as building them at the end is several times faster.
pub(super) async fn create(
    connection: &mut PgConnection,
    views: &[&'static View],
    source: &str,
) -> Result<(), RebuildError> {
    let mut transaction = connection.begin().await?;
    transaction.execute("create schema next_generation").await?;
    transaction
        .execute(
            "create table next_generation.position (like public.position including all); \
             create table next_generation.quarantine (like public.quarantine including all); \
             insert into next_generation.quarantine \
             select * from public.quarantine where resolution = 'skipped'; \
             insert into next_generation.position \
             select * from public.position where removed_at is not null; \
             insert into next_generation.position \
                 (stream, prior, applied, applied_at, parked, refolds) \
             select stream, 0, 0, applied_at, false, refolds from public.position \
             where removed_at is null and refolds > 0",
        )
        .await?;
    let tables = tables(views);
    for table in &tables {
        let sql = format!(
            "create table {NEXT}.{table} (like public.{table} including all excluding indexes)"
        );
        transaction.execute(AssertSqlSafe(sql)).await?;
    }
    perform(&mut transaction, LIKENESS, &[&tables[..], &["position", "quarantine"]].concat())
        .await?;
    perform(&mut transaction, USAGE, &tables).await?;
    perform(&mut transaction, KEYS, &tables).await?;
    let begin = "insert into rebuild (views, source) values ($1, $2)";
    sqlx::query(begin).bind(names(views)).bind(source).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// What `like` leaves out: the storage parameters, the owner, and who may do what.
const LIKENESS: &str = "\
    select format('alter table next_generation.%I set (%s)', c.relname, \
        array_to_string(c.reloptions, ', ')) \
    from pg_class c where c.oid = any($1) and c.reloptions is not null \
    union all \
    select format('grant %s on next_generation.%I to %s', a.privilege_type, c.relname, \
        case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end) \
    from pg_class c, aclexplode(c.relacl) a \
    where c.oid = any($1) and a.grantee <> c.relowner";

/// Who may use the tables may find them.
const USAGE: &str = "\
    select distinct format('grant usage on schema next_generation to %s', \
        case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end) \
    from pg_class c, aclexplode(c.relacl) a \
    where c.oid = any($1) and a.grantee <> c.relowner";

const KEYS: &str = "\
    select format('alter table next_generation.%I add constraint %I %s', \
        k.conrelid::regclass::name, k.conname, pg_get_constraintdef(k.oid)) \
    from pg_constraint k where k.conrelid = any($1) and k.contype in ('p', 'u', 'x')";

/// The indexes that no constraint has made, and that are not there yet.
const INDEXES: &str = "\
    select regexp_replace(pg_get_indexdef(i.indexrelid), ' ON public\\.', ' ON next_generation.') \
    from pg_index i join pg_class c on c.oid = i.indexrelid \
    where i.indrelid = any($1) \
        and not exists (select from pg_constraint k where k.conindid = i.indexrelid) \
        and to_regclass(format('next_generation.%I', c.relname)) is null";

/// Carries out the statements that a question about the live tables answers with.
async fn perform(
    connection: &mut PgConnection,
    question: &'static str,
    tables: &[&str],
) -> Result<(), sqlx::Error> {
    let question = question.replace(
        "any($1)",
        "any(select format('public.%I', n)::regclass from unnest($1::text[]) n)",
    );
    let statements: Vec<String> = sqlx::query_scalar(AssertSqlSafe(question))
        .bind(tables)
        .fetch_all(&mut *connection)
        .await?;
    for statement in statements {
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    Ok(())
}

/// Builds the indexes that the live tables have, and lets the planner know the tables.
pub(super) async fn index(
    connection: &mut PgConnection,
    tables: &[&'static str],
) -> Result<(), sqlx::Error> {
    perform(connection, INDEXES, tables).await?;
    for table in tables {
        connection.execute(AssertSqlSafe(format!("analyze {NEXT}.{table}"))).await?;
    }
    connection.execute("analyze next_generation.position").await?;
    Ok(())
}

/// Has what was skipped meanwhile skipped here, too.
pub(super) async fn copy_decisions(live: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into next_generation.quarantine as q select * from public.quarantine \
         where resolution = 'skipped' on conflict (stream, version) do update \
         set resolution = excluded.resolution, reason = excluded.reason, \
             resolved_at = excluded.resolved_at",
    )
    .execute(live)
    .await?;
    Ok(())
}

/// Whether a generation has all of these tables.
pub(super) async fn is_whole(
    pool: &PgPool,
    schema: &str,
    tables: &[&str],
) -> Result<bool, sqlx::Error> {
    let sql = "select count(*) from pg_tables where schemaname = $1 and tablename = any($2)";
    let found: i64 = sqlx::query_scalar(sql).bind(schema).bind(tables).fetch_one(pool).await?;
    Ok(usize::try_from(found) == Ok(tables.len()))
}

/// Makes the previous generation the next one. It is indexed, so projectors may write it at once.
pub(super) async fn recall<M: ReadModel>(
    connection: &mut PgConnection,
) -> Result<(), RebuildError> {
    let mut transaction = connection.begin().await?;
    let found: Vec<String> =
        sqlx::query_scalar("select tablename::text from pg_tables where schemaname = $1")
            .bind(PREVIOUS)
            .fetch_all(&mut *transaction)
            .await?;
    let there = |view: &&'static View| view.tables.iter().all(|t| found.iter().any(|f| f == t));
    let views: Vec<_> = M::VIEWS.iter().filter(there).collect();
    if views.is_empty() {
        return Err(RebuildError::NoWayBack);
    }
    // Who is taking somebody out of it is done first.
    transaction.execute("lock table previous_generation.position in access exclusive mode").await?;
    transaction.execute("alter schema previous_generation rename to next_generation").await?;
    perform(&mut transaction, USAGE, &tables(&views)).await?;
    let begin = "insert into rebuild (views, source, followed) values ($1, $2, true)";
    sqlx::query(begin).bind(names(&views)).bind(ROLLBACK).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// Gives up what is being built. A generation that was recalled goes back to where it was, without
/// the streams that were folded anew in the live one alone: it may have what was erased.
pub(super) async fn drop<M: ReadModel>(
    connection: &mut PgConnection,
) -> Result<bool, RebuildError> {
    let mut transaction = connection.begin().await?;
    let source: Option<String> = sqlx::query_scalar("delete from rebuild returning source")
        .fetch_optional(&mut *transaction)
        .await?;
    if source.as_deref() == Some(ROLLBACK) {
        transaction.execute("alter schema next_generation rename to previous_generation").await?;
        // Who folds one anew from here on finds the previous generation when this is committed.
        transaction.execute("lock table public.position in share row exclusive mode").await?;
        let streams: Vec<String> = sqlx::query_scalar(
            "select p.stream from public.position p \
             join previous_generation.position n using (stream) \
             where n.refolds < p.refolds and p.removed_at is null and n.removed_at is null",
        )
        .fetch_all(&mut *transaction)
        .await?;
        let streams = streams.into_iter().filter_map(|stream| stream.parse().ok());
        for streams in streams.collect::<Vec<StreamId>>().chunks(STREAMS_AT_A_TIME) {
            forget::<M>(&mut transaction, streams).await?;
        }
    } else {
        let drop = "drop schema if exists next_generation cascade; truncate rebuild_part";
        transaction.execute(drop).await?;
    }
    transaction.commit().await?;
    Ok(source.is_some())
}
