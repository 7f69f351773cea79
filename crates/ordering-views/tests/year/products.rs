//! The list of products.

use ordering_views::{
    Limit,
    product::{self, ProductFilter, ProductPlace, ProductSort},
};
use sqlx::PgPool;

use crate::{orders::LARGE, plan::Plan};

/// The pages that a page of products may cost where several filters are combined.
const COMBINED: u64 = 14_000;

/// The pages of a page far down among what nobody bought.
const AMONG_UNSOLD: u64 = 500;

/// The pages while 40,000 counts wait to be added: two looks for each product among them.
const WHILE_MUCH_WAITS: u64 = 60_000;

/// The pages that ten late pages may cost beside what the first ten do: the way down in an index may
/// have a step more.
const TEN_STEPS: u64 = 20;

const SORTS: [ProductSort; 4] = [
    ProductSort::Name,
    ProductSort::CheapestFirst,
    ProductSort::DearestFirst,
    ProductSort::MostSoldFirst,
];

/// What is asked for, and the pages of the database that a page of the list may cost: sorted by
/// what is in `product`, and the most sold first. It is about twice what it does.
type Case = (&'static str, [u64; 2], ProductFilter);

fn cases() -> Vec<Case> {
    let filter = ProductFilter::default;
    let named = |name: &str| Some(name.to_owned());
    vec![
        ("none", [200, 200], filter()),
        ("a rare word", [100, 100], ProductFilter { q: search("jalap"), ..filter() }),
        ("a common word", [12_000, 4_000], ProductFilter { q: search("milk"), ..filter() }),
        ("a slash", [300, 300], ProductFilter { q: search("BEV/JUICE 50-100%"), ..filter() }),
        (
            "the largest department",
            [300, 300],
            ProductFilter { department: named("GROCERY"), ..filter() },
        ),
        (
            "a small department",
            [300, 500],
            ProductFilter { department: named("TRAVEL & LEISURE"), ..filter() },
        ),
        ("a category", [300, 5_000], ProductFilter { category: named("YOGURT"), ..filter() }),
        ("in stock", [300, 300], ProductFilter { in_stock: Some(true), ..filter() }),
        ("out of stock", [3_000, 5_000], ProductFilter { in_stock: Some(false), ..filter() }),
        // The most sold: a walk past all that sells well, as hardly any of it is that dear.
        ("dear", [5_000, 45_000], ProductFilter { min_price_cents: Some(2_000), ..filter() }),
        ("cheap", [6_000, 1_500], ProductFilter { max_price_cents: Some(50), ..filter() }),
        (
            "cheap yogurt",
            [1_500, 1_500],
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
    for (name, [by_product, most_sold], filter) in cases() {
        for sort in SORTS {
            let (buffers, whole) = read(pool, &filter, sort).await;
            let most = if sort == ProductSort::MostSoldFirst { most_sold } else { by_product };
            if buffers > most || !whole.is_empty() {
                failures.push(format!(
                    "{name}, {sort:?}: {buffers} pages of {most}, read whole: {whole:?}"
                ));
            }
        }
    }
    failures
}

/// The pages that the first page of a list costs, and the large tables that are read whole for it.
async fn read(pool: &PgPool, filter: &ProductFilter, sort: ProductSort) -> (u64, Vec<String>) {
    let page = (None, Limit::default());
    let plan = Plan::of(pool, |sql| product::push_list(sql, filter, sort, page)).await;
    let whole = plan.read_whole().into_iter().filter(|table| LARGE.contains(table));
    (plan.buffers(), whole.map(str::to_owned).collect())
}

/// Every filter with every other in each sort: what costs more than it may.
pub(crate) async fn combinations_that_cost_more(pool: &PgPool) -> Vec<String> {
    let asked: [&dyn Fn(&mut ProductFilter); 6] = [
        &|f| f.q = search("milk"),
        &|f| f.department = Some("GROCERY".to_owned()),
        &|f| f.category = Some("YOGURT".to_owned()),
        &|f| f.in_stock = Some(true),
        &|f| f.min_price_cents = Some(100),
        &|f| f.max_price_cents = Some(500),
    ];
    let mut failures = Vec::new();
    for chosen in 0..1_usize << asked.len() {
        let mut filter = ProductFilter::default();
        let chosen = asked.iter().enumerate().filter(|(place, _)| chosen >> place & 1 == 1);
        chosen.for_each(|(_, ask)| ask(&mut filter));
        for sort in SORTS {
            let (buffers, whole) = read(pool, &filter, sort).await;
            if buffers > COMBINED || !whole.is_empty() {
                failures
                    .push(format!("{filter:?}, {sort:?}: {buffers} pages, read whole: {whole:?}"));
            }
        }
    }
    failures
}

fn search(text: &str) -> ordering_views::Search {
    let Ok(search) = text.parse();
    search
}

/// Ten pages from the 1,000th on against the first ten, by each sort, with a filter and without.
pub(crate) async fn late_pages_that_cost_more(pool: &PgPool) -> Vec<String> {
    let grocery = ProductFilter { department: Some("GROCERY".to_owned()), ..Default::default() };
    let mut failures = Vec::new();
    for filter in [ProductFilter::default(), grocery] {
        for sort in SORTS {
            let (early, after) = ten_pages(pool, &filter, sort, None).await;
            let after = skip(pool, &filter, sort, after, 990).await;
            let (late, _) = ten_pages(pool, &filter, sort, after).await;
            if late > early + TEN_STEPS {
                failures.push(format!("{filter:?}, {sort:?}: page 1 {early}, page 1,000 {late}"));
            }
        }
    }
    failures
}

type After = Option<ProductPlace>;

/// What ten pages cost, in pages of the database, and where they end.
async fn ten_pages(
    pool: &PgPool,
    filter: &ProductFilter,
    sort: ProductSort,
    mut after: After,
) -> (u64, After) {
    let mut buffers = 0;
    for _ in 0..10 {
        let page = (after.clone(), Limit::default());
        let plan = Plan::of(pool, |sql| product::push_list(sql, filter, sort, page)).await;
        buffers += plan.buffers();
        after = next(pool, filter, sort, (after, Limit::default())).await;
    }
    (buffers, after)
}

/// Where so many pages more end.
async fn skip(
    pool: &PgPool,
    filter: &ProductFilter,
    sort: ProductSort,
    mut after: After,
    pages: usize,
) -> After {
    let most: Limit = "100".parse().unwrap();
    for _ in 0..pages / 5 {
        after = next(pool, filter, sort, (after, most)).await;
    }
    after
}

async fn next(
    pool: &PgPool,
    filter: &ProductFilter,
    sort: ProductSort,
    page: (After, Limit),
) -> After {
    let found = product::list(pool, filter, sort, page).await.unwrap();
    assert!(found.next.is_some(), "there are more than a thousand pages");
    found.next
}

/// Lists at times that are rare: while as much as may waits to be added, and far down among what
/// nobody bought. Gives those that cost more than they may.
pub(crate) async fn rare_lists_that_cost_more(pool: &PgPool) -> Vec<String> {
    let mut failures = Vec::new();
    let leave = "insert into product_sales_waiting \
         select array_agg(sku), array_agg(1) \
         from (select sku, row_number() over () / 800 as batch from order_line limit 40000) l \
         group by batch";
    sqlx::raw_sql(leave).execute(pool).await.unwrap();
    for sort in SORTS {
        let (buffers, _) = read(pool, &ProductFilter::default(), sort).await;
        if buffers > WHILE_MUCH_WAITS {
            failures.push(format!("while much waits, {sort:?}: {buffers} pages"));
        }
    }
    let forget = "truncate product_sales_waiting; \
         delete from product_sales where hashtext(sku) % 2 = 0; analyze product_sales";
    sqlx::raw_sql(forget).execute(pool).await.unwrap();
    for sku in ["Z", "P1", "P05"] {
        let (name, sku) = (String::new(), sku.to_owned());
        let after = ProductPlace { name, unit_price_cents: 0, units_sold: 0, sku };
        let page = (Some(after), Limit::default());
        let (filter, sort) = (ProductFilter::default(), ProductSort::MostSoldFirst);
        let plan = Plan::of(pool, |sql| product::push_list(sql, &filter, sort, page)).await;
        if plan.buffers() > AMONG_UNSOLD {
            failures.push(format!("among what nobody bought: {} pages", plan.buffers()));
        }
    }
    failures
}
