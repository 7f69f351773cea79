//! The list of products.

use ordering_views::{
    Limit,
    product::{self, ProductFilter, ProductSort},
};
use sqlx::PgPool;

use crate::{orders::LARGE, plan::Plan};

/// The pages that a page of products may cost: a walk past some thousands that do not pass.
const FINDING: u64 = 12_000;

/// The pages of all products and of all that was sold of them. Nothing sorts by what was sold: an
/// index on it would be written to with every line of every order, and take a tenth of what the
/// projector can do.
const ALL: u64 = 6_000;

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
            let page = (None, Limit::default());
            let plan = Plan::of(pool, |sql| product::push_list(sql, &filter, sort, page)).await;
            let (buffers, whole) = (plan.buffers(), plan.read_whole());
            if buffers > FINDING || whole.iter().any(|table| LARGE.contains(table)) {
                failures.push(format!("{name}, {sort:?}: {buffers} pages, read whole: {whole:?}"));
            }
        }
        let page = (None, Limit::default());
        let sort = ProductSort::MostSoldFirst;
        let plan = Plan::of(pool, |sql| product::push_list(sql, &filter, sort, page)).await;
        if plan.buffers() > FINDING + ALL {
            failures.push(format!("{name}, {sort:?}: {} pages", plan.buffers()));
        }
    }
    failures
}
