//! The list of products.

use ordering_views::{
    Limit,
    product::{self, ProductFilter, ProductSort},
};
use sqlx::PgPool;

use crate::{orders::LARGE, plan::Plan};

/// The pages that a page of products may cost: a walk past some thousands that do not pass.
const FINDING: u64 = 12_000;

/// The pages of the most sold products: those that sold as much as the twentieth, or up to twice
/// that.
const MOST_SOLD: u64 = 500;

/// The pages of a late page: what was sold of each product that sold up to twice as much. The same
/// are enough for whatever filter some of the most sold products pass.
const MOST_SOLD_LATE: u64 = 4_500;

/// Which product a late page begins with.
const LATE: usize = 5_000;

/// The pages of all that sold eight times or more, looked up one by one, as hardly any is that dear.
const ALL_SOLD: u64 = 45_000;

fn cases() -> Vec<(&'static str, ProductFilter)> {
    let filter = ProductFilter::default;
    let named = |name: &str| Some(name.to_owned());
    let search = |text: &str| {
        let Ok(search) = text.parse();
        search
    };
    vec![
        ("none", filter()),
        ("a rare word", ProductFilter { q: search("jalap"), ..filter() }),
        ("a common word", ProductFilter { q: search("milk"), ..filter() }),
        ("a slash", ProductFilter { q: search("BEV/JUICE 50-100%"), ..filter() }),
        ("the largest department", ProductFilter { department: named("GROCERY"), ..filter() }),
        ("a small department", ProductFilter { department: named("TRAVEL & LEISURE"), ..filter() }),
        ("a category", ProductFilter { category: named("YOGURT"), ..filter() }),
        ("in stock", ProductFilter { in_stock: Some(true), ..filter() }),
        ("out of stock", ProductFilter { in_stock: Some(false), ..filter() }),
        ("dear", ProductFilter { min_price_cents: Some(2_000), ..filter() }),
        ("cheap", ProductFilter { max_price_cents: Some(50), ..filter() }),
        (
            "cheap yogurt",
            ProductFilter {
                category: named("YOGURT"),
                in_stock: Some(true),
                max_price_cents: Some(50),
                ..filter()
            },
        ),
    ]
}

/// Each case in each sort that reads more than it may.
pub(crate) async fn failures(pool: &PgPool) -> Vec<String> {
    let mut failures = Vec::new();
    let sorts = [ProductSort::Name, ProductSort::CheapestFirst, ProductSort::DearestFirst];
    for (name, filter) in cases() {
        for sort in sorts {
            let (buffers, whole) = read(pool, &filter, sort).await;
            if buffers > FINDING || !whole.is_empty() {
                failures.push(format!("{name}, {sort:?}: {buffers} pages, read whole: {whole:?}"));
            }
        }
        let most = match name {
            "none" => MOST_SOLD,
            "dear" => ALL_SOLD,
            _ => MOST_SOLD_LATE,
        };
        let (buffers, whole) = read(pool, &filter, ProductSort::MostSoldFirst).await;
        if buffers > most || (!whole.is_empty() && sold_well(pool, &filter).await) {
            failures.push(format!("{name}, most sold: {buffers} pages, read whole: {whole:?}"));
        }
    }
    failures.extend(late_page(pool).await);
    failures
}

/// The pages that the first page of a list costs, and the large tables that are read whole for it.
async fn read(pool: &PgPool, filter: &ProductFilter, sort: ProductSort) -> (u64, Vec<String>) {
    let page = (None, Limit::default());
    let plan = Plan::of(pool, |sql| product::push_list(sql, filter, sort, page)).await;
    let whole = plan.read_whole().into_iter().filter(|table| LARGE.contains(table));
    (plan.buffers(), whole.map(str::to_owned).collect())
}

/// A page far down the most sold products, where many sold about as much.
async fn late_page(pool: &PgPool) -> Option<String> {
    let (filter, sort) = (ProductFilter::default(), ProductSort::MostSoldFirst);
    let most: Limit = "100".parse().unwrap();
    let mut after = None;
    for _ in 0..LATE / 100 {
        after = product::list(pool, &filter, sort, (after, most)).await.unwrap().next;
    }
    let units = after.as_ref().map_or(0, |place| place.units_sold);
    let page = (after, Limit::default());
    let plan = Plan::of(pool, |sql| product::push_list(sql, &filter, sort, page)).await;
    let (buffers, whole) = (plan.buffers(), plan.read_whole());
    let large = whole.iter().any(|table| LARGE.contains(table));
    (buffers > MOST_SOLD_LATE || large || units < 8)
        .then(|| format!("product {LATE}, {units} sold: {buffers} pages, read whole: {whole:?}"))
}

/// Whether all products of the first page sold eight times or more. Beyond those there is no index.
async fn sold_well(pool: &PgPool, filter: &ProductFilter) -> bool {
    let page = (None, Limit::default());
    let page = product::list(pool, filter, ProductSort::MostSoldFirst, page).await.unwrap();
    page.next.is_some() && page.items.iter().all(|product| product.units_sold >= 8)
}
