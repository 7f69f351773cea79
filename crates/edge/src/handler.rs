//! From API Gateway's event to a router and back.

use std::{convert::Infallible, env, sync::Arc};

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn},
    response::Response,
};
use decider::TraceParent;
use lambda_http::{
    Adapter, Context, Error, LambdaEvent, Service,
    lambda_runtime::{self, Runtime},
    request::LambdaRequest,
    service_fn,
};
use serde_json::Value;
use tokio::{
    select,
    signal::unix::{SignalKind, signal},
    sync::Mutex,
};
use tower::util::MapFutureLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{error, info};
use tracing_subscriber::EnvFilter;

use crate::{Origin, Problem, buffered, routes};

/// A router as a Lambda handler: API Gateway's payload format 2.0 in, its response out.
#[derive(Clone, Debug)]
pub struct Handler {
    router: Router,
}

impl Handler {
    /// A handler on that router.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self { router: router.layer(from_fn(buffered::gather)) }
    }

    /// Handles one event.
    ///
    /// # Errors
    /// When the event is not one of API Gateway's, or the answer is not text.
    pub async fn handle(&self, event: Value) -> Result<Value, Error> {
        self.call(LambdaEvent::new(event, Context::default())).await
    }

    async fn call(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let LambdaEvent { mut payload, context } = event;
        make_sound(&mut payload);
        let request: LambdaRequest = serde_json::from_value(payload)?;
        // The adapter is gone before anything waits: it is not `Send`, and its future is.
        let answering = Adapter::from(self.router.clone()).call(LambdaEvent::new(request, context));
        let response = answering.await.unwrap_or_else(|never: Infallible| match never {});
        Ok(serde_json::to_value(response)?)
    }
}

/// Puts path and query together so that they are parts of a URI, and nothing but the path
/// decides what is meant.
///
/// API Gateway passes on what it was sent, the path even decoded. `lambda_http` makes a URL of
/// it: it panics on a blank in the query, takes a `#` for the start of a fragment and a host with
/// a path in it for more path, and resolves `..`, all after the gateway has checked the route.
fn make_sound(event: &mut Value) {
    for (name, odd) in [("rawPath", "#?\\"), ("rawQueryString", "#\"<> ")] {
        let Some(Value::String(raw)) = event.get_mut(name) else { continue };
        let is_odd = |c: char| c.is_ascii_control() || odd.contains(c);
        if name == "rawPath" && raw.split(['/', '\\']).any(is_dots) {
            NOWHERE.clone_into(raw);
        } else if raw.contains(is_odd) {
            let encode = |c: char| match c {
                c if is_odd(c) => format!("%{:02X}", u32::from(c)),
                c => c.to_string(),
            };
            *raw = raw.chars().map(encode).collect();
        }
    }
    if let Some(Value::Object(headers)) = event.get_mut("headers") {
        headers.retain(|name, _| !name.to_lowercase().starts_with("x-forwarded-"));
        headers.insert("host".to_owned(), Value::String("api".to_owned()));
    }
}

/// A path that no router knows.
const NOWHERE: &str = "/-";

/// What a URL would resolve, also in its encoded spellings.
fn is_dots(segment: &str) -> bool {
    let plain = segment.to_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

/// Runs a router under Lambda's runtime, until Lambda ends it. `SIGTERM` ends it once the request
/// under way is answered.
///
/// Lambda itself ends a sandbox between two requests, and says so only where an extension is
/// registered; whatever else runs a bootstrap may send the signal at any time.
///
/// # Errors
/// When the runtime's API is away.
pub async fn serve(router: Router) -> Result<(), lambda_runtime::Error> {
    let handler = Handler::new(router);
    let at_work = Arc::new(Mutex::new(()));
    let working = at_work.clone();
    // around the whole invocation: it is over when the runtime's API has taken the answer
    let counted = MapFutureLayer::new(move |answering| {
        let working = working.clone();
        async move {
            let _working = working.lock_owned().await;
            answering.await
        }
    });
    let runtime = Runtime::new(service_fn(|event| handler.call(event))).layer(counted);
    let mut terminate = signal(SignalKind::terminate())?;
    let ended = async {
        terminate.recv().await;
        let _at_rest = at_work.lock().await;
    };
    select! {
        ran = runtime.run() => ran,
        () = ended => Ok(()),
    }
}

/// Logs JSON lines to standard output, at `RUST_LOG` or `info`, as CloudWatch takes them.
pub fn log_to_stdout() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let json = tracing_subscriber::fmt().json().with_env_filter(filter);
    json.with_current_span(false).flatten_event(true).without_time().init();
}

/// Puts a body on every refusal of a router, whoever refused, and logs each request once:
/// what was asked for by route, never by path or query, which may name people.
pub fn with_problems(router: Router) -> Router {
    router.layer(CatchPanicLayer::custom(panicked)).layer(from_fn(finish))
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?");
    error!(panic = text, "a handler panicked");
    let mut response = Response::default();
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

async fn finish(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let request_id = crate::caller::request_id(request.extensions());
    let Origin { correlation_id, trace } = Origin::of(&request);
    let trace_id = trace.as_ref().map(TraceParent::trace_id);
    let mut response = next.run(request).await;
    if response.status() == StatusCode::NOT_FOUND && routes::refuses(&path, &method) {
        // no route of this function, but one of the other: it is the method that is wrong
        response.extensions_mut().remove::<Problem>();
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    }
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    let problem = response.extensions_mut().remove::<Problem>();
    let problem = problem.or_else(|| refused.then(|| Problem::plain(status)));
    let Some(mut problem) = problem else {
        info!(%method, status = status.as_u16(), request_id, correlation_id, trace_id, "answered");
        return response;
    };
    info!(
        %method, status = status.as_u16(), problem = problem.kind, request_id, correlation_id,
        trace_id, "refused"
    );
    let allowed = routes::methods(&path).map(routes::listed);
    let allowed = allowed.and_then(|allowed| HeaderValue::try_from(allowed).ok());
    problem.instance = path;
    let mut rendered = problem.render();
    if let (StatusCode::METHOD_NOT_ALLOWED, Some(allowed)) = (status, allowed) {
        rendered.headers_mut().insert(header::ALLOW, allowed);
    }
    if method == Method::HEAD {
        *rendered.body_mut() = axum::body::Body::empty();
    }
    rendered
}

/// A variable that a function cannot do without.
///
/// # Errors
/// Names it.
pub fn variable(name: &'static str) -> Result<String, Error> {
    env::var(name).map_err(|error| format!("the environment variable {name}: {error}").into())
}
