//! Each filter and each sort of the list of products.

use std::{cmp::Reverse, collections::HashMap};

use ordering::Status;
use ordering_views::{
    Limit,
    product::{self, ProductFilter, ProductSort},
};
use sqlx::PgPool;

use crate::{
    model::{Model, Product},
    stage::Stage,
};

async fn skus(pool: &PgPool, filter: &ProductFilter, sort: ProductSort) -> Vec<String> {
    let limit: Limit = "3".parse().unwrap();
    let (mut skus, mut after) = (Vec::new(), None);
    loop {
        let page = product::list(pool, filter, sort, (after, limit)).await.unwrap();
        skus.extend(page.items.into_iter().map(|product| product.sku));
        match page.next {
            None => return skus,
            next => after = next,
        }
    }
}

fn units_sold(model: &Model) -> HashMap<String, i64> {
    let mut sold = HashMap::new();
    for order in model.orders.iter().filter(|order| order.status != Status::Cancelled) {
        for line in &order.lines {
            *sold.entry(line.sku.clone()).or_default() += line.quantity;
        }
    }
    sold
}

fn sorted(model: &Model, sort: ProductSort, passes: fn(&Product) -> bool) -> Vec<String> {
    let sold = units_sold(model);
    let units = |product: &Product| sold.get(&product.sku).copied().unwrap_or(0);
    let mut products: Vec<&Product> = model.products.iter().filter(|p| passes(p)).collect();
    let sku = |product: &Product| product.sku.clone();
    match sort {
        ProductSort::Name => products.sort_by_key(|p| (p.name.clone(), sku(p))),
        ProductSort::CheapestFirst => products.sort_by_key(|p| (p.price, sku(p))),
        ProductSort::DearestFirst => products.sort_by_key(|p| Reverse((p.price, sku(p)))),
        ProductSort::MostSoldFirst => products.sort_by_key(|p| Reverse((units(p), sku(p)))),
    }
    products.into_iter().map(sku).collect()
}

type Case = (ProductFilter, fn(&Product) -> bool);

fn cases() -> Vec<Case> {
    let filter = ProductFilter::default;
    let named = |text: &str| Some(text.to_owned());
    vec![
        (filter(), |_| true),
        (ProductFilter { q: "milk cho".parse().unwrap(), ..filter() }, |p| {
            p.name == "Milk chocolate"
        }),
        (ProductFilter { department: named("GROCERY"), ..filter() }, |p| p.department == "GROCERY"),
        (ProductFilter { category: named("DAIRY/EGGS"), ..filter() }, |p| {
            p.category.as_deref() == Some("DAIRY/EGGS")
        }),
        (ProductFilter { in_stock: Some(true), ..filter() }, |p| p.stock > 0),
        (ProductFilter { in_stock: Some(false), ..filter() }, |p| p.stock == 0),
        (ProductFilter { min_price_cents: Some(250), ..filter() }, |p| p.price >= 250),
        (ProductFilter { max_price_cents: Some(250), ..filter() }, |p| p.price <= 250),
        (
            ProductFilter {
                department: named("PRODUCE"),
                in_stock: Some(true),
                max_price_cents: Some(250),
                ..filter()
            },
            |p| p.department == "PRODUCE" && p.stock > 0 && p.price <= 250,
        ),
    ]
}

#[tokio::test]
async fn each_filter_finds_its_products_in_each_order() {
    let mut stage = Stage::set().await;
    let model = Model::grow(7, 60);
    model.happens_on(&mut stage).await;
    let sold = units_sold(&model);
    let popular = sold.values().filter(|units| **units >= 8).count();
    assert!(
        (3..model.products.len() - 3).contains(&popular),
        "a page and more of either: {sold:?}"
    );
    let sorts = [
        ProductSort::Name,
        ProductSort::CheapestFirst,
        ProductSort::DearestFirst,
        ProductSort::MostSoldFirst,
    ];
    for (filter, passes) in cases() {
        for sort in sorts {
            let found = skus(&stage.pool, &filter, sort).await;
            assert_eq!(found, sorted(&model, sort, passes), "{filter:?} {sort:?}");
        }
    }
}

#[tokio::test]
async fn a_product_says_what_was_sold_of_it_and_whether_it_still_is() {
    let mut stage = Stage::set().await;
    let model = Model::grow(8, 60);
    model.happens_on(&mut stage).await;
    let sold = units_sold(&model);
    for expected in &model.products {
        let found = product::find(&stage.pool, &expected.sku).await.unwrap().unwrap();
        assert_eq!(found.units_sold, sold.get(&expected.sku).copied().unwrap_or(0));
        assert_eq!((found.stock, found.discontinued), (expected.stock, expected.discontinued));
        assert_eq!((&found.name, &found.category), (&expected.name, &expected.category));
    }
    assert_eq!(product::find(&stage.pool, "NOT-SEEN-YET").await.unwrap(), None);
}
