//! `GET /carts/{id}`.

use axum::extract::State;
use edge::{Caller, Id, Params, Problem, Scope};
use ordering_views::cart::{self, Cart};
use uuid::Uuid;

use crate::{
    Queries,
    answer::{Answer, Single},
    failure::failed,
};

/// One cart, priced as of now.
#[utoipa::path(
    get, path = "/carts/{id}", operation_id = "get_cart", tag = "carts",
    params(("id" = Uuid, Path, description = "Which cart.")),
    responses(
        (status = 200, description = "The cart.", body = Cart),
        (status = 304, description = "It is as the caller has it."),
    ),
    security(("token" = ["shop", "staff"])),
)]
pub(crate) async fn find(
    State(queries): State<Queries>,
    caller: Caller,
    Id(id): Id<Uuid>,
    params: Params,
) -> Answer<Single<Cart>> {
    let confined = caller.confined_to(&[Scope::Staff])?;
    params.finish()?;
    let found = cart::find(&queries.pool, id).await.map_err(failed)?;
    let mine = |cart: &Cart| confined.is_none_or(|customer| customer == cart.customer_id);
    let thing = found.filter(mine).ok_or_else(Problem::not_found)?;
    Ok(Single { version: thing.version, thing })
}
