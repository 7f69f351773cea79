//! `/carts…`

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use edge::{Id, Problem, Scope};
use event_store::{Folded, Refused, Start, Unit};
use ordering::{
    Cart, CartCommand, CartId, Customer, CustomerId, Order, Product, Quantity, Rejection, Sku,
    StreamId, Version, checkout,
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Answer, Asked, Commands, Reply,
    customers::own,
    openapi::{Accepted, CheckedOut},
    products::Nothing,
    reply::Replied,
};

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCart {
    customer_id: CustomerId,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    sku: Sku,
    quantity: Quantity,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewQuantity {
    quantity: Quantity,
}

/// Opens a cart.
#[utoipa::path(
    post, path = "/carts", operation_id = "open_cart", tag = "carts",
    request_body = NewCart,
    responses(
        (status = 201, description = "The cart is there.", body = Accepted),
    ),
    security(("token" = ["shop", "staff"])),
)]
pub(crate) async fn open(
    State(commands): State<Commands>,
    asked: Asked<NewCart>,
) -> Result<impl IntoResponse, Problem> {
    let customer_id = asked.body.customer_id;
    own(asked.caller.confined_to(&[Scope::Staff])?, customer_id)?;
    let id = asked.seed().map_or_else(|| CartId(Uuid::now_v7()), CartId::derived);
    let stream = &id.stream();
    commands
        .run::<Cart, _, _, _, _>(
            (stream, Start::New),
            &asked,
            |_| Ok(()),
            |mut unit, cart| async move {
                let customer = unit.glance::<Customer>(&customer_id.stream()).await?;
                customer.state.registered().map_err(Refused::Rejected)?;
                let version = unit.decide(stream, &cart, CartCommand::Open(customer_id))?.version;
                Ok((unit, Reply::at(id, version).made(true, || format!("/carts/{id}"))))
            },
        )
        .await
        .map(Replied)
}

/// Puts pieces of a product into a cart, beside those that are there.
#[utoipa::path(
    post, path = "/carts/{id}/items", operation_id = "add_item", tag = "carts",
    params(("id" = Uuid, Path, description = "Which cart.")),
    request_body = Item,
    responses(
        (status = 200, description = "It is so.", body = Accepted),
    ),
    security(("token" = ["shop", "staff"])),
)]
pub(crate) async fn add_item(
    State(commands): State<Commands>,
    Id(id): Id<CartId>,
    asked: Asked<Item>,
) -> Result<impl IntoResponse, Problem> {
    let Item { sku, quantity } = asked.body.clone();
    let command = CartCommand::AddItem(sku.clone(), quantity);
    change(&commands, id, &asked, Some(&sku), command).await.map(Replied)
}

/// Sets how many pieces of a product are in a cart.
#[utoipa::path(
    put, path = "/carts/{id}/items/{sku}", operation_id = "set_quantity", tag = "carts",
    params(
        ("id" = Uuid, Path, description = "Which cart."),
        ("sku" = String, Path, description = "Which product."),
    ),
    request_body = NewQuantity,
    responses(
        (status = 200, description = "It is so.", body = Accepted),
    ),
    security(("token" = ["shop", "staff"])),
)]
pub(crate) async fn set_quantity(
    State(commands): State<Commands>,
    Path((id, sku)): Path<(String, String)>,
    asked: Asked<NewQuantity>,
) -> Result<impl IntoResponse, Problem> {
    let (id, sku) = named(&id, &sku)?;
    let command = CartCommand::SetQuantity(sku.clone(), asked.body.quantity);
    change(&commands, id, &asked, Some(&sku), command).await.map(Replied)
}

/// Takes a product out of a cart.
#[utoipa::path(
    delete, path = "/carts/{id}/items/{sku}", operation_id = "remove_item", tag = "carts",
    params(
        ("id" = Uuid, Path, description = "Which cart."),
        ("sku" = String, Path, description = "Which product."),
    ),
    responses(
        (status = 200, description = "It is so.", body = Accepted),
    ),
    security(("token" = ["shop", "staff"])),
)]
pub(crate) async fn remove_item(
    State(commands): State<Commands>,
    Path((id, sku)): Path<(String, String)>,
    asked: Asked<Nothing>,
) -> Result<impl IntoResponse, Problem> {
    let (id, sku) = named(&id, &sku)?;
    change(&commands, id, &asked, None, CartCommand::RemoveItem(sku)).await.map(Replied)
}

fn named(id: &str, sku: &str) -> Result<(CartId, Sku), Problem> {
    match (id.parse(), sku.parse()) {
        (Ok(id), Ok(sku)) => Ok((id, sku)),
        _ => Err(Problem::not_found()),
    }
}

/// A command on an open cart; what is put in must be sold.
async fn change<T>(
    commands: &Commands,
    id: CartId,
    asked: &Asked<T>,
    put_in: Option<&Sku>,
    command: CartCommand,
) -> Answer {
    let confined_to = asked.caller.confined_to(&[Scope::Staff])?;
    let (stream, command) = (&id.stream(), &command);
    commands
        .run::<Cart, _, _, _, _>(
            (stream, Start::Existing),
            asked,
            |cart| visible(cart, confined_to),
            |mut unit, cart| async move {
                if let Some(sku) = put_in {
                    // whether it is still sold is decided at checkout; here it is a courtesy
                    let product = unit.glance::<Product>(&sku.stream()).await?;
                    product.state.sold(sku).map_err(Refused::Rejected)?;
                }
                let version = unit.decide(stream, &cart, command.clone())?.version;
                Ok((unit, Reply::at(id, version)))
            },
        )
        .await
}

/// Somebody else's cart is no cart.
fn visible(cart: &Cart, confined_to: Option<Uuid>) -> Result<(), Rejection> {
    let owner = cart.customer_id().ok_or(Rejection::UnknownCart)?;
    match confined_to {
        Some(customer) if customer != owner.0 => Err(Rejection::UnknownCart),
        Some(_) | None => Ok(()),
    }
}

/// Places an order: prices frozen, stock taken for every line and the cart closed, all or nothing.
#[utoipa::path(
    post, path = "/carts/{id}/checkout", operation_id = "check_out", tag = "carts",
    params(("id" = Uuid, Path, description = "Which cart.")),
    request_body = Nothing,
    responses(
        (status = 201, description = "The order is placed.", body = CheckedOut),
        (status = 200, description = "It was placed before.", body = CheckedOut),
    ),
    security(("token" = ["shop", "staff"])),
)]
pub(crate) async fn check_out(
    State(commands): State<Commands>,
    Id(id): Id<CartId>,
    asked: Asked<Nothing>,
) -> Result<impl IntoResponse, Problem> {
    let confined_to = asked.caller.confined_to(&[Scope::Staff])?;
    let stream = &id.stream();
    commands
        .run::<Cart, _, _, _, _>(
            (stream, Start::Existing),
            &asked,
            |cart| visible(cart, confined_to),
            |mut unit, cart| async move {
                let made = cart.state.open().is_ok();
                let version = place_order(&mut unit, stream, id, cart).await?;
                let order_id = id.order();
                let reply = Reply::at(id, version).made(made, || format!("/orders/{order_id}"));
                let reply = reply.with("order_id", order_id).also(order_id.stream(), Version(1));
                Ok((unit, reply))
            },
        )
        .await
        .map(Replied)
}

/// The cart, the order and every product's stock, all or nothing.
async fn place_order(
    unit: &mut Unit,
    stream: &StreamId,
    id: CartId,
    cart: Arc<Folded<Cart>>,
) -> Result<Version, Refused<Rejection>> {
    let skus: Vec<Sku> = match &cart.state {
        Cart::Open(open) => open.items.keys().cloned().collect(),
        Cart::Unknown | Cart::CheckedOut { .. } => vec![],
    };
    let streams: Vec<StreamId> = skus.iter().map(Sku::stream).collect();
    let loaded = unit.load_all::<Product>(&streams).await?;
    let products: BTreeMap<Sku, Product> =
        skus.iter().cloned().zip(loaded.iter().map(|product| product.state.clone())).collect();
    let decided = checkout(id, &cart.state, &products).map_err(Refused::Rejected)?;
    for (sku, product) in skus.iter().zip(&loaded) {
        unit.stage(&sku.stream(), product, decided.stock.get(sku).map_or(&[], Vec::as_slice));
    }
    unit.stage(&id.order().stream(), &Folded::<Order>::default(), &decided.order);
    Ok(unit.stage(stream, &cart, &decided.cart))
}
