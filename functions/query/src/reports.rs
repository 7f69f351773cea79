//! `GET /reports/...`.

use axum::extract::State;
use edge::{Caller, Params, Problem, Scope};
use ordering_views::sales::{self, SalesRow};

use crate::{
    Queries,
    answer::{Answer, List},
    failure::failed,
    parameters::{take_moment, take_word},
};

/// Without `from` and `to` it covers all time; without `by` it goes by month.
pub(crate) async fn sales(
    State(queries): State<Queries>,
    caller: Caller,
    mut params: Params,
) -> Answer<List<SalesRow>> {
    only_analysts(&caller)?;
    let from = take_moment(&mut params, "from")?;
    let to = take_moment(&mut params, "to")?;
    let by = take_word(&mut params, "by")?;
    params.finish()?;
    let rows = sales::sales(&queries.pool, by, from, to).await.map_err(failed)?;
    Ok(List::whole(rows))
}

fn only_analysts(caller: &Caller) -> Answer<()> {
    if caller.may(&[Scope::Analyst]) {
        Ok(())
    } else {
        Err(Problem::forbidden("Reports take the scope `analyst`."))
    }
}
