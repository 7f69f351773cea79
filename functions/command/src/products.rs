//! `POST /products…`

use axum::{extract::State, response::IntoResponse};
use edge::{FieldError, Id, Problem, Scope};
use event_store::Start;
use ordering::{Cents, Product, ProductAdded, ProductCommand, Quantity, Sku};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    Answer, Asked, Commands, Reply,
    openapi::{Accepted, BookedStock},
    reply::Replied,
};

/// Nothing but the command itself.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    unit_price_cents: Cents,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stock {
    received: Option<Quantity>,
    counted: Option<u32>,
}

/// Adds a product. A second one with that `sku` is refused.
#[utoipa::path(
    post, path = "/products", operation_id = "add_product", tag = "products",
    request_body = ProductAdded,
    responses(
        (status = 201, description = "The product is there.", body = Accepted),
    ),
    security(("token" = ["staff", "import"])),
)]
pub(crate) async fn add(
    State(commands): State<Commands>,
    asked: Asked<ProductAdded>,
) -> Result<impl IntoResponse, Problem> {
    let sku = asked.body.sku.clone();
    let command = ProductCommand::Add(asked.body.clone());
    decide(&commands, sku, Start::New, &asked, command).await.map(Replied)
}

/// Changes the price. Placed orders keep what they were promised.
#[utoipa::path(
    post, path = "/products/{sku}/price", operation_id = "change_price", tag = "products",
    params(("sku" = String, Path, description = "Which product.")),
    request_body = Price,
    responses(
        (status = 200, description = "It is so.", body = Accepted),
    ),
    security(("token" = ["staff", "import"])),
)]
pub(crate) async fn change_price(
    State(commands): State<Commands>,
    Id(sku): Id<Sku>,
    asked: Asked<Price>,
) -> Result<impl IntoResponse, Problem> {
    let command = ProductCommand::ChangePrice(asked.body.unit_price_cents);
    decide(&commands, sku, Start::Existing, &asked, command).await.map(Replied)
}

/// Goods in, or a stock count that overrides.
#[utoipa::path(
    post, path = "/products/{sku}/stock", operation_id = "book_stock", tag = "products",
    params(("sku" = String, Path, description = "Which product.")),
    request_body = BookedStock,
    responses(
        (status = 200, description = "It is so.", body = Accepted),
    ),
    security(("token" = ["staff", "import"])),
)]
pub(crate) async fn book_stock(
    State(commands): State<Commands>,
    Id(sku): Id<Sku>,
    asked: Asked<Stock>,
) -> Result<impl IntoResponse, Problem> {
    let command = match (asked.body.received, asked.body.counted) {
        (Some(received), None) => ProductCommand::Receive(received),
        (None, Some(counted)) => ProductCommand::Count(counted),
        (None, None) | (Some(_), Some(_)) => {
            let detail = "expected either `received` or `counted`".to_owned();
            let errors = vec![FieldError { pointer: String::new(), detail }];
            let wrong = Problem::bad_request("bad-body", "Say what came in, or what is there.");
            return Err(wrong.with_errors(errors));
        }
    };
    decide(&commands, sku, Start::Existing, &asked, command).await.map(Replied)
}

/// Takes a product out of the shop. It is no longer sold.
#[utoipa::path(
    post, path = "/products/{sku}/discontinue", operation_id = "discontinue_product", tag = "products",
    params(("sku" = String, Path, description = "Which product.")),
    request_body = Nothing,
    responses(
        (status = 200, description = "It is so.", body = Accepted),
    ),
    security(("token" = ["staff", "import"])),
)]
pub(crate) async fn discontinue(
    State(commands): State<Commands>,
    Id(sku): Id<Sku>,
    asked: Asked<Nothing>,
) -> Result<impl IntoResponse, Problem> {
    let command = ProductCommand::Discontinue;
    decide(&commands, sku, Start::Existing, &asked, command).await.map(Replied)
}

async fn decide<T>(
    commands: &Commands,
    sku: Sku,
    start: Start,
    asked: &Asked<T>,
    command: ProductCommand,
) -> Answer {
    asked.caller.allow(&[Scope::Staff, Scope::Import])?;
    let (stream, sku, command) = (&sku.stream(), &sku, &command);
    commands
        .run::<Product, _, _, _, _>(
            (stream, start),
            asked,
            |_| Ok(()),
            |mut unit, product| async move {
                let decided = unit.decide(stream, &product, (sku.clone(), command.clone()))?;
                let made = start == Start::New;
                let reply = Reply::at(sku, decided.version);
                Ok((unit, reply.made(made, || format!("/products/{sku}"))))
            },
        )
        .await
}
