//! `GET /projection`.

use axum::{Json, extract::State};
use edge::{Caller, Params, Problem};
use ordering_views::Progress;

use crate::{EVERYBODYS, Queries, answer::Answer, failure::failed};

/// How far the rows are behind the events.
#[utoipa::path(
    get, path = "/projection", operation_id = "get_projection", tag = "operations",
    responses((status = 200, description = "How far each view is.", body = Progress)),
    security(("token" = ["staff", "analyst"])),
)]
pub(crate) async fn progress(
    State(queries): State<Queries>,
    caller: Caller,
    params: Params,
) -> Answer<Json<Progress>> {
    if !caller.may(EVERYBODYS) {
        return Err(Problem::forbidden("This takes the scope `staff` or `analyst`."));
    }
    params.finish()?;
    ordering_views::progress(&queries.pool).await.map(Json).map_err(failed)
}
