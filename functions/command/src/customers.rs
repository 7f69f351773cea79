//! `POST /customers…`

use axum::{extract::State, response::IntoResponse};
use edge::{Id, Problem, Scope};
use event_store::{Refused, Start};
use ordering::{
    Customer, CustomerCommand, CustomerId, Email, EmailClaim, EmailClaimCommand, NewCustomer,
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Asked, Commands, Reply, openapi::Accepted, products::Nothing, reply::Replied};

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEmail {
    email: Email,
}

/// Registers a customer. `email` is unique over all of them, whatever its case.
#[utoipa::path(
    post, path = "/customers", operation_id = "register_customer", tag = "customers",
    request_body = NewCustomer,
    responses(
        (status = 201, description = "The customer is there.", body = Accepted),
    ),
    security(("token" = ["staff", "import"])),
)]
pub(crate) async fn register(
    State(commands): State<Commands>,
    asked: Asked<NewCustomer>,
) -> Result<impl IntoResponse, Problem> {
    asked.caller.allow(&[Scope::Staff, Scope::Import])?;
    let id = asked.seed().map_or_else(|| CustomerId(Uuid::now_v7()), CustomerId::derived);
    let (stream, claim_stream) = (&id.stream(), &asked.body.email.claim_stream());
    let body = &asked.body;
    commands
        .run::<Customer, _, _, _, _>(
            (stream, Start::New),
            &asked,
            |_| Ok(()),
            |mut unit, customer| async move {
                let command = CustomerCommand::Register(body.clone());
                let version = unit.decide(stream, &customer, command)?.version;
                let claim = unit.expect_new::<EmailClaim>(claim_stream).await?;
                unit.decide(claim_stream, &claim, EmailClaimCommand::Claim(id))?;
                Ok((unit, Reply::at(id, version).made(true, || format!("/customers/{id}"))))
            },
        )
        .await
        .map(Replied)
}

/// Moves a customer to another address. The old one is free again.
#[utoipa::path(
    post, path = "/customers/{id}/email", operation_id = "change_email", tag = "customers",
    params(("id" = Uuid, Path, description = "Which customer.")),
    request_body = NewEmail,
    responses(
        (status = 200, description = "It is so.", body = Accepted),
    ),
    security(("token" = ["shop", "staff", "import"])),
)]
pub(crate) async fn change_email(
    State(commands): State<Commands>,
    Id(id): Id<CustomerId>,
    asked: Asked<NewEmail>,
) -> Result<impl IntoResponse, Problem> {
    own(asked.caller.confined_to(&[Scope::Staff, Scope::Import])?, id)?;
    let email = &asked.body.email;
    let (stream, taken) = (&id.stream(), &email.claim_stream());
    commands
        .run::<Customer, _, _, _, _>(
            (stream, Start::Existing),
            &asked,
            |_| Ok(()),
            |mut unit, customer| async move {
                let command = CustomerCommand::ChangeEmail(email.clone());
                let version = unit.decide(stream, &customer, command)?.version;
                let before = customer.state.registered().map_err(Refused::Rejected)?;
                let freed = before.email.claim_stream();
                if freed != *taken {
                    let claim = unit.load::<EmailClaim>(&freed).await?;
                    unit.decide(&freed, &claim, EmailClaimCommand::Release(id))?;
                    let claim = unit.expect_new::<EmailClaim>(taken).await?;
                    unit.decide(taken, &claim, EmailClaimCommand::Claim(id))?;
                }
                Ok((unit, Reply::at(id, version)))
            },
        )
        .await
        .map(Replied)
}

/// Forgets who a customer is: name, address and reference are gone from everywhere, what they
/// bought stays. The address is free again at once, the rest takes as long as any write to show.
#[utoipa::path(
    post, path = "/customers/{id}/erase", operation_id = "erase_customer", tag = "customers",
    params(("id" = Uuid, Path, description = "Which customer.")),
    request_body = Nothing,
    responses(
        (status = 200, description = "It is so.", body = Accepted),
    ),
    security(("token" = ["staff"])),
)]
pub(crate) async fn erase(
    State(commands): State<Commands>,
    Id(id): Id<CustomerId>,
    asked: Asked<Nothing>,
) -> Result<impl IntoResponse, Problem> {
    asked.caller.allow(&[Scope::Staff])?;
    let stream = &id.stream();
    commands
        .run::<Customer, _, _, _, _>(
            (stream, Start::Existing),
            &asked,
            |_| Ok(()),
            |mut unit, customer| async move {
                let version = unit.decide(stream, &customer, CustomerCommand::Erase)?.version;
                unit.forget_plain(stream, &customer).await?;
                if let Ok(before) = customer.state.registered() {
                    let freed = &before.email.claim_stream();
                    let claim = unit.load::<EmailClaim>(freed).await?;
                    unit.decide(freed, &claim, EmailClaimCommand::Release(id))?;
                }
                Ok((unit, Reply::at(id, version)))
            },
        )
        .await
        .map(Replied)
}

/// Somebody else's customer is no customer.
pub(crate) fn own(confined_to: Option<Uuid>, id: CustomerId) -> Result<(), Problem> {
    match confined_to {
        Some(customer) if customer != id.0 => Err(Problem::not_found()),
        Some(_) | None => Ok(()),
    }
}
