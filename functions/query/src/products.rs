//! `GET /products` and `GET /products/{sku}`.

use axum::{extract::State, http::Uri};
use edge::{Caller, Id, Params, Problem, Scope};
use ordering_views::{
    Sku,
    product::{self, Product, ProductFilter, ProductSort},
};

use crate::{
    Queries,
    answer::{Answer, List, Single},
    failure::failed,
    paging::Paging,
    parameters::{take_name, take_search, take_word},
};

pub(crate) async fn find(
    State(queries): State<Queries>,
    caller: Caller,
    Id(sku): Id<Sku>,
    params: Params,
) -> Answer<Single<Product>> {
    anybody_we_know(&caller)?;
    params.finish()?;
    let found = product::find(&queries.pool, sku.as_str()).await.map_err(failed)?;
    let thing = found.ok_or_else(Problem::not_found)?;
    Ok(Single { version: thing.version, thing })
}

pub(crate) async fn list(
    State(queries): State<Queries>,
    caller: Caller,
    uri: Uri,
    mut params: Params,
) -> Answer<List<Product>> {
    anybody_we_know(&caller)?;
    let filter = ProductFilter {
        q: take_search(&mut params)?,
        department: take_name(&mut params, "department")?,
        category: take_name(&mut params, "category")?,
        in_stock: params.take("in_stock")?,
        min_price_cents: params.take("min_price_cents")?,
        max_price_cents: params.take("max_price_cents")?,
    };
    let sort: ProductSort = take_word(&mut params, "sort")?;
    let paging = Paging::take(&mut params)?;
    params.finish()?;
    let list = (("products", caller.subject.as_str()), &filter, sort);
    let after = queries.place(&list, &paging)?;
    let found = product::list(&queries.pool, &filter, sort, (after, paging.limit)).await;
    Ok(queries.page(&list, &uri, found.map_err(failed)?))
}

/// Products are for every scope that there is.
fn anybody_we_know(caller: &Caller) -> Answer<()> {
    if caller.may(&[Scope::Shop, Scope::Staff, Scope::Analyst, Scope::Import]) {
        Ok(())
    } else {
        Err(Problem::forbidden("The token has no scope of this API."))
    }
}
