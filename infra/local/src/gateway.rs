//! API Gateway's HTTP API on loopback: routes, JWT authorizer and payload format 2.0, so that the
//! functions get the events they get on AWS. Beside it, Lambda's own invoke API.

mod answer;
mod authorizer;
mod event;
mod invoke_api;
mod routing;

use std::collections::HashMap;
use std::future::IntoFuture;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::request::Parts;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::functions::{self, Function};
use crate::issuer::Issuer;
use crate::template::Route;
use answer::problem;
use routing::Routes;

/// API Gateway's limit for a body, in bytes.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// API Gateway's limit for the request line and all headers together, in bytes.
const HEAD_LIMIT: usize = 10_240;

/// An HTTP API waits no longer for its integration.
const INTEGRATION_LIMIT: Duration = Duration::from_secs(30);

/// The longest a request under way can hold up a stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(35);

/// What a request needs.
pub(crate) struct Api {
    routes: Routes,
    functions: HashMap<String, Function>,
    issuer: Issuer,
}

impl Api {
    pub(crate) fn new(
        routes: Vec<Route>,
        functions: HashMap<String, Function>,
        issuer: Issuer,
    ) -> Self {
        Self { routes: Routes::new(routes), functions, issuer }
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        &self.issuer
    }
}

/// A running gateway; dropped, it takes no more requests.
#[derive(Debug)]
pub(crate) struct Gateway {
    address: SocketAddr,
    servers: TaskTracker,
    running: DropGuard,
}

impl Gateway {
    /// Listens on `port` of 127.0.0.1, and of ::1 where that is to be had: it is where `cargo
    /// lambda invoke` looks. Port 0 is any that is free.
    ///
    /// # Errors
    /// When the port is taken.
    pub(crate) async fn bind(port: u16) -> Result<(TcpListener, Option<TcpListener>)> {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| {
            format!("port {port} of 127.0.0.1 cannot be had: set PORT to another")
        })?;
        let port = first.local_addr().context("asking for the gateway's port")?.port();
        let second = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await;
        let second = second.inspect_err(|error| tracing::debug!("not on [::1]:{port}: {error}"));
        Ok((first, second.ok()))
    }

    /// Serves `api` on what [`Gateway::bind`] gave.
    pub(crate) fn serve(
        (first, second): (TcpListener, Option<TcpListener>),
        api: Arc<Api>,
    ) -> Result<Self> {
        let address = first.local_addr().context("asking for the gateway's port")?;
        let (servers, stop) = (TaskTracker::new(), CancellationToken::new());
        let app = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke_api::invoke))
            .fallback(handle)
            .with_state(api)
            .into_make_service_with_connect_info::<SocketAddr>();
        for listener in [Some(first), second].into_iter().flatten() {
            let stopped = stop.clone().cancelled_owned();
            servers.spawn(
                axum::serve(listener, app.clone()).with_graceful_shutdown(stopped).into_future(),
            );
        }
        servers.close();
        Ok(Self { address, servers, running: stop.drop_guard() })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests and waits for those under way.
    pub(crate) async fn stop(self) {
        drop(self.running);
        if timeout(DRAIN_WITHIN, self.servers.wait()).await.is_err() {
            tracing::warn!("a request was still under way after {DRAIN_WITHIN:?}");
        }
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    if head_size(&parts) > HEAD_LIMIT {
        return problem(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Request Header Fields Too Large",
        )
        .into_response();
    }
    let path = event::decoded_path(parts.uri.path());
    let Some(found) = api.routes.find(&parts.method, &path) else {
        return problem(StatusCode::NOT_FOUND, "Not Found").into_response();
    };
    let claims = match authorizer::authorize(&api.issuer, found.route, &parts.headers) {
        Ok(claims) => claims,
        Err(refusal) => return refusal.into_response(),
    };
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large").into_response();
    };
    let event = event::build(
        &event::Incoming { parts: &parts, path: &path, body: &body, peer },
        &found,
        claims.as_ref(),
    );
    let Some(function) = api.functions.get(&found.route.function) else {
        tracing::error!("{} goes to {}, which there is not", found.route.key, found.route.function);
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response();
    };
    match timeout(INTEGRATION_LIMIT, functions::invoke(function, event)).await {
        Ok(Ok(answer)) => answer::response(answer),
        Ok(Err(failure)) => {
            tracing::error!("{} failed on {}: {failure}", found.route.function, found.route.key);
            problem(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response()
        }
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response(),
    }
}

/// In bytes, without the separators.
fn head_size(parts: &Parts) -> usize {
    let line = parts.method.as_str().len()
        + parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    line + parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum::<usize>()
}

#[cfg(test)]
#[path = "gateway/tests.rs"]
mod tests;
