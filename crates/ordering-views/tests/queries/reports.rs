//! The reports over whole shops, against the same counted in Rust.

use ordering::{Sku, Status};
use ordering_views::{
    Limit, Timestamp, bought_together::bought_together, fulfilment::fulfilment,
    low_stock::low_stock, retention::retention, sales::SalesBy, sales::sales,
    top_customers::top_customers, top_products::top_products,
};

use crate::{
    baskets::baskets,
    counted,
    model::{Customer, Dice, Model},
    sales::{ALL, counted as counted_sales},
    stage::{Stage, at},
};

/// So many rows as a report has at most.
const ALL_ROWS: usize = 100;

fn most() -> Limit {
    ALL_ROWS.to_string().parse().unwrap()
}

/// The baskets as a shop that lives: orders on their way, called off and come back, products that
/// run out, and a product that stands twice in an order.
fn living(mut model: Model) -> Model {
    let mut dice = Dice(21);
    for order in &mut model.orders {
        order.status = match dice.below(20) {
            0 => Status::Cancelled,
            1 => Status::Placed,
            2 => Status::Paid,
            3 => Status::Shipped,
            _ => Status::Delivered,
        };
        if matches!(order.status, Status::Shipped | Status::Delivered) {
            order.tracking = Some("T1".to_owned());
        }
        if order.status == Status::Delivered && dice.below(10) == 0 {
            order.lines[0].returned = 1;
            order.returned_at = Some(order.placed_at + chrono::Duration::days(20));
        }
        if dice.below(30) == 0 {
            let again = crate::model::Line { returned: 0, ..order.lines[0].clone() };
            order.lines.push(again);
        }
    }
    for product in &mut model.products {
        product.stock = *dice.of(&[0, 1, 4, 60]);
        product.discontinued = dice.below(20) == 0;
    }
    let customers: std::collections::BTreeSet<_> =
        model.orders.iter().map(|order| order.customer).collect();
    let named = |id: ordering::CustomerId| Customer { id, name: format!("Household {id}") };
    model.customers = customers.into_iter().skip(1).map(named).collect();
    model
}

async fn every_report_is_as_counted(stage: &Stage, model: &Model, from: Timestamp, to: Timestamp) {
    let pool = &stage.pool;
    let within = |when: Timestamp| when >= from && when < to;
    let (start, end) = (Some(from), Some(to));

    let rows = top_products(pool, start, end, most()).await.unwrap();
    assert_eq!(rows, counted::top_products(model, within, ALL_ROWS));
    let rows = top_customers(pool, start, end, most()).await.unwrap();
    assert_eq!(rows, counted::top_customers(model, within, ALL_ROWS));
    let rows = fulfilment(pool, start, end).await.unwrap();
    assert_eq!(rows, counted::fulfilment(model, within));
    let rows = low_stock(pool, 5, to, most()).await.unwrap();
    assert_eq!(rows, counted::low_stock(model, 5, to, ALL_ROWS));
    let rows = retention(pool).await.unwrap();
    assert_eq!(rows, counted::retention(model));
    for by in ALL {
        let rows = sales(pool, by, start, end).await.unwrap();
        assert_eq!(rows, counted_sales(model, by, within), "{by:?}");
    }
}

async fn is_bought_together_as_counted(stage: &Stage, model: &Model, sku: &str) -> usize {
    let asked: Sku = sku.parse().unwrap();
    let rows = bought_together(&stage.pool, &asked, most()).await.unwrap();
    let expected = counted::bought_together(model, sku, ALL_ROWS);
    let plain = |row: &ordering_views::bought_together::BoughtTogether| {
        (row.sku.clone(), row.product_name.clone(), row.orders)
    };
    assert_eq!(
        rows.iter().map(plain).collect::<Vec<_>>(),
        expected.iter().map(plain).collect::<Vec<_>>()
    );
    for (row, expected) in rows.iter().zip(&expected) {
        let shares = [row.support, row.confidence, row.lift];
        for (share, expected) in
            shares.iter().zip([expected.support, expected.confidence, expected.lift])
        {
            assert!((share / expected - 1.0).abs() < 1e-12, "{row:?} {expected:?}");
        }
    }
    rows.len()
}

#[tokio::test]
async fn every_report_over_all_baskets_is_what_plain_counting_gives() {
    let mut stage = Stage::set().await;
    let model = living(baskets());
    model.happens_on(&mut stage).await;
    let (from, to) = (at("2017-01-01T00:00:00Z"), at("2018-01-01T00:00:00Z"));
    every_report_is_as_counted(&stage, &model, from, to).await;
    let (from, to) = (at("2017-02-05T07:00:00Z"), at("2017-03-01T00:00:00Z"));
    every_report_is_as_counted(&stage, &model, from, to).await;
    // Bananas are in most orders; of the last product there may be one.
    let last = model.products.last().unwrap().sku.clone();
    for sku in ["P01082185", &last, &model.orders[0].lines[0].sku] {
        is_bought_together_as_counted(&stage, &model, sku).await;
    }
}

#[tokio::test]
async fn every_report_of_a_shop_at_random_is_what_plain_counting_gives() {
    let mut stage = Stage::set().await;
    let model = Model::grow(31, 400);
    model.happens_on(&mut stage).await;
    let (from, to) = (at("2017-01-01T00:00:00Z"), at("2017-01-20T00:00:00Z"));
    every_report_is_as_counted(&stage, &model, from, to).await;
    let mut together = 0;
    for product in &model.products {
        together += is_bought_together_as_counted(&stage, &model, &product.sku).await;
    }
    assert!(together > 100);
    assert!(!sales(&stage.pool, SalesBy::Product, None, None).await.unwrap().is_empty());
}
