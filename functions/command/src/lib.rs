//! Request to command to commit: the write side over HTTP.
//!
//! A handler names the stream that its command is addressed to, loads what else the decision
//! needs, and stages what the deciders say; [`EventStore::execute`] finds the first answer of a
//! retry, appends, and runs it again on a lost race. Ownership is checked here, from the claims
//! that API Gateway's authorizer passes; scopes are checked there, by the routes of the template.

mod asked;
mod carts;
mod customers;
mod keys;
mod openapi;
mod orders;
mod products;
mod refusal;
mod reply;

pub use asked::Asked;
use axum::Router;
use event_store::{Decider, EventStore, Folded, Refused, Start, StreamId, Unit};
use ordering::Rejection;
use reply::{Answer, Reply};
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{keys::Keys, refusal::problem};

/// The write side: the event store, shared by all requests of a process.
#[derive(Clone, Debug)]
pub struct Commands {
    store: EventStore,
    keys: Keys,
}

impl Commands {
    /// Commands that append to `store`.
    #[must_use]
    pub fn new(store: EventStore) -> Self {
        Self { store, keys: Keys::new() }
    }

    /// Carries out one command on `stream`, and says it in HTTP. To a caller for whom it is not
    /// `visible` it is not there.
    async fn run<D, T, G, F, Decided>(
        &self,
        (stream, start): (&StreamId, Start),
        asked: &Asked<T>,
        visible: G,
        decide: F,
    ) -> Answer
    where
        D: Decider,
        G: Fn(&D) -> Result<(), Rejection>,
        F: Fn(Unit, Arc<Folded<D>>) -> Decided,
        Decided: Future<Output = Result<(Unit, Reply), Refused<Rejection>>>,
    {
        if self.keys.were_used_otherwise(&asked.intent) {
            return Err(problem(stream, Refused::KeyReused));
        }
        let decide = &decide;
        let accepted = self
            .store
            .execute((stream, start), &asked.intent, visible, |unit, folded| async move {
                let (unit, reply) = decide(unit, folded).await?;
                let reply = reply.naming(stream, unit.touched());
                Ok((unit, reply))
            })
            .await;
        if accepted.is_ok() {
            self.keys.note(&asked.intent);
        }
        accepted.map_err(|refused| problem(stream, refused))
    }
}

/// All commands of the API, by route.
pub fn router(commands: Commands) -> Router {
    edge::with_problems(Router::from(routes()).with_state(commands))
}

/// What these commands say of themselves: this function's part of the OpenAPI document.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut api = routes().into_openapi();
    openapi::complete(&mut api);
    api
}

fn routes() -> OpenApiRouter<Commands> {
    OpenApiRouter::default()
        .routes(routes!(products::add))
        .routes(routes!(products::change_price))
        .routes(routes!(products::book_stock))
        .routes(routes!(products::discontinue))
        .routes(routes!(customers::register))
        .routes(routes!(customers::change_email))
        .routes(routes!(customers::erase))
        .routes(routes!(carts::open))
        .routes(routes!(carts::add_item))
        .routes(routes!(carts::set_quantity, carts::remove_item))
        .routes(routes!(carts::check_out))
        .routes(routes!(orders::import))
        .routes(routes!(orders::pay))
        .routes(routes!(orders::ship))
        .routes(routes!(orders::deliver))
        .routes(routes!(orders::cancel))
        .routes(routes!(orders::take_back))
}
