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
mod orders;
mod products;
mod refusal;
mod reply;

pub use asked::Asked;
use axum::{
    Router,
    routing::{post, put},
};
use event_store::{Decider, EventStore, Folded, Refused, Start, StreamId, Unit};
use ordering::Rejection;
use reply::{Answer, Reply};
use std::sync::Arc;

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
    let router = Router::new()
        .route("/products", post(products::add))
        .route("/products/{sku}/price", post(products::change_price))
        .route("/products/{sku}/stock", post(products::book_stock))
        .route("/products/{sku}/discontinue", post(products::discontinue))
        .route("/customers", post(customers::register))
        .route("/customers/{id}/email", post(customers::change_email))
        .route("/carts", post(carts::open))
        .route("/carts/{id}/items", post(carts::add_item))
        .route("/carts/{id}/items/{sku}", put(carts::set_quantity).delete(carts::remove_item))
        .route("/carts/{id}/checkout", post(carts::check_out))
        .route("/orders/import", post(orders::import))
        .route("/orders/{id}/pay", post(orders::pay))
        .route("/orders/{id}/ship", post(orders::ship))
        .route("/orders/{id}/deliver", post(orders::deliver))
        .route("/orders/{id}/cancel", post(orders::cancel))
        .route("/orders/{id}/return", post(orders::take_back))
        .with_state(commands);
    edge::with_problems(router)
}
