//! Decisions over several streams at once: all of it lands, or none.

use std::collections::BTreeMap;

use decider::Decider;

use crate::{
    Cart, CartCommand, CartEvent, CartId, KnownOrder, Order, OrderCommand, OrderEvent, OrderId,
    OrderLine, Origin, Place, Product, ProductCommand, ProductEvent, Quantity, Rejection, Sku,
    StockGivenBack, StockTaken,
};

/// What a checkout writes. Without a cart event, nothing: it has happened before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkout {
    /// To the cart.
    pub cart: Vec<CartEvent>,
    /// To the order.
    pub order: Vec<OrderEvent>,
    /// To each product.
    pub stock: BTreeMap<Sku, Vec<ProductEvent>>,
}

/// Turns a cart into an order: prices frozen, stock taken for every line, the cart closed.
/// `products` holds every product of the cart.
///
/// # Errors
/// The first reason for which the cart, a product or the order refuses.
pub fn checkout(
    cart_id: CartId,
    cart: &Cart,
    products: &BTreeMap<Sku, Product>,
) -> Result<Checkout, Rejection> {
    let order_id = cart_id.order();
    let closing = cart.decide(CartCommand::CheckOut(order_id))?;
    let Cart::Open(open) = cart else {
        return Ok(Checkout::default());
    };
    let mut lines = Vec::new();
    let mut stock = BTreeMap::new();
    for (sku, &quantity) in &open.items {
        let product = products.get(sku).unwrap_or(&Product::Unknown);
        let unit_price_cents = product.sold(sku)?.unit_price_cents;
        let take = ProductCommand::Take(StockTaken { order_id, quantity });
        stock.insert(sku.clone(), product.decide((sku.clone(), take))?);
        lines.push(OrderLine { sku: sku.clone(), quantity, unit_price_cents });
    }
    let place = Place { customer_id: open.customer_id, cart_id, lines };
    let order = Order::Unknown.decide(OrderCommand::Place(place))?;
    Ok(Checkout { cart: closing, order, stock })
}

/// What goes back on the shelf when an order is cancelled.
#[derive(Clone, Debug, PartialEq)]
pub struct Restock {
    /// Which product.
    pub sku: Sku,
    /// How it gets its pieces back.
    pub command: ProductCommand,
}

/// The pieces that cancelling `order` gives back: all that it took, nothing if it took none.
#[must_use]
pub fn restock(order_id: OrderId, order: &KnownOrder) -> Vec<Restock> {
    match order.origin {
        Origin::Import { .. } => vec![],
        Origin::Cart => order
            .lines
            .iter()
            .map(|(line, _)| give_back(order_id, &line.sku, line.quantity))
            .collect(),
    }
}

fn give_back(order_id: OrderId, sku: &Sku, quantity: Quantity) -> Restock {
    let command = ProductCommand::GiveBack(StockGivenBack { order_id, quantity });
    Restock { sku: sku.clone(), command }
}
