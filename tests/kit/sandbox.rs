//! A function in a process of its own, and Lambda's runtime API that feeds it.
//!
//! After AWS's "Using the Lambda runtime API for custom runtimes".

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    process::{Child, Command, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::{binary, desk::Order, log::Log, private};

/// How long an invocation may take.
const LIMIT: Duration = Duration::from_secs(29);

/// A function's process.
pub struct Sandbox {
    child: Child,
    queue: mpsc::UnboundedSender<Value>,
    api: Api,
    address: SocketAddr,
    server: JoinHandle<()>,
    /// Read after the process is over: it is dropped last.
    _log: Log,
}

#[derive(Clone)]
struct Api {
    events: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Value>>>,
    waiting: Arc<Mutex<Waiting>>,
}

/// Who waits for the answer of which invocation.
#[derive(Default)]
struct Waiting {
    handed_out: u64,
    asked: u64,
    answers: BTreeMap<u64, oneshot::Sender<Value>>,
}

impl Sandbox {
    /// Starts the bootstrap of that name with these variables.
    ///
    /// # Errors
    /// When it was not built, or no port is free.
    pub async fn start(name: &str, variables: &[(&str, String)]) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (queue, events) = mpsc::unbounded_channel();
        let events = Arc::new(tokio::sync::Mutex::new(events));
        let api = Api { events, waiting: Arc::default() };
        let server = tokio::spawn(serve(listener, api.clone()));
        variables.iter().for_each(|(name, value)| private::note_variable(name, value));
        let log = Log::new()?;
        let child = Command::new(binary(name)?)
            .env("RUST_LOG", witness::level())
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", name)
            .env("AWS_LAMBDA_LOG_STREAM_NAME", name)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .stdout(log.stdio()?)
            .stderr(log.stdio()?)
            .spawn()?;
        Ok(Self { child, queue, api, address, server, _log: log })
    }

    /// Invokes the function; gives what it answers.
    ///
    /// # Errors
    /// When it ends without an answer.
    pub async fn invoke(&self, event: Value) -> anyhow::Result<Value> {
        self.ask(event)?.await.context("the sandbox ended without an answer")
    }

    /// Invokes the function; the answer can be waited for.
    ///
    /// # Errors
    /// When it has ended.
    pub fn ask(&self, event: Value) -> anyhow::Result<oneshot::Receiver<Value>> {
        Order::of(event.clone()).note();
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.api.waiting();
        waiting.asked += 1;
        let id = waiting.asked;
        waiting.answers.insert(id, answer);
        self.queue.send(event)?;
        Ok(answered)
    }

    /// Where a custom resource sends its answer to CloudFormation.
    #[must_use]
    pub fn signed_url(&self) -> String {
        format!("http://{}/signed", self.address)
    }

    /// The id of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that the process has used, in KiB.
    ///
    /// # Errors
    /// When it has ended.
    pub fn peak_rss_kib(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = line.and_then(|line| line.split_whitespace().next()).context(status.clone())?;
        Ok(peak.parse()?)
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// When it has ended by itself.
    pub fn kill_9(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// `SIGTERM`.
    ///
    /// # Errors
    /// When it has ended by itself.
    pub fn terminate(&self) -> anyhow::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::TERM)?)
    }

    /// Waits until the process has ended by itself.
    ///
    /// # Errors
    /// When it does not within 30 seconds.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bail!("the process goes on")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        self.server.abort();
    }
}

impl Api {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, api: Api) {
    let app = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(answered))
        .route("/signed", put(StatusCode::OK))
        .with_state(api);
    drop(axum::serve(listener, app).await);
}

async fn next(State(api): State<Api>) -> Response {
    let Some(event) = api.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let id = {
        let mut waiting = api.waiting();
        waiting.handed_out += 1;
        waiting.handed_out
    };
    let deadline = std::time::SystemTime::now() + LIMIT;
    let deadline = deadline.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let headers = [
        ("lambda-runtime-aws-request-id", id.to_string()),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:0:function:f".to_owned()),
    ];
    (headers, Json(event)).into_response()
}

async fn answered(State(api): State<Api>, Path(id): Path<u64>, body: String) -> StatusCode {
    if let Some(answer) = api.waiting().answers.remove(&id) {
        drop(answer.send(serde_json::from_str(&body).unwrap_or_default()));
    }
    StatusCode::ACCEPTED
}
