//! The reports where little, much or the same is to be counted.

use ordering::{CustomerId, Sku, Status};
use ordering_views::{
    Limit,
    bought_together::bought_together,
    fulfilment::fulfilment,
    low_stock::low_stock,
    retention::{Cohort, retention},
    sales::{SalesBy, sales},
    top_customers::top_customers,
    top_products::{TopProduct, top_products},
};
use sqlx::AssertSqlSafe;

use crate::{
    model::{Line, Product, order_happens, product_happens},
    sales::{ALL, order},
    stage::{Stage, at},
};

fn most() -> Limit {
    "100".parse().unwrap()
}

fn sku(number: &str) -> Sku {
    number.parse().unwrap()
}

fn line(sku: &str) -> Line {
    Line { sku: sku.to_owned(), quantity: 1, price: 50, returned: 0 }
}

#[tokio::test]
async fn a_time_without_orders_and_one_with_only_cancelled_ones_are_empty_reports() {
    let mut stage = Stage::set().await;
    order_happens(&mut stage, &order("a", "2017-01-31T12:00:00Z", 3, Status::Cancelled));
    stage.project().await;
    let pool = &stage.pool;
    for (from, to) in [("2017-01-01", "2017-02-01"), ("2018-01-01", "2018-02-01")] {
        let [from, to] = [from, to].map(|date| Some(at(&format!("{date}T00:00:00Z"))));
        for by in ALL {
            assert_eq!(sales(pool, by, from, to).await.unwrap(), []);
        }
        assert_eq!(top_products(pool, from, to, most()).await.unwrap(), []);
        assert_eq!(top_customers(pool, from, to, most()).await.unwrap(), []);
        assert_eq!(fulfilment(pool, from, to).await.unwrap(), []);
    }
    assert_eq!(bought_together(pool, &sku("X000"), most()).await.unwrap(), []);
    assert_eq!(retention(pool).await.unwrap(), []);
    assert_eq!(low_stock(pool, 10, at("2017-02-01T00:00:00Z"), most()).await.unwrap(), []);
}

#[tokio::test]
async fn what_came_back_in_another_month_is_taken_from_that_month() {
    let mut stage = Stage::set().await;
    let mut returned = order("a", "2017-01-31T23:59:59Z", 1, Status::Delivered);
    returned.lines[0].returned = 1;
    returned.returned_at = Some(at("2017-03-01T00:00:00Z"));
    order_happens(&mut stage, &returned);
    stage.project().await;
    let (from, to) = (Some(at("2017-03-01T00:00:00Z")), Some(at("2017-04-01T00:00:00Z")));
    let product = TopProduct { sku: "X000".into(), product_name: None, units: 0, net_cents: -50 };
    assert_eq!(top_products(&stage.pool, from, to, most()).await.unwrap(), [product]);
    let customers = top_customers(&stage.pool, from, to, most()).await.unwrap();
    let customers: Vec<_> = customers.iter().map(|row| (row.orders, row.net_cents)).collect();
    assert_eq!(customers, [(0, -50)]);
}

#[tokio::test]
async fn a_cohort_is_of_its_month_in_utc_and_a_month_without_orders_is_a_zero() {
    let mut stage = Stage::set().await;
    for (customer, when) in [
        ("ann", "2016-12-31T23:59:59Z"),
        ("ann", "2017-01-01T00:00:00Z"),
        ("bob", "2016-12-01T00:00:00Z"),
        ("zoe", "2017-03-31T23:59:59Z"),
        ("zoe", "2017-03-01T00:00:00Z"),
    ] {
        let customer_id = CustomerId::derived(customer);
        let mut placed = order(&format!("{customer} {when}"), when, 1, Status::Placed);
        placed.customer = customer_id;
        order_happens(&mut stage, &placed);
    }
    stage.project().await;
    let cohort = |cohort: &str, customers, months: &[f64]| Cohort {
        cohort: cohort.to_owned(),
        customers,
        months: months.to_vec(),
    };
    let expected = [cohort("2016-12", 2, &[0.5, 0.0, 0.0]), cohort("2017-03", 1, &[])];
    assert_eq!(retention(&stage.pool).await.unwrap(), expected);
}

#[tokio::test]
async fn an_order_with_an_odd_date_makes_no_row_without_end() {
    let mut stage = Stage::set().await;
    order_happens(&mut stage, &order("a", "1970-01-01T00:00:00Z", 1, Status::Placed));
    order_happens(&mut stage, &order("b", "9999-12-31T00:00:00Z", 1, Status::Placed));
    stage.project().await;
    let cohorts = retention(&stage.pool).await.unwrap();
    assert_eq!((cohorts.len(), cohorts[0].months.len()), (1, 120));
}

#[tokio::test]
async fn an_order_of_161_lines_counts_once_for_each_product_in_it() {
    let mut stage = Stage::set().await;
    let mut long = order("a", "2017-01-31T12:00:00Z", 0, Status::Placed);
    long.lines = (0..161).map(|place| line(&format!("S{}", place % 100))).collect();
    let mut short = order("b", "2017-01-31T12:00:00Z", 0, Status::Placed);
    short.lines = vec![line("S0")];
    order_happens(&mut stage, &long);
    order_happens(&mut stage, &short);
    stage.project().await;

    let rows = sales(&stage.pool, SalesBy::Product, None, None).await.unwrap();
    let counts: Vec<_> = rows.iter().map(|row| (row.orders, row.units)).collect();
    assert_eq!((rows.len(), counts[0]), (100, (2, 3)));
    assert!(counts[1..].iter().all(|(orders, units)| *orders == 1 && *units <= 2), "{counts:?}");

    let rows = bought_together(&stage.pool, &sku("S0"), most()).await.unwrap();
    assert_eq!((rows.len(), rows[0].sku.as_str()), (99, "S1"));
    let shares = |row: &ordering_views::bought_together::BoughtTogether| {
        (row.orders, row.support, row.confidence, row.lift)
    };
    assert!(rows.iter().all(|row| shares(row) == (1, 0.5, 0.5, 1.0)), "{rows:?}");
}

#[tokio::test]
async fn a_thousand_equal_customers_come_in_the_same_order_every_time() {
    let mut stage = Stage::set().await;
    let mut customers = Vec::new();
    for place in 0..1000 {
        let mut placed = order(&place.to_string(), "2017-01-31T12:00:00Z", 0, Status::Placed);
        placed.customer = CustomerId::derived(&place.to_string());
        placed.lines = vec![line(&format!("S{place}"))];
        customers.push(placed.customer.0);
        order_happens(&mut stage, &placed);
    }
    stage.project().await;
    customers.sort_unstable();
    let mut skus: Vec<_> = (0..1000).map(|place| format!("S{place}")).collect();
    skus.sort_unstable();
    for limit in [1, 7, 100] {
        let most: Limit = limit.to_string().parse().unwrap();
        let rows = top_customers(&stage.pool, None, None, most).await.unwrap();
        let ids: Vec<_> = rows.iter().map(|row| row.customer_id).collect();
        assert_eq!(ids, customers[..limit]);
        let rows = top_products(&stage.pool, None, None, most).await.unwrap();
        let found: Vec<_> = rows.into_iter().map(|row| row.sku).collect();
        assert_eq!(found, skus[..limit]);
    }
}

#[tokio::test]
async fn what_is_not_sold_any_more_is_not_low_on_stock() {
    let mut stage = Stage::set().await;
    let product = |sku: &str, stock, discontinued| Product {
        sku: sku.to_owned(),
        name: sku.to_owned(),
        department: "D".to_owned(),
        category: None,
        price: 1,
        stock,
        discontinued,
    };
    for (sku, stock, discontinued) in [
        ("GONE", 0, true),
        ("OUT", 0, false),
        ("FEW", 9, false),
        ("SOLD", 9, false),
        ("TEN", 10, false),
    ] {
        product_happens(&mut stage, &product(sku, stock, discontinued));
    }
    let mut bought = order("a", "2017-01-31T12:00:00Z", 0, Status::Placed);
    bought.lines = vec![Line { quantity: 14, ..line("SOLD") }];
    order_happens(&mut stage, &bought);
    stage.project().await;
    // An order of 28 days ago still counts, one of this very moment does not yet.
    for (now, sold) in [
        ("2017-01-31T12:00:00Z", 0),
        ("2017-01-31T12:00:01Z", 14),
        ("2017-02-28T12:00:00Z", 14),
        ("2017-02-28T12:00:01Z", 0),
    ] {
        let rows = low_stock(&stage.pool, 10, at(now), most()).await.unwrap();
        let cover: Vec<_> = rows.iter().map(|row| (row.sku.as_str(), row.days_of_cover)).collect();
        if sold == 0 {
            assert_eq!(cover, [("OUT", None), ("FEW", None), ("SOLD", None)], "{now}");
        } else {
            assert_eq!(cover, [("SOLD", Some(18.0)), ("OUT", None), ("FEW", None)], "{now}");
        }
    }
}

#[tokio::test]
async fn an_order_that_an_older_build_wrote_counts_like_any_other() {
    let mut stage = Stage::set().await;
    crate::model::Model::grow(32, 100).happens_on(&mut stage).await;
    let mut newer = Vec::new();
    for by_it in ["false", "hashtext(id::text) % 2 = 0", "true"] {
        let older =
            format!("update order_history set units = null, repeated_lines = null where {by_it}");
        sqlx::query(AssertSqlSafe(older)).execute(&stage.pool).await.unwrap();
        let mut now = Vec::new();
        for by in ALL {
            now.push(format!("{:?}", sales(&stage.pool, by, None, None).await.unwrap()));
        }
        let together = bought_together(&stage.pool, &sku("X003"), most()).await.unwrap();
        now.push(format!("{together:?}"));
        if by_it == "false" {
            newer = now;
        } else {
            assert_eq!(now, newer, "{by_it}");
        }
    }
}
