//! The real baskets: a year's report over all of them.

use std::{collections::BTreeSet, fs};

use ordering::{CustomerId, OrderId, Status};
use ordering_views::{
    Limit,
    order_history::{self, OrderFilter, OrderSort},
    sales::{SalesBy, sales},
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    model::{Line, Model, Order, Product},
    orders::ids,
    sales::counted,
    stage::{Stage, at},
};

#[derive(Deserialize)]
struct Basket {
    reference: String,
    customer: String,
    placed_at: String,
    lines: Vec<BasketLine>,
}

#[derive(Deserialize)]
struct BasketLine {
    sku: String,
    quantity: i64,
    unit_price_cents: i64,
}

#[derive(Deserialize)]
struct Listed {
    sku: String,
    name: String,
    department: String,
    category: Option<String>,
    unit_price_cents: i64,
}

fn read<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = format!("{}/../../tests/data/baskets/{name}.ndjson", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All of `tests/data/baskets`.
pub(crate) fn baskets() -> Model {
    let products = read::<Listed>("products").into_iter().map(|listed| Product {
        sku: listed.sku,
        name: listed.name,
        department: listed.department,
        category: listed.category,
        price: listed.unit_price_cents,
        stock: 0,
        discontinued: false,
    });
    let orders = read::<Basket>("orders").into_iter().map(|basket| Order {
        id: OrderId::imported(&basket.reference),
        customer: CustomerId::derived(&basket.customer),
        reference: basket.reference,
        status: Status::Placed,
        placed_at: at(&basket.placed_at),
        lines: basket.lines.into_iter().map(line).collect(),
        tracking: None,
        returned_at: None,
    });
    Model { products: products.collect(), orders: orders.collect(), customers: Vec::new() }
}

fn line(line: BasketLine) -> Line {
    let BasketLine { sku, quantity, unit_price_cents: price } = line;
    Line { sku, quantity, price, returned: 0 }
}

#[tokio::test]
async fn the_year_of_the_baskets_adds_up() {
    let mut stage = Stage::set().await;
    let model = baskets();
    model.happens_on(&mut stage).await;

    let (from, to) = (at("2017-01-01T00:00:00Z"), at("2018-01-01T00:00:00Z"));
    let months = sales(&stage.pool, SalesBy::Month, Some(from), Some(to)).await.unwrap();
    let sum = |of: fn(&ordering_views::sales::SalesRow) -> i64| months.iter().map(of).sum::<i64>();
    assert_eq!((sum(|m| m.orders), sum(|m| m.units)), (2_359, 28_297));
    assert_eq!((sum(|m| m.gross_cents), sum(|m| m.net_cents)), (6_425_968, 6_425_968));

    for by in [SalesBy::Week, SalesBy::Department, SalesBy::Category, SalesBy::Product] {
        let rows = sales(&stage.pool, by, None, None).await.unwrap();
        assert_eq!(rows, counted(&model, by, |_| true), "{by:?}");
    }

    let first = (None, "1".parse::<Limit>().unwrap());
    let (filter, sort) = (OrderFilter::default(), OrderSort::LargestFirst);
    let largest = order_history::list(&stage.pool, &filter, sort, first).await.unwrap();
    let expected = model.orders.iter().map(Order::total).max().unwrap();
    assert_eq!(largest.items[0].total_cents, expected);
    let longest = model.orders.iter().max_by_key(|order| order.lines.len()).unwrap();
    let found = order_history::find(&stage.pool, longest.id.0).await.unwrap().unwrap();
    assert_eq!(found.order.lines.0.len(), 106);

    let filter = OrderFilter { q: "bev/juice 50-100%".parse().unwrap(), ..OrderFilter::default() };
    let found: BTreeSet<_> = ids(&stage.pool, &filter, sort).await.into_iter().collect();
    assert!(!found.is_empty());
}
