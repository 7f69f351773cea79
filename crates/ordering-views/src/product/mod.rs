//! Products as a customer browses them.

mod find;
mod most_sold;

pub use find::{Product, ProductFilter, ProductPlace, ProductSort, find, list, push_list};
use ordering::{ProductAdded, ProductEvent, Sku, Version};
use projection::{Table, row};

use crate::{Happened, happened::bigint, words::joined};

row! {
    /// A product, its price and its stock.
    pub struct ProductRow: loaded from "product", owned by "product" through sku: "text";
    key {
        /// Its number.
        sku: String = "text",
    }
    rest {
        /// What the shelf says.
        name: String = "text",
        /// Where it stands.
        department: String = "text",
        /// What kind of thing it is.
        category: Option<String> = "text",
        /// Who makes it.
        brand: Option<String> = "text",
        /// What a piece costs now.
        unit_price_cents: i64 = "bigint",
        /// Pieces at hand.
        stock: i64 = "bigint",
        /// Whether it is no longer sold.
        discontinued: bool = "boolean",
        /// What a search finds it by.
        words: String = "text",
        /// The commit that this is as of.
        version: i64 = "bigint",
    }
}

/// Notes the commit that the row is as of; one without events moves that too.
pub(crate) fn as_of(rows: &mut Table<ProductRow>, sku: &Sku, version: Version) {
    rows.update(&(sku.to_string(),), |row| row.version = bigint(version.0));
}

/// Folds one event of the product `sku` into its row.
pub(crate) fn evolve(rows: &mut Table<ProductRow>, sku: &Sku, happened: &Happened<ProductEvent>) {
    if let ProductEvent::Added(added) = &happened.event {
        rows.put(added_row(sku, added));
        return;
    }
    rows.update(&(sku.to_string(),), |row| match &happened.event {
        ProductEvent::Added(_) => {}
        ProductEvent::PriceChanged(changed) => {
            row.unit_price_cents = changed.unit_price_cents.get();
        }
        ProductEvent::StockReceived(received) => row.stock += i64::from(received.quantity.get()),
        ProductEvent::StockCounted(count) => row.stock = count.counted.into(),
        ProductEvent::StockTaken(taken) => row.stock -= i64::from(taken.quantity.get()),
        ProductEvent::StockGivenBack(given) => row.stock += i64::from(given.quantity.get()),
        ProductEvent::Discontinued(_) => row.discontinued = true,
    });
}

fn added_row(sku: &Sku, added: &ProductAdded) -> ProductRow {
    let text = |text: &ordering::Text<100>| text.as_str().to_owned();
    ProductRow {
        sku: sku.to_string(),
        name: added.name.as_str().to_owned(),
        department: text(&added.department),
        category: added.category.as_ref().map(text),
        brand: added.brand.as_ref().map(text),
        unit_price_cents: added.unit_price_cents.get(),
        stock: 0,
        discontinued: false,
        words: joined([added.name.as_str()]),
        version: 0,
    }
}
