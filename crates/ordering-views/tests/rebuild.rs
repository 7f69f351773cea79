//! A rebuilt table is the one that the migrations made: columns, rules, indexes, storage, rights.

use decider::Undecodable;
use ordering_views::{
    Commit, CommitSource, Delivery, MIGRATOR, Plan, ReadModel, Rebuild, Shop, ShopTables, StreamId,
    Swap, Version, View,
};
use projection::Changes;
use sqlx::{Executor, PgPool, migrate::Migrator};

#[derive(Clone)]
struct Nothing;

impl CommitSource for Nothing {
    async fn read_after(&self, _: &StreamId, _: Version) -> Result<Vec<Delivery>, String> {
        Ok(Vec::new())
    }
}

/// Everything that the catalog says of the tables, a line each.
async fn catalog(pool: &PgPool) -> anyhow::Result<Vec<String>> {
    let sql = "\
        select format('%s %s %s %s %s', c.relname, a.attnum, a.attname, a.atttypid::regtype, \
            a.attnotnull) || coalesce(pg_get_expr(d.adbin, d.adrelid), '') as line \
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 \
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum \
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' \
        union all select indexdef from pg_indexes where schemaname = 'public' \
        union all select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) \
        from pg_constraint where connamespace = 'public'::regnamespace \
        union all select format('%s %s %s', relname, reloptions, relacl) from pg_class \
        where relnamespace = 'public'::regnamespace and relkind = 'r' \
        order by line";
    Ok(sqlx::query_scalar(sql).fetch_all(pool).await?)
}

async fn database() -> anyhow::Result<local_postgres::TestDatabase> {
    witness::watch();
    local_postgres::test_database().await
}

#[tokio::test]
async fn a_rebuilt_table_is_the_one_that_the_migrations_made() -> anyhow::Result<()> {
    let database = database().await?;
    let pool = PgPool::connect(&database.url).await?;
    MIGRATOR.run(&pool).await?;
    pool.execute("grant select on order_history, product to public").await?;
    let made = catalog(&pool).await?;
    assert!(made.iter().any(|line| line.contains("order_history_search")), "{made:#?}");
    for views in [vec![], vec!["orders".to_owned()]] {
        let plan = Plan { views, source: "nothing".to_owned() };
        let rebuild = Rebuild::begin(&pool, (Shop, Nothing), &plan).await?;
        rebuild.follow().await?;
        assert_eq!(rebuild.swap().await?, Swap::Done);
        assert_eq!(catalog(&pool).await?, made);
    }
    let rollback = Rebuild::back(&pool, (Shop, Nothing)).await?;
    assert_eq!(rollback.swap().await?, Swap::Done);
    assert_eq!(catalog(&pool).await?, made);
    Ok(())
}

/// The read model of an earlier release.
#[derive(Clone, Copy)]
struct Earlier;

impl ReadModel for Earlier {
    const VIEWS: &'static [View] = &[
        Shop::VIEWS[0],
        Shop::VIEWS[1],
        Shop::VIEWS[2],
        View {
            tables: &[
                "order_history",
                "order_line",
                "order_timeline",
                "order_refund",
                "product_sales",
            ],
            ..Shop::VIEWS[3]
        },
        Shop::VIEWS[4],
    ];

    type Tables = ShopTables;

    fn each(tables: &mut ShopTables) -> Vec<&mut dyn Changes> {
        Shop::each(tables)
    }

    fn evolve(&self, tables: &mut ShopTables, commit: &Commit) -> Result<(), Undecodable> {
        Shop.evolve(tables, commit)
    }

    fn count(tables: &mut ShopTables) {
        Shop::count(tables);
    }
}

/// The migrations up to here; what came later must also change the tables of other generations.
const EARLIER: i64 = 8;

/// A database of an earlier release with a generation of before.
async fn of_an_earlier_release(pool: &PgPool, plan: &Plan) -> anyhow::Result<()> {
    let migrations = MIGRATOR.iter().filter(|migration| migration.version <= EARLIER);
    Migrator::with_migrations(migrations.cloned().collect()).run(pool).await?;
    let rebuild = Rebuild::begin(pool, (Earlier, Nothing), plan).await?;
    rebuild.follow().await?;
    assert_eq!(rebuild.swap().await?, Swap::Done);
    Ok(())
}

#[tokio::test]
async fn a_generation_from_before_a_migration_comes_back_as_the_tables_of_today()
-> anyhow::Result<()> {
    let database = database().await?;
    let pool = PgPool::connect(&database.url).await?;
    let plan = Plan { views: vec![], source: "nothing".to_owned() };
    of_an_earlier_release(&pool, &plan).await?;
    MIGRATOR.run(&pool).await?;
    let made = catalog(&pool).await?;
    let rollback = Rebuild::back(&pool, (Shop, Nothing)).await?;
    assert_eq!(rollback.swap().await?, Swap::Done);
    assert_eq!(catalog(&pool).await?, made);
    Ok(())
}

#[tokio::test]
async fn a_generation_that_was_begun_before_a_migration_becomes_the_tables_of_today()
-> anyhow::Result<()> {
    let database = database().await?;
    let pool = PgPool::connect(&database.url).await?;
    let plan = Plan { views: vec![], source: "nothing".to_owned() };
    of_an_earlier_release(&pool, &plan).await?;
    drop(Rebuild::begin(&pool, (Earlier, Nothing), &plan).await?);
    MIGRATOR.run(&pool).await?;
    let made = catalog(&pool).await?;
    let rebuild = Rebuild::begin(&pool, (Shop, Nothing), &plan).await?;
    rebuild.follow().await?;
    assert_eq!(rebuild.swap().await?, Swap::Done);
    assert_eq!(catalog(&pool).await?, made);
    Ok(())
}

#[tokio::test]
async fn every_table_of_the_read_model_is_in_one_view() -> anyhow::Result<()> {
    let database = database().await?;
    let pool = PgPool::connect(&database.url).await?;
    MIGRATOR.run(&pool).await?;
    let plan = Plan { views: vec![], source: "nothing".to_owned() };
    let _rebuild = Rebuild::begin(&pool, (Shop, Nothing), &plan).await?;
    let forgotten: Vec<String> = sqlx::query_scalar(
        "select tablename::text from pg_tables where schemaname = 'public' \
         and tablename not in ('heartbeat', 'rebuild', 'rebuild_part', '_sqlx_migrations') \
         except select tablename::text from pg_tables where schemaname = 'next_generation'",
    )
    .fetch_all(&pool)
    .await?;
    assert!(forgotten.is_empty(), "not rebuilt: {forgotten:?}");
    Ok(())
}
