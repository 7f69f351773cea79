//! Each filter and each sort of the list of products.

use std::{cmp::Reverse, collections::HashMap};

use ordering::Status;
use ordering_views::{
    Limit,
    product::{self, ProductFilter, ProductSort},
};
use sqlx::PgPool;

use crate::{
    model::{Dice, Model, Product},
    stage::{Stage, leave_waiting},
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

fn sorted(model: &Model, sort: ProductSort, passes: impl Fn(&Product) -> bool) -> Vec<String> {
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

/// A parameter: what it asks for, and which products it lets through.
type Case = (fn(&mut ProductFilter), fn(&Product) -> bool);

/// Each parameter that there is.
const CASES: [Case; 6] = [
    (|f| f.q = "mil".parse().unwrap(), |p| p.name.to_lowercase().contains("milk")),
    (|f| f.department = Some("GROCERY".to_owned()), |p| p.department == "GROCERY"),
    (
        |f| f.category = Some("DAIRY/EGGS".to_owned()),
        |p| p.category.as_deref() == Some("DAIRY/EGGS"),
    ),
    (|f| f.in_stock = Some(true), |p| p.stock > 0),
    (|f| f.min_price_cents = Some(250), |p| p.price >= 250),
    (|f| f.max_price_cents = Some(250), |p| p.price <= 250),
];

const SORTS: [ProductSort; 4] = [
    ProductSort::Name,
    ProductSort::CheapestFirst,
    ProductSort::DearestFirst,
    ProductSort::MostSoldFirst,
];

#[tokio::test]
async fn each_filter_finds_its_products_in_each_order() {
    let mut stage = Stage::set().await;
    let mut model = Model::grow(7, 60);
    // Pages of them that nobody buys.
    model.stock(&mut Dice(7), 9);
    model.happens_on(&mut stage).await;
    let sold = units_sold(&model);
    let odd: [Case; 3] = [
        (|_| {}, |_| true),
        (|f| f.q = "milk cho".parse().unwrap(), |p| p.name == "Milk chocolate"),
        (|f| f.in_stock = Some(false), |p| p.stock == 0),
    ];
    // What was sold of some is not added yet: one, a few, in the end all.
    for waits in [0, 1, 7, 24] {
        for sku in sold.keys().take(waits) {
            leave_waiting(&stage.pool, sku).await;
        }
        for (ask, passes) in CASES.into_iter().chain(odd) {
            let mut filter = ProductFilter::default();
            ask(&mut filter);
            for sort in SORTS {
                let found = skus(&stage.pool, &filter, sort).await;
                assert_eq!(found, sorted(&model, sort, passes), "{waits} {filter:?} {sort:?}");
            }
        }
    }
}

#[tokio::test]
async fn any_filters_combine_in_any_order() {
    let mut stage = Stage::set().await;
    let mut model = Model::grow(9, 60);
    // Enough of them that some pass all.
    model.stock(&mut Dice(9), 300);
    model.happens_on(&mut stage).await;
    let mut found_something = 0;
    for chosen in 0..1_usize << CASES.len() {
        let chosen: Vec<&Case> = CASES
            .iter()
            .enumerate()
            .filter(|(n, _)| chosen >> n & 1 == 1)
            .map(|(_, c)| c)
            .collect();
        let mut filter = ProductFilter::default();
        chosen.iter().for_each(|(ask, _)| ask(&mut filter));
        for sort in SORTS {
            let passes = |product: &Product| chosen.iter().all(|(_, passes)| passes(product));
            let found = skus(&stage.pool, &filter, sort).await;
            assert_eq!(found, sorted(&model, sort, passes), "{filter:?} {sort:?}");
            found_something += usize::from(!found.is_empty());
        }
    }
    assert_eq!(found_something, 256, "all of them find products");
}

#[tokio::test]
async fn a_product_says_what_was_sold_of_it_and_whether_it_still_is() {
    let mut stage = Stage::set().await;
    let model = Model::grow(8, 60);
    model.happens_on(&mut stage).await;
    let sold = units_sold(&model);
    for (place, expected) in model.products.iter().enumerate() {
        if place % 2 == 0 {
            leave_waiting(&stage.pool, &expected.sku).await;
        }
        let found = product::find(&stage.pool, &expected.sku).await.unwrap().unwrap();
        assert_eq!(found.units_sold, sold.get(&expected.sku).copied().unwrap_or(0));
        assert_eq!((found.stock, found.discontinued), (expected.stock, expected.discontinued));
        assert_eq!((&found.name, &found.category), (&expected.name, &expected.category));
    }
    assert_eq!(product::find(&stage.pool, "NOT-SEEN-YET").await.unwrap(), None);
}
