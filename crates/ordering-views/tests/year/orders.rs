//! The list of orders.

use ordering_views::{
    Limit, Status, Timestamp,
    order_history::{self, OrderFilter, OrderSort},
};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::plan::Plan;

pub(crate) const SORTS: [OrderSort; 4] = [
    OrderSort::NewestFirst,
    OrderSort::OldestFirst,
    OrderSort::LargestFirst,
    OrderSort::SmallestFirst,
];

/// The pages that a line on the answer may cost: its own, and three to its product.
const A_LINE: u64 = 5;

/// The pages that an order may cost beside its lines: its customer, and the way to its lines.
const AN_ORDER: u64 = 10;

/// The pages that finding a page may cost where the product that is in most orders is asked for with
/// something else, or a word of thousands with what hardly any order has: six thousand orders are
/// looked up, or a walk passes many that have not both.
const COMBINED: u64 = 32_000;

/// The tables that no list may read from one end to the other.
pub(crate) const LARGE: [&str; 6] =
    ["order_history", "order_line", "product", "product_sales", "order_refund", "order_timeline"];

struct Case {
    name: &'static str,
    filter: OrderFilter,
    /// The pages of the database that finding a page of the list may cost, in any sort: about twice
    /// what it does.
    finding: u64,
}

fn case(name: &'static str, finding: u64, change: impl FnOnce(&mut OrderFilter)) -> Case {
    let mut filter = OrderFilter::default();
    change(&mut filter);
    Case { name, filter, finding }
}

fn at(date: &str) -> Option<Timestamp> {
    Some(format!("{date}T00:00:00Z").parse().unwrap())
}

fn search(text: &str) -> ordering_views::Search {
    let Ok(search) = text.parse();
    search
}

/// The one who bought most often.
async fn best_customer(pool: &PgPool) -> Uuid {
    let sql = "select customer_id from order_history group by 1 order by count(*) desc limit 1";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

async fn cases(pool: &PgPool) -> Vec<Case> {
    let customer = best_customer(pool).await;
    let by_customer = move |filter: &mut OrderFilter| filter.customer_id = Some(customer);
    let department = |name: &str| Some(name.to_owned());
    vec![
        case("none", 300, |_| {}),
        case("the customer with most orders", 300, by_customer),
        case("a rare status", 5_000, |f| f.statuses = vec![Status::Paid]),
        case("a common status", 300, |f| f.statuses = vec![Status::Delivered]),
        case("two statuses", 3_000, |f| f.statuses = vec![Status::Paid, Status::Placed]),
        case("from", 2_000, |f| f.placed_from = at("2017-12-20")),
        case("to", 4_000, |f| f.placed_to = at("2017-01-05")),
        case("one day", 1_000, |f| {
            (f.placed_from, f.placed_to) = (at("2017-05-05"), at("2017-05-06"))
        }),
        case("the product in most orders", 3_000, |f| f.sku = Some("P01082185".parse().unwrap())),
        case("a rare product", 500, |f| f.sku = Some("P00028897".parse().unwrap())),
        case("no product", 100, |f| f.sku = Some("NONE".parse().unwrap())),
        case("the largest department", 2_000, |f| f.department = department("GROCERY")),
        case("a small department", 5_000, |f| f.department = department("TRAVEL & LEISURE")),
        case("no department", 100, |f| f.department = department("NONE")),
        case("large totals", 4_000, |f| f.min_total_cents = Some(20_000)),
        case("small totals", 2_000, |f| f.max_total_cents = Some(100)),
        case("a reference", 200, |f| f.q = search("31198570044")),
        case("the beginning of a word", 2_500, |f| f.q = search("jalap")),
        case("two words", 2_500, |f| f.q = search("jalapeno lime")),
        case("a word of thousands", 9_000, |f| f.q = search("milk")),
        case("no such word", 200, |f| f.q = search("nothinglikeit")),
        case("a customer's paid", 300, |f| {
            by_customer(f);
            f.statuses = vec![Status::Paid];
        }),
        case("a customer's product", 4_000, |f| {
            by_customer(f);
            f.sku = Some("P01082185".parse().unwrap());
        }),
        case("a customer's word", 2_500, |f| {
            by_customer(f);
            f.q = search("jalap");
        }),
        case("a month's department", 20_000, |f| {
            (f.placed_from, f.placed_to) = (at("2017-05-01"), at("2017-06-01"));
            f.department = department("PRODUCE");
        }),
    ]
}

/// Each case in each sort that reads more than it may.
pub(crate) async fn failures(pool: &PgPool) -> Vec<String> {
    let mut failures = Vec::new();
    for case in cases(pool).await {
        for sort in SORTS {
            let page = (None, Limit::default());
            let found = order_history::list(pool, &case.filter, sort, page).await.unwrap();
            let lines: usize = found.items.iter().map(|order| order.lines.0.len()).sum();
            let plan =
                Plan::of(pool, |sql| order_history::push_list(sql, &case.filter, sort, page)).await;
            let (finding, whole) = (plan.to_find_a_page(), plan.read_whole());
            let joining = plan.buffers() - finding;
            let most = AN_ORDER * found.items.len() as u64 + A_LINE * lines as u64;
            let large = whole.iter().any(|table| LARGE.contains(table));
            if finding > case.finding || joining > most || large {
                let (name, may) = (case.name, case.finding);
                failures.push(format!(
                    "{name}, {sort:?}: {finding} pages of {may}, and {joining} of {most} joined, \
                     read whole: {whole:?}"
                ));
            }
        }
    }
    failures
}

/// Where the word is among what is asked for.
const WORD: usize = 8;

type Ask<'a> = &'a dyn Fn(&mut OrderFilter);

/// Every filter with every other in each sort, with values that many orders have and with such that
/// few have: what finds a page at more than it may cost.
pub(crate) async fn combinations_that_cost_more(pool: &PgPool) -> Vec<String> {
    let customer = best_customer(pool).await;
    let many: [Ask; 9] = [
        &|f| f.customer_id = Some(customer),
        &|f| f.statuses = vec![Status::Delivered],
        &|f| f.placed_from = at("2017-03-01"),
        &|f| f.placed_to = at("2017-11-01"),
        &|f| f.sku = Some("P01082185".parse().unwrap()),
        &|f| f.department = Some("GROCERY".to_owned()),
        &|f| f.min_total_cents = Some(500),
        &|f| f.max_total_cents = Some(20_000),
        &|f| f.q = search("milk"),
    ];
    let few: [Ask; 9] = [
        &|f| f.customer_id = Some(customer),
        &|f| f.statuses = vec![Status::Paid, Status::Placed],
        &|f| f.placed_from = at("2017-05-05"),
        &|f| f.placed_to = at("2017-05-06"),
        &|f| f.sku = Some("P00028897".parse().unwrap()),
        &|f| f.department = Some("TRAVEL & LEISURE".to_owned()),
        &|f| f.min_total_cents = Some(20_000),
        &|f| f.max_total_cents = Some(21_000),
        &|f| f.q = search("jalap"),
    ];
    // Mixed only with a word: how many have it is what the planner does not know.
    let (mut few_and_a_common_word, mut many_and_a_rare_word) = (few, many);
    (few_and_a_common_word[WORD], many_and_a_rare_word[WORD]) = (many[WORD], few[WORD]);
    let with_a_word = |chosen: usize| chosen >> WORD & 1 == 1;
    let mut failures = Vec::new();
    for chosen in 0..1_usize << many.len() {
        failures.extend(combination_that_costs_more(pool, many, chosen).await);
        failures.extend(combination_that_costs_more(pool, few, chosen).await);
        if with_a_word(chosen) {
            failures.extend(combination_that_costs_more(pool, few_and_a_common_word, chosen).await);
            failures.extend(combination_that_costs_more(pool, many_and_a_rare_word, chosen).await);
        }
    }
    failures
}

/// The filters of which the bits are set, in each sort.
async fn combination_that_costs_more(
    pool: &PgPool,
    asked: [Ask<'_>; 9],
    chosen: usize,
) -> Vec<String> {
    let mut filter = OrderFilter::default();
    let chosen = asked.iter().enumerate().filter(|(place, _)| chosen >> place & 1 == 1);
    chosen.for_each(|(_, ask)| ask(&mut filter));
    let mut failures = Vec::new();
    for sort in SORTS {
        let page = (None, Limit::default());
        let push = |sql: &mut _| order_history::push_list(sql, &filter, sort, page);
        let plan = Plan::of(pool, push).await;
        let (finding, whole) = (plan.to_find_a_page(), plan.read_whole());
        if finding > COMBINED || whole.iter().any(|table| LARGE.contains(table)) {
            failures.push(format!("{filter:?}, {sort:?}: {finding} pages, read whole: {whole:?}"));
        }
    }
    failures
}

/// Ten pages from the 1,000th on against the first ten, by each sort, with a filter and without:
/// finding them costs the same, but for a step in the index that is spared at its end and for the
/// twentieth by which a word is in more orders at one time than at another. What is joined to an
/// order by its id costs what it costs anywhere.
pub(crate) async fn late_pages_that_cost_more(pool: &PgPool) -> Vec<String> {
    let filters = [
        case("none", 300, |_| {}),
        case("a common status", 300, |f| f.statuses = vec![Status::Delivered]),
        case("a word of thousands", 9_000, |f| f.q = search("milk")),
    ];
    let mut failures = Vec::new();
    for Case { name, filter, .. } in filters {
        for sort in SORTS {
            let early = TenPages::after(None, pool, &filter, sort).await;
            let after = skip(pool, &filter, sort, early.next, 990).await;
            let late = TenPages::after(after, pool, &filter, sort).await;
            if late.finding > early.finding + early.finding / 20 + 2 * 10 {
                let (early, late) = (early.finding, late.finding);
                failures.push(format!("{name}, {sort:?}: page 1 {early}, page 1,000 {late}"));
            }
            let most = AN_ORDER * late.orders + A_LINE * late.lines;
            if late.joining > most {
                let joining = late.joining;
                failures.push(format!("{name}, {sort:?}, page 1,000 joins {joining} of {most}"));
            }
        }
    }
    failures
}

type After = Option<order_history::OrderPlace>;

/// What ten pages cost, in pages of the database.
#[derive(Default)]
struct TenPages {
    finding: u64,
    joining: u64,
    orders: u64,
    lines: u64,
    next: After,
}

impl TenPages {
    async fn after(after: After, pool: &PgPool, filter: &OrderFilter, sort: OrderSort) -> Self {
        let mut pages = Self { next: after, ..Self::default() };
        for _ in 0..10 {
            let page = (pages.next, Limit::default());
            let push = |sql: &mut _| order_history::push_list(sql, filter, sort, page);
            let plan = Plan::of(pool, push).await;
            pages.finding += plan.to_find_a_page();
            pages.joining += plan.buffers() - plan.to_find_a_page();
            let found = order_history::list(pool, filter, sort, page).await.unwrap();
            pages.orders += found.items.len() as u64;
            pages.lines += found.items.iter().map(|order| order.lines.0.len() as u64).sum::<u64>();
            assert!(found.next.is_some(), "there are more than a thousand pages");
            pages.next = found.next;
        }
        pages
    }
}

/// Where so many pages more end.
async fn skip(
    pool: &PgPool,
    filter: &OrderFilter,
    sort: OrderSort,
    mut after: After,
    pages: usize,
) -> After {
    let most: Limit = "100".parse().unwrap();
    for _ in 0..pages / 5 {
        after = order_history::list(pool, filter, sort, (after, most)).await.unwrap().next;
        assert!(after.is_some(), "there are more than a thousand pages");
    }
    after
}

/// Pages of a word that thousands of orders have, by each sort, against all orders looked through.
pub(crate) async fn wrong_pages_of_a_common_word(pool: &PgPool) -> Vec<String> {
    let mut failures = Vec::new();
    let filter = OrderFilter { q: search("milk"), ..OrderFilter::default() };
    for (sort, order) in SORTS.into_iter().zip([
        "placed_at desc, id desc",
        "placed_at, id",
        "total_cents desc, id desc",
        "total_cents, id",
    ]) {
        let sql = format!(
            "select id from order_history o where exists (select from order_line l \
             join product p on p.sku = l.sku \
             where l.order_id = o.id and exists (select from unnest(string_to_array(p.words, ' ')) w \
                 where w like 'milk%')) order by {order} limit 60"
        );
        let expected: Vec<Uuid> =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap();
        let (mut ids, mut after) = (Vec::new(), None);
        for _ in 0..3 {
            let page = (after, Limit::default());
            let page = order_history::list(pool, &filter, sort, page).await.unwrap();
            ids.extend(page.items.iter().map(|order| order.id));
            after = page.next;
        }
        if ids != expected {
            failures.push(format!("milk, {sort:?}: {ids:?} and not {expected:?}"));
        }
    }
    failures
}
