//! Carts. They are priced when somebody looks, at what the products cost then.

mod find;

pub use find::{Cart, CartLine, find, owner};
use ordering::{CartEvent, CartId, Version};
use projection::{Table, row};
use uuid::Uuid;

use crate::{Happened, happened::bigint};

row! {
    /// A cart.
    pub struct CartRow: loaded from "cart", owned by "cart" through id: "uuid";
    key {
        /// Which cart.
        id: Uuid = "uuid",
    }
    rest {
        /// Whose.
        customer_id: Uuid = "uuid",
        /// `open` or `checked_out`.
        status: String = "text",
        /// The order that it became.
        order_id: Option<Uuid> = "uuid",
        /// The commit that this is as of.
        version: i64 = "bigint",
    }
}

row! {
    /// How many pieces of one product are in a cart.
    pub struct CartLineRow: loaded from "cart_line", owned by "cart" through cart_id: "uuid";
    key {
        /// Which cart.
        cart_id: Uuid = "uuid",
        /// Which product.
        sku: String = "text",
    }
    rest {
        /// Pieces.
        quantity: i64 = "bigint",
    }
}

/// The tables of this view.
#[derive(Debug, Default)]
pub struct CartTables {
    /// The carts.
    pub cart: Table<CartRow>,
    /// What is in them.
    pub line: Table<CartLineRow>,
}

/// Notes the commit that the rows are as of; one without events moves that too.
pub(crate) fn as_of(rows: &mut CartTables, id: CartId, version: Version) {
    rows.cart.update(&(id.0,), |row| row.version = bigint(version.0));
}

/// Folds one event of the cart `id` into its rows.
pub(crate) fn evolve(rows: &mut CartTables, id: CartId, happened: &Happened<CartEvent>) {
    let CartId(cart_id) = id;
    match &happened.event {
        CartEvent::Opened(opened) => rows.cart.put(CartRow {
            id: cart_id,
            customer_id: opened.customer_id.0,
            status: "open".to_owned(),
            order_id: None,
            version: 0,
        }),
        CartEvent::ItemQuantitySet(set) => rows.line.put(CartLineRow {
            cart_id,
            sku: set.sku.to_string(),
            quantity: set.quantity.get().into(),
        }),
        CartEvent::ItemRemoved(removed) => rows.line.remove(&(cart_id, removed.sku.to_string())),
        CartEvent::CheckedOut(checked_out) => rows.cart.update(&(cart_id,), |row| {
            row.status = "checked_out".to_owned();
            row.order_id = Some(checked_out.order_id.0);
        }),
    }
}
