//! Everything at once: starts in the order of what needs what, stops in the order of the data.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use event_store::EventStore;
use hdrhistogram::Histogram;
use local_postgres::Server;
use personal_data::{KeyFile, Keys};
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use crate::dynamodb::{CREDENTIAL, DynamoDb, KEY_TABLE_NAME, REGION, TABLE_NAME};
use crate::faults::{FaultPlan, Faults};
use crate::folder::{self, Folder};
use crate::gateway::{Api, Gateway};
use crate::issuer::{DAY, Grant, Issuer};
use crate::lag::Lag;
use crate::poller::{self, Checkpoints, Poller, Source};
use crate::scheduler::Scheduler;
use crate::template::Template;
use crate::wiring::{Logins, Wiring};

/// The database of the read model.
const DATABASE: &str = "millrace";

const KEY_BYTES: usize = 32;

const PREDECESSOR_ENDS_WITHIN: Duration = Duration::from_secs(1);

/// What a stack is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The gateway's port; 0 is any that is free.
    pub port: u16,
    /// Where everything is kept; made when it is not there.
    pub data_dir: PathBuf,
    /// The SAM template; `None` is the one found by [`Template::find`].
    pub template: Option<PathBuf>,
    /// What goes wrong on purpose between the stream and the projector.
    pub faults: FaultPlan,
}

/// A running stack. It ends with [`Stack::stop`]; dropped or killed, what was answered is kept
/// all the same, and the rows catch up at the next start.
pub struct Stack {
    gateway: Gateway,
    scheduler: Scheduler,
    poller: Poller,
    wiring: Wiring,
    postgres: Server,
    dynamodb: DynamoDb,
    api: Arc<Api>,
    lag: Lag,
    reader_url: String,
    folder: Folder,
}

impl Stack {
    /// How often the poller looks for records when there were none.
    pub const POLL_INTERVAL: Duration = poller::IDLE;

    /// Starts everything and returns when the gateway answers.
    ///
    /// # Errors
    /// When the port is taken (the message names `PORT`), another stack owns the data folder,
    /// the template says what is not played, or a store does not come up.
    pub async fn start(options: Options) -> Result<Self> {
        let folder = when_free(async || Folder::own(&options.data_dir)).await?;
        let listeners = when_free(async || Gateway::bind(options.port).await).await?;
        let template = Template::read(&options.template.unwrap_or_else(Template::find))?;
        let issuer = Issuer::open(folder.path())?;
        let (postgres, dynamodb) = futures::try_join!(
            Server::start(folder.path().join("postgres")),
            DynamoDb::start(folder.path())
        )?;
        let stream_arn = dynamodb.ensure_tables(&template.table, &template.key_table).await?;
        prepare_database(&postgres, &folder).await?;

        let cursor_key = cursor_key(folder.path())?;
        let key_file = key_file(folder.path())?;
        write_environment(&folder, &postgres, &dynamodb, (&cursor_key, &key_file))?;
        let custodian = KeyFile::open(&key_file).context("opening the key of keys")?;
        let keys = Keys::new(dynamodb.prompt_client(), KEY_TABLE_NAME, Arc::new(custodian));
        let store = EventStore::new(dynamodb.prompt_client(), TABLE_NAME).with_keys(keys);
        let logins = Logins {
            projector: postgres.admit("millrace_projector", DATABASE).await?,
            reader: postgres.admit("millrace_reader", DATABASE).await?,
        };
        let wiring = Wiring::connect(store, &logins, cursor_key, &template)?;
        let functions = wiring.functions(&template, metrics_file(folder.path())?)?;
        let lag = Lag::new();
        let source = Source {
            client: dynamodb.streams_client(),
            stream_arn,
            function: functions
                .get(&template.mapping.function)
                .cloned()
                .context("the mapping's function is missing")?,
            faults: Arc::new(Faults::new(options.faults)),
            lag: lag.clone(),
        };
        let poller = Poller::start(source, &template, folder.path()).await?;
        let scheduler = Scheduler::start(template.schedules, &functions, dynamodb.expiry())?;
        let api = Arc::new(Api::new(template.routes, functions, issuer));
        let gateway = Gateway::serve(listeners, Arc::clone(&api))?;
        Ok(Self {
            gateway,
            scheduler,
            poller,
            wiring,
            postgres,
            dynamodb,
            api,
            lag,
            reader_url: logins.reader,
            folder,
        })
    }

    /// Where the HTTP API answers, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.gateway.address())
    }

    /// A token that is good for a day. Its subject is the customer, if it names one.
    ///
    /// # Errors
    /// When a scope is unknown.
    pub fn token(&self, scope: &str, customer_id: Option<&str>) -> Result<String> {
        let subject = customer_id.unwrap_or("local");
        self.api.issuer().token(Grant { scope, customer_id, subject, lifetime: DAY })
    }

    /// The time from commit to visible of every commit since the start, in milliseconds.
    #[must_use]
    pub fn lag_ms(&self) -> Histogram<u64> {
        self.lag.snapshot()
    }

    /// Where DynamoDB answers.
    #[must_use]
    pub fn dynamodb_endpoint(&self) -> &str {
        self.dynamodb.endpoint()
    }

    /// A client of DynamoDB.
    #[must_use]
    pub fn dynamodb_client(&self) -> aws_sdk_dynamodb::Client {
        self.dynamodb.client()
    }

    /// The URL of the read model's database, as its owner.
    #[must_use]
    pub fn database_url(&self) -> String {
        self.postgres.url(DATABASE)
    }

    /// The URL of the same database, as the role of the query function.
    #[must_use]
    pub fn reader_url(&self) -> &str {
        &self.reader_url
    }

    /// The data folder.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Drops what has expired by now, as the table does in its own time.
    pub async fn drop_what_expired(&self) {
        self.dynamodb.expiry().drop_what_expired().await;
    }

    /// Ends cleanly: requests under way are answered, then the batch under way is projected,
    /// then the stores close.
    pub async fn stop(self) {
        self.gateway.stop().await;
        self.scheduler.stop().await;
        self.poller.stop().await;
        self.wiring.close().await;
        self.postgres.stop().await;
        self.dynamodb.stop().await;
    }
}

/// Takes what another process has only if that one is just ending: of a stack that was killed, the
/// kernel keeps the locks and the port for a moment.
async fn when_free<T>(take: impl AsyncFn() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + PREDECESSOR_ENDS_WITHIN;
    loop {
        match take().await {
            Err(_) if Instant::now() < deadline => sleep(Duration::from_millis(50)).await,
            settled => return settled,
        }
    }
}

/// Makes the database and brings it up to date. A database that was not there has missed what
/// the stream delivered before, so then everything comes again.
async fn prepare_database(postgres: &Server, folder: &Folder) -> Result<()> {
    if postgres.create_database(DATABASE).await? {
        Checkpoints::forget(folder.path())?;
    }
    let pool = PgPool::connect(&postgres.url(DATABASE)).await.context("connecting to migrate")?;
    ordering_views::MIGRATOR.run(&pool).await.context("migrating the database")?;
    pool.close().await;
    Ok(())
}

/// The key that signs cursors, made at the first start: a cursor outlives a restart.
fn cursor_key(folder: &Path) -> Result<Vec<u8>> {
    let path = random_file(folder, "cursor.key")?;
    let key = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    ensure!(key.len() == KEY_BYTES, "{} is no key of {KEY_BYTES} bytes: delete it", path.display());
    Ok(key)
}

/// The file with the key that wraps the data keys. Deployed, KMS has it.
fn key_file(folder: &Path) -> Result<PathBuf> {
    random_file(folder, "data.key")
}

/// A file of that name with a key in it, made at the first start.
fn random_file(folder: &Path, name: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    if !path.exists() {
        let mut key = [0_u8; KEY_BYTES];
        File::open("/dev/urandom")
            .and_then(|mut random| random.read_exact(&mut key))
            .context("reading /dev/urandom")?;
        folder::write_once(&path, &key)?;
    }
    Ok(path)
}

/// Where the functions write what CloudWatch makes metrics of, a JSON object a line, from this
/// start on. On Lambda that is standard output; here that is the stack's own.
fn metrics_file(folder: &Path) -> Result<File> {
    let path = folder.join("metrics.ndjson");
    File::create(&path).with_context(|| format!("making {}", path.display()))
}

/// Writes what the deployed functions read from their environment, so that `cargo lambda watch
/// --env-file` runs them against this stack.
fn write_environment(
    folder: &Folder,
    postgres: &Server,
    dynamodb: &DynamoDb,
    (cursor_key, key_file): (&[u8], &Path),
) -> Result<()> {
    let key_file = key_file.to_str().context("the data folder's name is no UTF-8")?;
    let cursor_key: String = cursor_key.iter().map(|byte| format!("{byte:02x}")).collect();
    let variables = [
        ("EVENT_TABLE", TABLE_NAME),
        ("KEY_TABLE", KEY_TABLE_NAME),
        ("KEY_FILE", key_file),
        ("DATABASE_URL", &postgres.url(DATABASE)),
        ("CURSOR_KEY", &cursor_key),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.endpoint()),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", CREDENTIAL),
        ("AWS_SECRET_ACCESS_KEY", CREDENTIAL),
    ];
    let lines: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    folder::write(&folder.path().join("env"), lines.as_bytes())
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stack").field("url", &self.url()).field("folder", &self.folder).finish()
    }
}
