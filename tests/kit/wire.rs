//! A DynamoDB, and a wire to it that is listened to and that breaks on demand.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, StatusCode, header},
    response::IntoResponse,
};
use futures::stream;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{Fault, Table};

/// One call, as DynamoDB bills it.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// For example `PutItem`.
    pub operation: String,
    /// The units that it consumed.
    pub units: f64,
}

#[derive(Debug, Default)]
struct Plan {
    /// What is to happen to the next calls of an operation.
    faults: VecDeque<(&'static str, Fault)>,
    /// What happens to every call of an operation whose name starts like this.
    lasting: Option<(&'static str, Fault)>,
    calls: Vec<Call>,
}

#[derive(Clone)]
struct Line {
    engine: String,
    http: reqwest::Client,
    plan: Arc<Mutex<Plan>>,
}

/// The wire to a table of its own in an engine of its own.
pub struct Wire {
    /// The table behind it.
    pub table: Table,
    line: Line,
    address: std::net::SocketAddr,
    server: JoinHandle<()>,
}

impl Wire {
    /// Starts an engine in this process, and lays a wire to it.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn lay() -> anyhow::Result<Self> {
        Self::over(Table::in_memory().await?).await
    }

    /// Lays a wire to that table.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn over(table: Table) -> anyhow::Result<Self> {
        let plan = Arc::new(Mutex::new(Plan::default()));
        let line = Line { engine: table.endpoint.clone(), http: reqwest::Client::new(), plan };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = serve(listener, line.clone());
        Ok(Self { table, line, address, server })
    }

    /// Where clients connect.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next call of `operation` meets this fault; several queue up.
    pub fn next(&self, operation: &'static str, fault: Fault) {
        self.line.plan().faults.push_back((operation, fault));
    }

    /// From now on every call whose operation starts with `prefix` meets this fault.
    pub fn from_now_on(&self, prefix: &'static str, fault: Fault) {
        self.line.plan().lasting = Some((prefix, fault));
    }

    /// The engine is as it should be again, and what was planned is off.
    pub fn mend(&self) {
        let mut plan = self.line.plan();
        plan.lasting = None;
        plan.faults.clear();
    }

    /// Whether every planned fault has met its call.
    #[must_use]
    pub fn all_met(&self) -> bool {
        self.line.plan().faults.is_empty()
    }

    /// The operations whose planned faults have met no call yet.
    #[must_use]
    pub fn unmet(&self) -> Vec<&'static str> {
        self.line.plan().faults.iter().map(|(operation, _)| *operation).collect()
    }

    /// The calls since the last time that somebody asked.
    #[allow(clippy::must_use_candidate, reason = "asking also forgets")]
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.line.plan().calls)
    }

    /// Nobody listens any more: connections are refused.
    pub async fn go_away(&mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }

    /// Listens again where it did.
    ///
    /// # Errors
    /// When somebody took the port.
    pub async fn come_back(&mut self) -> anyhow::Result<()> {
        self.server = serve(TcpListener::bind(self.address).await?, self.line.clone());
        Ok(())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn serve(listener: TcpListener, line: Line) -> JoinHandle<()> {
    let app = Router::new().fallback(pass_on).with_state(line);
    tokio::spawn(async move { drop(axum::serve(listener, app).await) })
}

impl Line {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to happen to this call.
    fn fault(&self, operation: &str) -> Option<Fault> {
        let mut plan = self.plan();
        if let Some(place) = plan.faults.iter().position(|(of, _)| *of == operation) {
            return plan.faults.remove(place).map(|(_, fault)| fault);
        }
        let lasting = plan.lasting.as_ref().filter(|(prefix, _)| operation.starts_with(prefix));
        lasting.map(|(_, fault)| fault.clone())
    }

    /// Asks the engine, and notes what it bills.
    async fn ask(
        &self,
        operation: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> (StatusCode, Vec<u8>) {
        let billed = with_bill(&body).unwrap_or_else(|| body.to_vec());
        let mut headers = headers.clone();
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::HOST);
        let asked = self.http.post(&self.engine).headers(headers).body(billed).send().await;
        let Ok(answer) = asked else { return (StatusCode::BAD_GATEWAY, Vec::new()) };
        let status = answer.status();
        let answer = answer.bytes().await.map(|bytes| bytes.to_vec()).unwrap_or_default();
        let said: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let operation = operation.to_owned();
        self.plan().calls.push(Call { operation, units: units(&said["ConsumedCapacity"]) });
        (status, answer)
    }
}

async fn pass_on(State(line): State<Line>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.split('.').nth(1)).unwrap_or("?").to_owned();
    let fault = line.fault(&operation);
    // the engine goes on with what it was asked for, whoever gives up waiting
    let asking = |wait: Duration| {
        let (line, headers, body) = (line.clone(), headers.clone(), body.clone());
        let operation = operation.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            line.ask(&operation, &headers, body).await
        })
    };
    match fault {
        None => {}
        Some(Fault::Says { status, body }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            return answer(status, body.to_string().into());
        }
        Some(Fault::AnswerLost) => {
            drop(asking(Duration::ZERO).await);
            let cut = stream::iter([Err::<Bytes, _>(io::Error::other("the wire is cut"))]);
            return Body::from_stream(cut).into_response();
        }
        Some(Fault::AnswerNeverComes) => {
            drop(asking(Duration::ZERO).await);
            return never().await;
        }
        Some(Fault::RequestLost) => return never().await,
        Some(Fault::Slow(wait)) => {
            let answered = asking(Duration::ZERO).await;
            tokio::time::sleep(wait).await;
            return answered.map_or_else(|_| never_was(), |(status, body)| answer(status, body));
        }
        Some(Fault::Late(wait)) => {
            drop(asking(wait));
            return never().await;
        }
        Some(Fault::Held(gate)) => {
            let answered = asking(Duration::ZERO).await;
            gate.reached.notify_one();
            gate.open.notified().await;
            return answered.map_or_else(|_| never_was(), |(status, body)| answer(status, body));
        }
    }
    let (status, body) = line.ask(&operation, &headers, body).await;
    answer(status, body)
}

fn answer(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}

async fn never() -> Response<Body> {
    let never: Infallible = std::future::pending().await;
    match never {}
}

fn never_was() -> Response<Body> {
    StatusCode::BAD_GATEWAY.into_response()
}

/// The same request, asking for its bill too.
fn with_bill(body: &[u8]) -> Option<Vec<u8>> {
    let mut request: Value = serde_json::from_slice(body).ok()?;
    request.as_object_mut()?.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
    serde_json::to_vec(&request).ok()
}

/// A transaction's bill has an entry a table.
fn units(capacity: &Value) -> f64 {
    let one = |entry: &Value| entry["CapacityUnits"].as_f64().unwrap_or_default();
    capacity.as_array().map_or_else(|| one(capacity), |entries| entries.iter().map(one).sum())
}
