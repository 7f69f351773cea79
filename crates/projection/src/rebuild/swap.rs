//! The moment at which the next generation becomes the live one.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};
use tokio::time::sleep;

use super::{NEXT, PREVIOUS, RebuildError};
use crate::ApplyError;

/// Readers wait for the tables at most as long as the swap waits for other readers; below
/// Postgres's `deadlock_timeout`, so that it is the swap that gives way.
const PATIENCE: &str = "set local lock_timeout = '400ms'";

/// How often the swap tries to find a moment in which nobody reads.
const ATTEMPTS: u32 = 50;

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// What became of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The next generation is live.
    Done,
    /// So many streams were behind: catch up, and try again.
    Behind(u64),
}

/// What is swapped.
pub(super) struct Scope {
    pub(super) tables: Vec<&'static str>,
    /// The categories of the streams at hand; `None` means all.
    pub(super) categories: Option<Vec<&'static str>>,
    /// Whether these are all tables, so that the positions may follow the next generation.
    pub(super) is_whole: bool,
}

pub(super) async fn swap(live: &PgPool, scope: &Scope) -> Result<Swap, RebuildError> {
    let mut attempt = 1;
    loop {
        let mut connection = live.acquire().await?;
        match attempt_swap(&mut connection, scope).await {
            Err(RebuildError::Apply(error)) if is_busy(&error) && attempt < ATTEMPTS => {
                attempt += 1;
                sleep(PAUSE).await;
            }
            settled => return settled,
        }
    }
}

/// lock_not_available, or deadlock_detected.
fn is_busy(error: &ApplyError) -> bool {
    let ApplyError::Database(sqlx::Error::Database(error)) = error else { return false };
    matches!(error.code().as_deref(), Some("55P03" | "40P01"))
}

/// With the positions locked no projector writes either generation, so what is compared here is
/// what is swapped. Whoever waited for a lock finds the tables by name again when it is released.
async fn attempt_swap(connection: &mut PgConnection, scope: &Scope) -> Result<Swap, RebuildError> {
    let mut transaction = connection.begin().await?;
    transaction.execute(PATIENCE).await?;
    let lock = "lock table public.position, next_generation.position in share row exclusive mode";
    transaction.execute(lock).await?;
    let behind = compare(&mut transaction, scope).await?;
    if behind > 0 {
        transaction.rollback().await?;
        return Ok(Swap::Behind(behind));
    }
    if scope.is_whole {
        transaction.execute(ADOPT).await?;
    }
    transaction.execute(AssertSqlSafe(moves(&scope.tables))).await?;
    transaction.commit().await?;
    Ok(Swap::Done)
}

/// How many streams the next generation has less of. They are put down with those that it has more of,
/// in the database, as they may be all there are. Of a stream that the live one has rows of,
/// and is not parked in, it cannot have more: catching up ends that.
async fn compare(transaction: &mut PgConnection, scope: &Scope) -> Result<u64, RebuildError> {
    transaction
        .execute("create temporary table differing (stream text, ahead bool) on commit drop")
        .await?;
    sqlx::query(
        "insert into differing \
         select stream, p.removed_at is null and coalesce(n.refolds, 0) >= coalesce(p.refolds, 0) \
                 and coalesce(n.applied, 0) > coalesce(p.applied, 0) \
                 and (coalesce(p.applied, 0) = 0 or p.parked) \
         from public.position p full join next_generation.position n using (stream) \
         where ($1::text[] is null or split_part(stream, '-', 1) = any($1)) \
             and (p.removed_at is null and n.removed_at is null \
                     and coalesce(p.applied, 0) <> coalesce(n.applied, 0) \
                 or p.removed_at is not null and n.removed_at is null \
                 or p.removed_at is null and coalesce(n.refolds, 0) < coalesce(p.refolds, 0))",
    )
    .bind(scope.categories.as_deref())
    .execute(&mut *transaction)
    .await?;
    let (behind, ahead): (i64, Option<String>) = sqlx::query_as(
        "select count(*) filter (where not ahead), min(stream) filter (where ahead) from differing",
    )
    .fetch_one(&mut *transaction)
    .await?;
    match ahead {
        Some(stream) if !scope.is_whole => Err(RebuildError::Ahead { stream }),
        Some(_) | None => Ok(behind.unsigned_abs()),
    }
}

/// Where none is behind, `differing` has those of which the next generation has more, as when the live
/// one was lost: the positions of both change places, and so does what is known of their quarantine.
const ADOPT: &str = "\
    create temporary table was_live on commit drop as \
        select * from public.position where stream in (select stream from differing); \
    delete from public.position where stream in (select stream from differing); \
    insert into public.position \
        select * from next_generation.position \
        where stream in (select stream from differing); \
    delete from next_generation.position where stream in (select stream from differing); \
    insert into next_generation.position select * from was_live; \
    update public.quarantine q set resolution = 'redriven', resolved_at = now() \
        from public.position p \
        where p.stream = q.stream and q.stream in (select stream from differing) \
            and q.version <= p.applied and q.resolution is null; \
    insert into public.quarantine \
        select * from next_generation.quarantine \
        where stream in (select stream from differing) on conflict do nothing";

/// Who may write the tables may find them here, too: who is erased leaves this generation as well.
const ADMIT: &str = "do $$ declare admitted record; begin \
     for admitted in select distinct pg_get_userbyid(a.grantee) as name \
         from pg_class c, aclexplode(c.relacl) a \
         where c.relnamespace = 'previous_generation'::regnamespace \
             and a.grantee <> c.relowner and a.grantee <> 0 loop \
         execute format('grant usage on schema previous_generation to %I', admitted.name); \
     end loop; end $$; ";

fn moves(tables: &[&'static str]) -> String {
    let mut sql = format!("drop schema if exists {PREVIOUS} cascade; create schema {PREVIOUS}; ");
    for table in tables {
        sql.push_str(&format!(
            "alter table public.{table} set schema {PREVIOUS}; \
             alter table {NEXT}.{table} set schema public; "
        ));
    }
    for table in ["position", "quarantine"] {
        sql.push_str(&format!("alter table {NEXT}.{table} set schema {PREVIOUS}; "));
    }
    sql.push_str(ADMIT);
    sql.push_str(&format!(
        "drop schema {NEXT} cascade; delete from public.rebuild; truncate public.rebuild_part"
    ));
    sql
}
