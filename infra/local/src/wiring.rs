//! The three functions, made as their `main.rs` make them, but in this process.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use axum::Router;
use edge::Handler;
use event_store::EventStore;
use futures::FutureExt;
use projector::{Input, Projector};
use serde_json::Value;
use sqlx::PgPool;
use telemetry::Telemetry;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::functions::Function;
use crate::template::Template;

/// Connections for queries. On Lambda each sandbox has its own; here all requests share them.
const QUERY_CONNECTIONS: u32 = 16;

const BAD_URL: &str = "reading the database's URL";

/// How long the projector waits for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The URLs of the database for the roles of the two functions that need it, as when deployed.
pub(crate) struct Logins {
    pub(crate) projector: String,
    pub(crate) reader: String,
}

/// What the functions are made of.
pub(crate) struct Wiring {
    pub(crate) store: EventStore,
    pub(crate) projector_pool: PgPool,
    pub(crate) query_pool: PgPool,
    pub(crate) cursor_key: Vec<u8>,
}

impl Wiring {
    /// Makes pools that log in as the functions do; each lane of the projector gets a connection,
    /// and so does what it does by the clock.
    ///
    /// # Errors
    /// When a URL is not one of Postgres.
    pub(crate) fn connect(
        store: EventStore,
        logins: &Logins,
        cursor_key: Vec<u8>,
        template: &Template,
    ) -> Result<Self> {
        let lanes = u32::try_from(template.mapping.parallelization_factor).unwrap_or(u32::MAX);
        let projector =
            database::connections(lanes.saturating_add(1)).acquire_timeout(CONNECT_WITHIN);
        let query = query::sessions().max_connections(QUERY_CONNECTIONS);
        Ok(Self {
            store,
            projector_pool: projector.connect_lazy(&logins.projector).context(BAD_URL)?,
            query_pool: query.connect_lazy(&logins.reader).context(BAD_URL)?,
            cursor_key,
        })
    }

    /// The functions by name. What they would tell CloudWatch goes to `metrics`.
    ///
    /// # Errors
    /// When the template names one that there is not, or leaves one out.
    pub(crate) fn functions(
        &self,
        template: &Template,
        metrics: File,
    ) -> Result<HashMap<String, Function>> {
        let commands = command::Commands::new(self.store.clone());
        let command = measured("command", command::router(commands), &metrics)?;
        let queries = query::Queries::new(self.query_pool.clone(), self.cursor_key.clone());
        let query = measured("query", query::router(queries), &metrics)?;
        let projector = Projector::new(self.projector_pool.clone(), self.store.clone())
            .measured_by(Telemetry::new("projector", metrics));
        let limit = |name: &str| {
            let limit = template.functions.get(name).copied();
            limit.with_context(|| format!("the template has no function {name}"))
        };
        let functions = HashMap::from([
            ("command".to_owned(), http(command, limit("command")?)),
            ("query".to_owned(), http(query, limit("query")?)),
            (
                "projector".to_owned(),
                sandbox(limit("projector")?, async move |event| project(&projector, event).await),
            ),
        ]);
        let missing = template.functions.keys().find(|name| !functions.contains_key(*name));
        ensure!(
            missing.is_none(),
            "the template names a function {missing:?} that the local stack does not have"
        );
        Ok(functions)
    }

    /// Waits for the statements under way, and closes the connections.
    pub(crate) async fn close(&self) {
        futures::join!(self.query_pool.close(), self.projector_pool.close());
    }
}

/// A handler that tells what it does into the same file as the others.
fn measured(name: &'static str, router: Router, metrics: &File) -> Result<Handler> {
    let metrics = metrics.try_clone().context("sharing the file of metrics")?;
    Ok(Handler::new(edge::measured(router, Telemetry::new(name, metrics))))
}

fn http(handler: Handler, limit: Duration) -> Function {
    sandbox(limit, async move |event| handler.handle(event).await.map_err(opaque))
}

async fn project(projector: &Projector, event: Value) -> Result<Value> {
    let input: Input =
        serde_json::from_value(event).context("this is no batch of a stream and no task")?;
    let answer = projector.invoke(input).await.map_err(opaque)?;
    serde_json::to_value(answer).context("the projector's answer has no JSON form")
}

/// Gives each invocation a thread of its own, as Lambda gives it a sandbox: what a handler does
/// between two waits holds nobody else up, and it need not be able to change threads. A handler
/// that is not done after `limit` is dropped where it stands.
fn sandbox<F>(limit: Duration, handler: F) -> Function
where
    F: AsyncFn(Value) -> Result<Value> + Send + Sync + 'static,
{
    let handler = Arc::new(handler);
    Arc::new(move |event| {
        let handler = Arc::clone(&handler);
        let runtime = Handle::current();
        let thread = spawn_blocking(move || runtime.block_on(timeout(limit, handler(event))));
        async move { thread.await?.with_context(|| format!("timed out after {limit:?}"))? }.boxed()
    })
}

/// Lambda's error is a box that is no `std::error::Error` itself.
fn opaque(error: impl Display) -> anyhow::Error {
    anyhow!("{error}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::functions::invoke;

    const LIMIT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn a_handler_that_takes_too_long_is_ended() {
        let endless = sandbox(LIMIT, async |_| std::future::pending().await);
        let failure = invoke(&endless, json!({})).await.expect_err("it never ends by itself");
        assert_eq!(failure.to_string(), "timed out after 50ms: deadline has elapsed");
    }

    #[tokio::test]
    async fn a_handler_that_panics_takes_nobody_with_it() {
        let broken = sandbox(LIMIT, async |event: Value| match event.get("answer") {
            Some(answer) => Ok(answer.clone()),
            None => panic!("there is no answer"),
        });
        let failure = invoke(&broken, json!({})).await.expect_err("it panicked");
        assert!(failure.to_string().contains("there is no answer"), "{failure}");
        assert_eq!(invoke(&broken, json!({"answer": 42})).await.expect("it goes on"), 42);
    }
}
