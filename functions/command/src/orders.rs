//! `POST /orders…`

use axum::{extract::State, response::IntoResponse};
use chrono::{DateTime, Datelike, SubsecRound, Utc};
use edge::{FieldError, Id, Problem, Scope};
use event_store::{Refused, Start, Unit};
use ordering::{
    Customer, CustomerId, Import, KnownOrder, Order, OrderCancelled, OrderCommand, OrderId,
    OrderLine, OrderShipped, Payment, Product, Quantity, Rejection, Return, Sku, Status, StreamId,
    Text, restock,
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Answer, Asked, Commands, Reply, openapi::Accepted, products::Nothing, reply::Replied};

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OldOrder {
    reference: Text<100>,
    customer_id: CustomerId,
    /// From 1970 to 9999.
    #[schema(pattern = "^(19[7-9][0-9]|[2-9][0-9]{3})-")]
    placed_at: DateTime<Utc>,
    status: Option<Status>,
    lines: Vec<OrderLine>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Items {
    lines: Vec<ItemBack>,
    reason: Text<500>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemBack {
    sku: Sku,
    quantity: Quantity,
}

/// Back-fills an old order. The same `reference` twice is one order, and no stock is taken.
#[utoipa::path(
    post, path = "/orders/import", operation_id = "import_order", tag = "orders",
    request_body = OldOrder,
    responses(
        (status = 201, description = "The order is there.", body = Accepted),
        (status = 200, description = "It was there before.", body = Accepted),
    ),
    security(("token" = ["import"])),
)]
pub(crate) async fn import(
    State(commands): State<Commands>,
    asked: Asked<OldOrder>,
) -> Result<impl IntoResponse, Problem> {
    asked.caller.allow(&[Scope::Import])?;
    let command = &old_order(&asked.body)?;
    let id = OrderId::imported(command.reference.as_str());
    let stream = &id.stream();
    commands
        .run::<Order, _, _, _, _>(
            (stream, Start::New),
            &asked,
            |_| Ok(()),
            |mut unit, order| async move {
                let customer = unit.glance::<Customer>(&command.customer_id.stream()).await?;
                customer.state.registered().map_err(Refused::Rejected)?;
                let import = OrderCommand::Import(command.clone());
                let decided = unit.decide(stream, &order, import)?;
                let reply = Reply::at(id, decided.version);
                Ok((unit, reply.made(decided.changed, || format!("/orders/{id}"))))
            },
        )
        .await
        .map(Replied)
}

fn old_order(body: &OldOrder) -> Result<Import, Problem> {
    if !(1970..=9999).contains(&body.placed_at.year()) {
        let detail = "is from 1970 to 9999".to_owned();
        let errors = vec![FieldError { pointer: "/placed_at".to_owned(), detail }];
        let wrong = Problem::bad_request("bad-body", "The order is of a time that is not booked.");
        return Err(wrong.with_errors(errors));
    }
    Ok(Import {
        reference: body.reference.clone(),
        customer_id: body.customer_id,
        placed_at: body.placed_at.trunc_subsecs(3),
        status: body.status.unwrap_or(Status::Delivered),
        lines: body.lines.clone(),
    })
}

/// Pays an order. The amount must be the total.
#[utoipa::path(
    post, path = "/orders/{id}/pay", operation_id = "pay_order", tag = "orders",
    params(("id" = Uuid, Path, description = "Which order.")),
    request_body = Payment,
    responses(
        (status = 200, description = "It is so.", body = Accepted),
    ),
    security(("token" = ["shop", "staff"])),
)]
pub(crate) async fn pay(
    State(commands): State<Commands>,
    Id(id): Id<OrderId>,
    asked: Asked<Payment>,
) -> Result<impl IntoResponse, Problem> {
    decide(&commands, id, &asked, OrderCommand::Pay(asked.body.clone())).await.map(Replied)
}

/// Ships an order that is paid.
#[utoipa::path(
    post, path = "/orders/{id}/ship", operation_id = "ship_order", tag = "orders",
    params(("id" = Uuid, Path, description = "Which order.")),
    request_body = OrderShipped,
    responses(
        (status = 200, description = "It is so.", body = Accepted),
    ),
    security(("token" = ["staff"])),
)]
pub(crate) async fn ship(
    State(commands): State<Commands>,
    Id(id): Id<OrderId>,
    asked: Asked<OrderShipped>,
) -> Result<impl IntoResponse, Problem> {
    asked.caller.allow(&[Scope::Staff])?;
    decide(&commands, id, &asked, OrderCommand::Ship(asked.body.clone())).await.map(Replied)
}

/// Notes that an order that was shipped has arrived.
#[utoipa::path(
    post, path = "/orders/{id}/deliver", operation_id = "deliver_order", tag = "orders",
    params(("id" = Uuid, Path, description = "Which order.")),
    request_body = Nothing,
    responses(
        (status = 200, description = "It is so.", body = Accepted),
    ),
    security(("token" = ["staff"])),
)]
pub(crate) async fn deliver(
    State(commands): State<Commands>,
    Id(id): Id<OrderId>,
    asked: Asked<Nothing>,
) -> Result<impl IntoResponse, Problem> {
    asked.caller.allow(&[Scope::Staff])?;
    decide(&commands, id, &asked, OrderCommand::Deliver).await.map(Replied)
}

/// Takes goods of a delivered order back and refunds them, never more than was bought.
#[utoipa::path(
    post, path = "/orders/{id}/return", operation_id = "return_lines", tag = "orders",
    params(("id" = Uuid, Path, description = "Which order.")),
    request_body = Items,
    responses(
        (status = 200, description = "It is so.", body = Accepted),
    ),
    security(("token" = ["shop", "staff"])),
)]
pub(crate) async fn take_back(
    State(commands): State<Commands>,
    Id(id): Id<OrderId>,
    asked: Asked<Items>,
) -> Result<impl IntoResponse, Problem> {
    let Items { lines, reason } = asked.body.clone();
    let items = lines.into_iter().map(|item| (item.sku, item.quantity)).collect();
    let command = OrderCommand::Return(Return { items, reason });
    decide(&commands, id, &asked, command).await.map(Replied)
}

/// A command on one order.
async fn decide<T>(
    commands: &Commands,
    id: OrderId,
    asked: &Asked<T>,
    command: OrderCommand,
) -> Answer {
    let confined_to = asked.caller.confined_to(&[Scope::Staff])?;
    let (stream, command) = (&id.stream(), &command);
    commands
        .run::<Order, _, _, _, _>(
            (stream, Start::Existing),
            asked,
            |order| visible(order, confined_to),
            |mut unit, order| async move {
                let version = unit.decide(stream, &order, command.clone())?.version;
                Ok((unit, Reply::at(id, version)))
            },
        )
        .await
}

/// Calls an order off until it is shipped. Its stock is given back, once.
#[utoipa::path(
    post, path = "/orders/{id}/cancel", operation_id = "cancel_order", tag = "orders",
    params(("id" = Uuid, Path, description = "Which order.")),
    request_body = OrderCancelled,
    responses(
        (status = 200, description = "It is so.", body = Accepted),
    ),
    security(("token" = ["shop", "staff"])),
)]
pub(crate) async fn cancel(
    State(commands): State<Commands>,
    Id(id): Id<OrderId>,
    asked: Asked<OrderCancelled>,
) -> Result<impl IntoResponse, Problem> {
    let confined_to = asked.caller.confined_to(&[Scope::Staff])?;
    let (stream, body) = (&id.stream(), &asked.body);
    commands
        .run::<Order, _, _, _, _>(
            (stream, Start::Existing),
            &asked,
            |order| visible(order, confined_to),
            |mut unit, order| async move {
                let command = OrderCommand::Cancel(body.clone());
                let decided = unit.decide(stream, &order, command)?;
                if decided.changed {
                    let known = order.state.known().map_err(Refused::Rejected)?;
                    give_back(&mut unit, id, known).await?;
                }
                Ok((unit, Reply::at(id, decided.version)))
            },
        )
        .await
        .map(Replied)
}

/// Puts back on the shelf what an order took.
async fn give_back(
    unit: &mut Unit,
    id: OrderId,
    order: &KnownOrder,
) -> Result<(), Refused<Rejection>> {
    let back = restock(id, order);
    let streams: Vec<StreamId> = back.iter().map(|back| back.sku.stream()).collect();
    let products = unit.load_all::<Product>(&streams).await?;
    for ((back, product), stream) in back.into_iter().zip(&products).zip(&streams) {
        unit.decide(stream, product, (back.sku, back.command))?;
    }
    Ok(())
}

/// Somebody else's order is no order.
fn visible(order: &Order, confined_to: Option<Uuid>) -> Result<(), Rejection> {
    let known = order.known()?;
    match confined_to {
        Some(customer) if customer != known.customer_id.0 => Err(Rejection::UnknownOrder),
        Some(_) | None => Ok(()),
    }
}
