//! Each filter and each sort of the list of orders, alone and together.

use ordering::{CustomerId, Status};
use ordering_views::{
    Limit, Timestamp,
    order_history::{self, OrderFilter, OrderSort},
};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    model::{Model, Order},
    search::matches,
    stage::{Stage, at},
};

const SORTS: [OrderSort; 4] = [
    OrderSort::NewestFirst,
    OrderSort::OldestFirst,
    OrderSort::LargestFirst,
    OrderSort::SmallestFirst,
];

/// All orders of a list, page by page.
pub(crate) async fn ids(pool: &PgPool, filter: &OrderFilter, sort: OrderSort) -> Vec<Uuid> {
    let limit: Limit = "7".parse().unwrap();
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = order_history::list(pool, filter, sort, (after, limit)).await.unwrap();
        ids.extend(page.items.iter().map(|order| order.id));
        match page.next {
            None => return ids,
            next => after = next,
        }
    }
}

/// The same from the model.
fn expected(model: &Model, sort: OrderSort, passes: impl Fn(&Order) -> bool) -> Vec<Uuid> {
    let mut orders: Vec<&Order> = model.orders.iter().filter(|order| passes(order)).collect();
    match sort {
        OrderSort::NewestFirst | OrderSort::OldestFirst => {
            orders.sort_by_key(|order| (order.placed_at, order.id.0));
        }
        OrderSort::LargestFirst | OrderSort::SmallestFirst => {
            orders.sort_by_key(|order| (order.total(), order.id.0));
        }
    }
    if matches!(sort, OrderSort::NewestFirst | OrderSort::LargestFirst) {
        orders.reverse();
    }
    orders.into_iter().map(|order| order.id.0).collect()
}

/// A parameter: what it asks for, and which orders it lets through.
type Case = (Box<dyn Fn(&mut OrderFilter)>, Box<dyn Fn(&Model, &Order) -> bool>);

fn case(
    ask: impl Fn(&mut OrderFilter) + 'static,
    passes: impl Fn(&Model, &Order) -> bool + 'static,
) -> Case {
    (Box::new(ask), Box::new(passes))
}

fn in_department(model: &Model, order: &Order, department: &str) -> bool {
    let mut products = order.lines.iter().filter_map(|line| model.product(&line.sku));
    products.any(|product| product.department == department)
}

/// Each parameter that there is.
fn cases(customer: CustomerId, from: Timestamp, to: Timestamp) -> Vec<Case> {
    let open = [Status::Paid, Status::Placed];
    vec![
        case(move |f| f.customer_id = Some(customer.0), move |_, o| o.customer == customer),
        case(move |f| f.statuses = open.to_vec(), move |_, o| open.contains(&o.status)),
        case(move |f| f.placed_from = Some(from), move |_, o| o.placed_at >= from),
        case(move |f| f.placed_to = Some(to), move |_, o| o.placed_at < to),
        case(
            |f| f.sku = Some("X003".parse().unwrap()),
            |_, o| o.lines.iter().any(|line| line.sku == "X003"),
        ),
        case(
            |f| f.department = Some("DRUG GM".to_owned()),
            |model, o| in_department(model, o, "DRUG GM"),
        ),
        case(|f| f.min_total_cents = Some(2000), |_, o| o.total() >= 2000),
        case(|f| f.max_total_cents = Some(9000), |_, o| o.total() <= 9000),
        case(|f| f.q = "mil".parse().unwrap(), |model, o| matches(model, o, "mil")),
    ]
}

#[tokio::test]
async fn each_filter_finds_what_it_names_in_each_order() {
    let mut stage = Stage::set().await;
    let model = Model::grow(1, 300);
    model.happens_on(&mut stage).await;
    // Both ends of the time are the time of an order.
    let (from, to) = (model.orders[5].placed_at, model.orders[9].placed_at);
    let mut cases = cases(model.customers[1].id, from, to);
    cases.extend([
        case(|_| {}, |_, _| true),
        case(|f| f.statuses = vec![Status::Shipped], |_, o| o.status == Status::Shipped),
        case(|f| f.sku = Some("NONE".parse().unwrap()), |_, _| false),
    ]);
    for (ask, passes) in cases {
        let mut filter = OrderFilter::default();
        ask(&mut filter);
        for sort in SORTS {
            let found = ids(&stage.pool, &filter, sort).await;
            let expected = expected(&model, sort, |order| passes(&model, order));
            assert_eq!(found, expected, "{filter:?} {sort:?}");
        }
    }
}

#[tokio::test]
async fn any_filters_combine_in_any_order() {
    let mut stage = Stage::set().await;
    let model = Model::grow(2, 400);
    model.happens_on(&mut stage).await;
    let customer = model.customers[0].id;
    let (from, to) = (at("2017-01-02T00:00:00Z"), at("2017-01-30T00:00:00Z"));
    let cases = cases(customer, from, to);
    let mut found_something = 0;
    for chosen in 0..1_usize << cases.len() {
        let chosen = cases.iter().enumerate().filter(|(place, _)| chosen >> place & 1 == 1);
        let chosen: Vec<&Case> = chosen.map(|(_, case)| case).collect();
        let mut filter = OrderFilter::default();
        chosen.iter().for_each(|(ask, _)| ask(&mut filter));
        for sort in SORTS {
            let passes = |order: &Order| chosen.iter().all(|(_, passes)| passes(&model, order));
            let found = ids(&stage.pool, &filter, sort).await;
            assert_eq!(found, expected(&model, sort, passes), "{filter:?} {sort:?}");
            found_something += usize::from(!found.is_empty());
        }
    }
    assert!(found_something > 1_000, "{found_something} of 2,048 have orders");
}
