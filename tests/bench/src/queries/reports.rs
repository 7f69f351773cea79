//! Reports over the whole year: the whole handler beside the report's SQL.

use chrono::Utc;
use ordering_views::{
    Limit,
    bought_together::bought_together,
    fulfilment::fulfilment,
    low_stock::low_stock,
    retention::retention,
    sales::{SalesBy, sales},
    top_customers::top_customers,
    top_products::top_products,
};

use super::{
    least::{self, Least},
    shop::Shop,
    stopwatch::by_turns,
};
use crate::report::Figure;

const ROUNDS: usize = 9;

/// The product in most orders: the worst case.
const BANANAS: &str = "P01082185";

pub(crate) struct Report {
    pub(crate) name: &'static str,
    /// The row of its SQL alone.
    pub(crate) sql_row: &'static str,
    path: &'static str,
    query: &'static str,
    pub(crate) least: Least,
}

pub(crate) const REPORTS: [Report; 10] = [
    Report {
        name: "report sales by month",
        sql_row: "SQL of sales by month",
        path: "sales",
        query: "by=month",
        least: least::SALES_BY_MONTH,
    },
    Report {
        name: "report sales by customer",
        sql_row: "SQL of sales by customer",
        path: "sales",
        query: "by=customer",
        least: least::SALES_BY_CUSTOMER,
    },
    Report {
        name: "report sales by department",
        sql_row: "SQL of sales by department",
        path: "sales",
        query: "by=department",
        least: least::SALES_BY_DEPARTMENT,
    },
    Report {
        name: "report sales by product",
        sql_row: "SQL of sales by product",
        path: "sales",
        query: "by=product",
        least: least::SALES_BY_PRODUCT,
    },
    Report {
        name: "report top-products",
        sql_row: "SQL of top-products",
        path: "top-products",
        query: "",
        least: least::TOP_PRODUCTS,
    },
    Report {
        name: "report top-customers",
        sql_row: "SQL of top-customers",
        path: "top-customers",
        query: "",
        least: least::TOP_CUSTOMERS,
    },
    Report {
        name: "report bought-together",
        sql_row: "SQL of bought-together",
        path: "bought-together",
        query: "sku=P01082185",
        least: least::BOUGHT_TOGETHER,
    },
    Report {
        name: "report retention",
        sql_row: "SQL of retention",
        path: "retention",
        query: "",
        least: least::RETENTION,
    },
    Report {
        name: "report fulfilment",
        sql_row: "SQL of fulfilment",
        path: "fulfilment",
        query: "",
        least: least::FULFILMENT,
    },
    Report {
        name: "report stock",
        sql_row: "SQL of stock",
        path: "stock",
        query: "",
        least: least::STOCK,
    },
];

pub(crate) async fn each(shop: &Shop) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for report in &REPORTS {
        let path = format!("/reports/{}", report.path);
        let (ours, floor) = by_turns(
            ROUNDS,
            async |_| shop.function.get_as("zstd", &path, report.query).await.map(drop),
            async |_| bare(shop, report.name).await,
        )
        .await?;
        let against = "its SQL bare, p50, asked for: 1.2";
        let (ours, floor) = (ours.percentile(50), floor.percentile(50));
        figures.push(Figure::new(report.name, ours, "µs", floor, against));
    }
    Ok(figures)
}

/// A report's own statement and nothing around it.
pub(crate) async fn bare(shop: &Shop, name: &str) -> anyhow::Result<()> {
    let (pool, limit) = (&shop.bare, Limit::default());
    let rows = match name {
        "report sales by month" => sales(pool, SalesBy::Month, None, None).await?.len(),
        "report sales by customer" => sales(pool, SalesBy::Customer, None, None).await?.len(),
        "report sales by department" => sales(pool, SalesBy::Department, None, None).await?.len(),
        "report sales by product" => sales(pool, SalesBy::Product, None, None).await?.len(),
        "report top-products" => top_products(pool, None, None, limit).await?.len(),
        "report top-customers" => top_customers(pool, None, None, limit).await?.len(),
        "report bought-together" => bought_together(pool, &BANANAS.parse()?, limit).await?.len(),
        "report retention" => retention(pool).await?.len(),
        "report fulfilment" => fulfilment(pool, None, None).await?.len(),
        "report stock" => low_stock(pool, 10, Utc::now(), limit).await?.len(),
        other => anyhow::bail!("{other} is no report"),
    };
    std::hint::black_box(rows);
    Ok(())
}
