//! `GET /products` and `GET /products/{sku}`.

use axum::{extract::State, http::Uri, response::Response};
use edge::{Caller, Id, Params, Problem, Scope};
use ordering_views::{
    Sku,
    product::{self, Product, ProductFilter, ProductSort},
};

use crate::{
    Queries,
    answer::{Answer, List, Single},
    failure::{failed, too_slow_unless},
    format::ListFormat,
    openapi::{PageParams, ProductParams},
    paging::{Listing, Paging},
    parameters::{take_name, take_word},
};

/// What to ask for where a list takes too long.
const NARROWER: &str = "Add a filter, such as `department` or `category`, or a rarer word to `q`.";

/// One product, with what was sold of it.
#[utoipa::path(
    get, path = "/products/{sku}", operation_id = "get_product", tag = "products",
    params(("sku" = Sku, Path, description = "Which product.")),
    responses(
        (status = 200, description = "The product.", body = Product),
        (status = 304, description = "It is as the caller has it."),
    ),
    security(("token" = ["shop", "staff", "analyst", "import"])),
)]
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

/// Products, by name unless `sort` says otherwise; discontinued ones, too.
#[utoipa::path(
    get, path = "/products", operation_id = "list_products", tag = "products",
    params(ProductParams, PageParams),
    responses((status = 200, description = "A page of products.", body = List<Product>)),
    security(("token" = ["shop", "staff", "analyst", "import"])),
)]
pub(crate) async fn list(
    State(queries): State<Queries>,
    caller: Caller,
    (format, uri): (ListFormat, Uri),
    mut params: Params,
) -> Answer<Response> {
    anybody_we_know(&caller)?;
    let filter = ProductFilter {
        q: params.take("q")?.unwrap_or_default(),
        department: take_name(&mut params, "department")?,
        category: take_name(&mut params, "category")?,
        in_stock: params.take("in_stock")?,
        min_price_cents: params.take("min_price_cents")?,
        max_price_cents: params.take("max_price_cents")?,
    };
    let sort: ProductSort = take_word(&mut params, "sort")?;
    let paging = Paging::take(&mut params)?;
    params.finish()?;
    let bound = (("products", caller.subject.as_str()), filter.clone(), sort);
    let listing = Listing { name: "products", bound, paging, format, uri };
    let pool = queries.pool.clone();
    let read = move |after, limit| {
        let (pool, filter) = (pool.clone(), filter.clone());
        async move {
            product::list(&pool, &filter, sort, (after, limit))
                .await
                .map_err(too_slow_unless(NARROWER))
        }
    };
    queries.list(listing, read).await
}

/// Products are for every scope that there is.
fn anybody_we_know(caller: &Caller) -> Answer<()> {
    if caller.may(&[Scope::Shop, Scope::Staff, Scope::Analyst, Scope::Import]) {
        Ok(())
    } else {
        Err(Problem::forbidden("The token has no scope of this API."))
    }
}
