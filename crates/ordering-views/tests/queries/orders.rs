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

type Case = (OrderFilter, Box<dyn Fn(&Model, &Order) -> bool>);

fn case(
    change: impl FnOnce(&mut OrderFilter),
    passes: impl Fn(&Model, &Order) -> bool + 'static,
) -> Case {
    let mut filter = OrderFilter::default();
    change(&mut filter);
    (filter, Box::new(passes))
}

fn in_department(model: &Model, order: &Order, department: &str) -> bool {
    let mut products = order.lines.iter().filter_map(|line| model.product(&line.sku));
    products.any(|product| product.department == department)
}

fn cases(customer: CustomerId, from: Timestamp, to: Timestamp) -> Vec<Case> {
    let open = [Status::Paid, Status::Placed];
    vec![
        case(|_| {}, |_, _| true),
        case(move |f| f.customer_id = Some(customer.0), move |_, o| o.customer == customer),
        case(|f| f.statuses = vec![Status::Shipped], |_, o| o.status == Status::Shipped),
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
        case(|f| f.max_total_cents = Some(2000), |_, o| o.total() <= 2000),
        case(|f| f.sku = Some("NONE".parse().unwrap()), |_, _| false),
    ]
}

#[tokio::test]
async fn each_filter_finds_what_it_names_in_each_order() {
    let mut stage = Stage::set().await;
    let model = Model::grow(1, 300);
    model.happens_on(&mut stage).await;
    // Both ends of the time are the time of an order.
    let (from, to) = (model.orders[5].placed_at, model.orders[9].placed_at);
    for (filter, passes) in cases(model.customers[1].id, from, to) {
        for sort in SORTS {
            let found = ids(&stage.pool, &filter, sort).await;
            let expected = expected(&model, sort, |order| passes(&model, order));
            assert_eq!(found, expected, "{filter:?} {sort:?}");
        }
    }
}

#[tokio::test]
async fn filters_combine() {
    let mut stage = Stage::set().await;
    let model = Model::grow(2, 300);
    model.happens_on(&mut stage).await;
    let customer = model.customers[0].id;
    let (from, to) = (at("2017-01-02T00:00:00Z"), at("2017-01-30T00:00:00Z"));
    let cases = cases(customer, from, to);
    for (first, first_passes) in &cases {
        for (second, second_passes) in &cases {
            let both = OrderFilter {
                customer_id: first.customer_id.or(second.customer_id),
                statuses: [first.statuses.as_slice(), &second.statuses].concat(),
                placed_from: first.placed_from.or(second.placed_from),
                placed_to: first.placed_to.or(second.placed_to),
                sku: first.sku.clone().or(second.sku.clone()),
                department: first.department.clone().or(second.department.clone()),
                min_total_cents: first.min_total_cents.or(second.min_total_cents),
                max_total_cents: first.max_total_cents.or(second.max_total_cents),
                q: Default::default(),
            };
            // The same parameter twice is another question.
            let twice = |a: bool, b: bool| a && b;
            if twice(first.sku.is_some(), second.sku.is_some())
                || twice(!first.statuses.is_empty(), !second.statuses.is_empty())
            {
                continue;
            }
            let sort = OrderSort::NewestFirst;
            let passes =
                |order: &Order| first_passes(&model, order) && second_passes(&model, order);
            assert_eq!(ids(&stage.pool, &both, sort).await, expected(&model, sort, passes));
        }
    }
}
