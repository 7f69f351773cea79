//! Somebody who is to be forgotten: whatever is kept anywhere tells nothing of them afterwards.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
};
use journeys::{Answer, Caller, EVERYTHING, StackProcess, binary};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;

use crate::rebuild::export;

pub(crate) const NAME: &str = "Zacharias Featherstonehaugh";
pub(crate) const EMAIL: &str = "zach@featherstonehaugh.example";
pub(crate) const NEW_EMAIL: &str = "z.fstone@elsewhere.example";
pub(crate) const REFERENCE: &str = "loyalty-8841-zacharias";

/// Parts of them in lower case, which no other word holds.
const TRACES: [&str; 4] = ["zacharias", "featherstonehaugh", "fstone", "loyalty-8841"];

/// A stack, and what it keeps.
struct Shop {
    stack: StackProcess,
    staff: Caller,
    folder: TempDir,
}

impl Shop {
    fn open() -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let (data, log) = (folder.path().join("data"), folder.path().join("log"));
        let stack = StackProcess::start_logging(&data, &log)?;
        let staff = stack.caller(&data, EVERYTHING)?;
        Ok(Self { stack, staff, folder })
    }

    fn environment(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let text = std::fs::read_to_string(self.folder.path().join("data/env"))?;
        let variables = text.lines().filter_map(|line| line.split_once('='));
        Ok(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn millrace(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new(binary("millrace")?);
        let output = command.args(arguments).envs(self.environment()?).output()?;
        ensure!(output.status.success(), "millrace {arguments:?}: {output:?}");
        Ok(output)
    }

    fn dynamodb(&self) -> anyhow::Result<Client> {
        let endpoint = self.environment()?["AWS_ENDPOINT_URL_DYNAMODB"].clone();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(local_stack::REGION))
            .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
            .endpoint_url(endpoint);
        Ok(Client::from_conf(config.build()))
    }

    async fn read_model(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(&self.environment()?["DATABASE_URL"]).await?)
    }

    /// Whatever is a file and not Postgres's: the event table with its stream, the keys, the log.
    /// SQLite writes pages as they are, so text that was ever in there would be found.
    fn files_tell_nothing(&self) -> anyhow::Result<()> {
        let files = files(self.folder.path(), |folder| !folder.ends_with("postgres"))?;
        ensure!(files.iter().any(|path| path.ends_with("dynamodb.sqlite")), "{files:?}");
        ensure!(files.iter().any(|path| path.ends_with("log")), "{files:?}");
        files.iter().try_for_each(|path| tells_nothing(path.display(), &std::fs::read(path)?))
    }

    /// Every row of every table in every schema, whatever generation it is of.
    async fn rows_tell_nothing(&self) -> anyhow::Result<()> {
        for (table, rows) in self.dump().await? {
            tells_nothing(table, rows.as_bytes())?;
        }
        Ok(())
    }

    /// Whether the files of Postgres's tables and indexes do, once it has given up what is dead.
    async fn postgres_tells(&self) -> anyhow::Result<bool> {
        let mut read_model = PgConnection::connect(&self.environment()?["DATABASE_URL"]).await?;
        // twice: the statistics of the first are replaced, and dead themselves, when it ends
        for statement in ["vacuum (full, analyze)", "vacuum (full)", "checkpoint"] {
            read_model.execute(statement).await?;
        }
        let mut files = files(self.folder.path(), |_| true)?;
        files.retain(|path| path.iter().any(|part| part == "base"));
        ensure!(files.len() > 100, "{files:?}");
        // what is dropped while they are read is gone
        let bytes = files.iter().filter_map(|path| std::fs::read(path).ok());
        Ok(bytes.into_iter().any(|bytes| tells_nothing("a file", &bytes).is_err()))
    }

    async fn dump(&self) -> anyhow::Result<BTreeMap<String, String>> {
        rows_of(&self.environment()?["DATABASE_URL"]).await
    }

    /// What the API says of them, and of what they bought.
    async fn shows_somebody_erased(&self, id: &str, order: &str) -> anyhow::Result<()> {
        let customer = self.staff.get(&format!("/customers/{id}")).await?.expect(200)?.body;
        let shown = ["name", "email", "reference"].map(|field| customer[field].clone());
        assert_eq!(shown, [json!("erased"), json!("erased"), Value::Null]);
        assert_eq!(
            (&customer["order_count"], &customer["lifetime_value_cents"]),
            (&1.into(), &500.into())
        );
        let order = self.staff.get(&format!("/orders/{order}")).await?.expect(200)?.body;
        assert_eq!(
            (&order["customer_name"], &order["total_cents"]),
            (&json!("erased"), &500.into())
        );
        let found = self.staff.get("/orders?q=Featherstonehaugh").await?.expect(200)?.body;
        assert_eq!(found["items"], json!([]), "the search finds nobody");
        let trail = self.staff.get(&format!("/streams/customer-{id}/events")).await?.expect(200)?;
        assert_eq!(trail.body["items"][0]["data"]["name"], json!({"erased": true}));
        tells_nothing("the audit trail", trail.body.to_string().as_bytes())
    }
}

/// The rows of every table in every schema, by the table's name.
pub(crate) async fn rows_of(url: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut read_model = PgConnection::connect(url).await?;
    let sql = "select format('%I.%I', schemaname, tablename) from pg_tables \
               where schemaname <> 'information_schema' and schemaname not like 'pg\\_%'";
    let tables: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut read_model).await?;
    let mut dump = BTreeMap::new();
    for table in tables {
        let rows = format!("select coalesce(string_agg(t::text, E'\\n'), '') from {table} t");
        let rows: String =
            sqlx::query_scalar(AssertSqlSafe(rows)).fetch_one(&mut read_model).await?;
        dump.insert(table, rows);
    }
    Ok(dump)
}

/// The files in a folder, and in those below it that are wanted.
fn files(folder: &Path, wanted: fn(&Path) -> bool) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && wanted(&path) {
            found.extend(files(&path, wanted)?);
        } else if path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

pub(crate) fn tells_nothing(what: impl std::fmt::Display, bytes: &[u8]) -> anyhow::Result<()> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let trace = TRACES.iter().find(|trace| text.contains(**trace));
    ensure!(trace.is_none(), "{what} tells of {}", trace.unwrap_or(&""));
    Ok(())
}

/// Registers them, has them move and buy something; gives who they are and the order.
async fn a_customer_who_bought(shop: &Shop) -> anyhow::Result<(String, String)> {
    let staff = &shop.staff;
    staff.stocked("TEA", 250, 9).await?;
    // somebody who stays: of a table without rows Postgres keeps the statistics that it had
    let other = json!({"name": "Ottilie Brandywine", "email": "ottilie@example.com"});
    staff.post("/customers", other).await?.expect(201)?;
    let customer = json!({"name": NAME, "email": EMAIL, "reference": REFERENCE});
    let id = staff.post_once("zach", "/customers", customer).await?.expect(201)?.id()?;
    let moved = staff.post(&format!("/customers/{id}/email"), json!({"email": NEW_EMAIL})).await?;
    let cart = staff.cart(&id, &[("TEA", 2)]).await?;
    let bought = staff.post(&format!("/carts/{cart}/checkout"), json!({})).await?.expect(201)?;
    let order = bought.text("order_id")?;
    let seen = staff.get_after(&moved.expect(200)?, &format!("/customers/{id}")).await?;
    assert_eq!(seen.expect(200)?.body["email"], NEW_EMAIL);
    let seen = staff.get_after(&bought, &format!("/orders/{order}")).await?.expect(200)?;
    assert_eq!(seen.body["customer_name"], NAME);
    Ok((id, order))
}

async fn erased(shop: &Shop, id: &str) -> anyhow::Result<Answer> {
    let erased =
        shop.staff.post(&format!("/customers/{id}/erase"), json!({})).await?.expect(200)?;
    shop.staff.get_after(&erased, &format!("/customers/{id}")).await?.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_is_nowhere_any_more_and_nothing_brings_them_back() -> anyhow::Result<()> {
    let shop = Shop::open()?;
    let (id, order) = a_customer_who_bought(&shop).await?;
    shop.files_tell_nothing().context("sealed, before anybody asked for it")?;
    let before = export(&shop.dynamodb()?).await?;
    files(before.path(), |_| true)?.iter().try_for_each(|path| {
        let mut text = Vec::new();
        let file = std::fs::File::open(path)?;
        std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(file), &mut text).ok();
        tells_nothing(path.display(), &text)
    })?;
    shop.millrace(&["rebuild"])?;
    let told = shop.dump().await?;
    let held = |table: &str| told[table].contains(NAME);
    assert!(held("public.customer") && held("previous_generation.customer"), "they were there");
    assert!(held("public.audit_trail") && held("previous_generation.audit_trail"));

    assert!(shop.postgres_tells().await?, "where it is looked for, it can be found");

    erased(&shop, &id).await?;
    shop.rows_tell_nothing().await?;
    assert!(!shop.postgres_tells().await?, "nor do its own files");
    shop.shows_somebody_erased(&id, &order).await?;

    shop.millrace(&["verify", "--all"])?;
    shop.millrace(&["refold", &format!("customer-{id}")])?;
    shop.millrace(&["rollback"])?;
    shop.rows_tell_nothing().await.context("the way back")?;
    shop.millrace(&["rebuild"])?;
    let export = before.path().to_str().context("a path")?;
    shop.millrace(&["rebuild", "--from", "export", export, "--accept-differences"])?;
    shop.millrace(&["sweep"])?;
    shop.millrace(&["verify", "--all"])?;
    shop.rows_tell_nothing().await.context("built anew, from the table and from an export")?;
    shop.shows_somebody_erased(&id, &order).await?;
    shop.files_tell_nothing()?;
    let Shop { stack, folder, .. } = shop;
    ensure!(stack.terminate()?, "SIGTERM ends it cleanly");
    let closed = files(folder.path(), |folder| !folder.ends_with("postgres"))?;
    closed.iter().try_for_each(|path| tells_nothing(path.display(), &std::fs::read(path)?))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_has_let_go_of_the_address_and_is_asked_for_nothing_more()
-> anyhow::Result<()> {
    let shop = Shop::open()?;
    let (id, _) = a_customer_who_bought(&shop).await?;
    let staff = &shop.staff;
    erased(&shop, &id).await?;
    let successor = json!({"name": "Zoe", "email": NEW_EMAIL});
    staff.post("/customers", successor).await?.expect(201)?;
    staff.post(&format!("/customers/{id}/erase"), json!({})).await?.expect(200)?;
    let email = json!({"email": EMAIL});
    let move_on = staff.post(&format!("/customers/{id}/email"), email).await?;
    move_on.refused(422, "customer-erased")?;
    let cart = staff.post("/carts", json!({"customer_id": id})).await?;
    cart.refused(422, "customer-erased")?;
    let nobody = "/customers/0190c5a0-0000-7000-8000-000000000001/erase";
    staff.post(nobody, json!({})).await?.refused(404, "not-found")?;
    ensure!(shop.stack.terminate()?, "SIGTERM ends it cleanly");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_quarantine_is_sealed_and_an_erasure_gets_past_it() -> anyhow::Result<()> {
    let shop = Shop::open()?;
    let mut read_model = shop.read_model().await?;
    let refuse =
        format!("alter table customer add constraint refused check (email <> '{NEW_EMAIL}')");
    sqlx::query(AssertSqlSafe(refuse)).execute(&mut read_model).await?;
    let customer = json!({"name": NAME, "email": EMAIL, "reference": REFERENCE});
    let id = shop.staff.post("/customers", customer).await?.expect(201)?.id()?;
    let path = format!("/customers/{id}");
    let moved = shop.staff.post(&format!("{path}/email"), json!({"email": NEW_EMAIL})).await?;
    shop.staff
        .get_within(10, &moved.expect(200)?, &path)
        .await?
        .refused(503, "projection-lagging")?;
    let parked = "select payload from quarantine where resolution is null";
    let payload: String = sqlx::query_scalar(parked).fetch_one(&mut read_model).await?;
    ensure!(payload.contains("sealed"), "{payload}");
    tells_nothing("quarantine", payload.as_bytes())?;
    // of a stream that is parked no token is waited for
    let erased = shop.staff.post(&format!("{path}/erase"), json!({})).await?.expect(200)?;
    let deadline = Instant::now() + Duration::from_secs(20);
    let shown = loop {
        let shown = shop.staff.get_after(&erased, &path).await?;
        if shown.status == 200 {
            break shown;
        }
        ensure!(Instant::now() < deadline, "it stays parked: {}", shown.body);
    };
    assert_eq!(shown.body["name"], "erased");
    shop.rows_tell_nothing().await?;
    ensure!(shop.stack.terminate()?, "SIGTERM ends it cleanly");
    Ok(())
}
