//! A cart: what somebody is about to order.

use std::collections::BTreeMap;

use decider::{Decider, Payload, events};
use serde::{Deserialize, Serialize};

use crate::{CustomerId, OrderId, Quantity, Rejection, Sku};

events! {
    /// What happens to a cart.
    pub enum CartEvent {
        /// A customer took a cart.
        Opened(CartOpened) = "CartOpened", 1;
        /// That many pieces of a product are in it from now on.
        ItemQuantitySet(ItemQuantitySet) = "ItemQuantitySet", 1;
        /// A product was put back.
        ItemRemoved(ItemRemoved) = "ItemRemoved", 1;
        /// It became an order.
        CheckedOut(CartCheckedOut) = "CartCheckedOut", 1;
    }
}

/// See [`CartEvent::Opened`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CartOpened {
    /// Whose cart it is.
    pub customer_id: CustomerId,
}

/// See [`CartEvent::ItemQuantitySet`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemQuantitySet {
    /// Which product.
    pub sku: Sku,
    /// How many pieces of it are in the cart now, altogether.
    pub quantity: Quantity,
}

/// See [`CartEvent::ItemRemoved`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemRemoved {
    /// Which product.
    pub sku: Sku,
}

/// See [`CartEvent::CheckedOut`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CartCheckedOut {
    /// The order that it became.
    pub order_id: OrderId,
}

impl Payload for CartOpened {}
impl Payload for ItemQuantitySet {}
impl Payload for ItemRemoved {}
impl Payload for CartCheckedOut {}

/// A cart as the write side needs to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cart {
    /// No such cart.
    #[default]
    Unknown,
    /// Being filled.
    Open(OpenCart),
    /// An order by now.
    CheckedOut {
        /// Whose cart it was.
        customer_id: CustomerId,
        /// The order that it became.
        order_id: OrderId,
    },
}

/// What is in an open cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCart {
    /// Whose cart it is.
    pub customer_id: CustomerId,
    /// Pieces by product.
    pub items: BTreeMap<Sku, Quantity>,
}

/// What can be asked of a cart. That a product exists is checked before it is put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CartCommand {
    /// Takes a cart for a customer.
    Open(CustomerId),
    /// Puts pieces in, on top of what is there.
    AddItem(Sku, Quantity),
    /// Sets how many pieces of a product are in it.
    SetQuantity(Sku, Quantity),
    /// Puts a product back.
    RemoveItem(Sku),
    /// Closes it; the order and the stock are the other half, see [`checkout`](crate::checkout).
    CheckOut(OrderId),
}

impl Cart {
    /// A transaction writes 100 items: the cart, the order, and a commit for each product.
    pub const MOST_ITEMS: usize = 98;

    /// Whose cart it is, if it is one.
    #[must_use]
    pub fn customer_id(&self) -> Option<CustomerId> {
        match self {
            Self::Unknown => None,
            Self::Open(cart) => Some(cart.customer_id),
            Self::CheckedOut { customer_id, .. } => Some(*customer_id),
        }
    }

    /// The cart, while it can be changed.
    ///
    /// # Errors
    /// [`Rejection::UnknownCart`] or [`Rejection::CartCheckedOut`].
    pub fn open(&self) -> Result<&OpenCart, Rejection> {
        match self {
            Self::Unknown => Err(Rejection::UnknownCart),
            Self::Open(cart) => Ok(cart),
            Self::CheckedOut { .. } => Err(Rejection::CartCheckedOut),
        }
    }
}

impl Decider for Cart {
    const CATEGORY: &'static str = "cart";
    const SHAPE: u32 = 1;
    const KEPT_DAYS: Option<i64> = Some(90);
    type Command = CartCommand;
    type Event = CartEvent;
    type Rejection = Rejection;

    fn decide(&self, command: CartCommand) -> Result<Vec<CartEvent>, Rejection> {
        match command {
            CartCommand::Open(customer_id) => open(self, customer_id),
            CartCommand::AddItem(sku, quantity) => add_item(self.open()?, sku, quantity),
            CartCommand::SetQuantity(sku, quantity) => set_quantity(self.open()?, sku, quantity),
            CartCommand::RemoveItem(sku) => Ok(remove_item(self.open()?, sku)),
            CartCommand::CheckOut(order_id) => check_out(self, order_id),
        }
    }

    fn evolve(self, event: &CartEvent) -> Self {
        match (self, event) {
            (_, CartEvent::Opened(opened)) => {
                Self::Open(OpenCart { customer_id: opened.customer_id, items: BTreeMap::new() })
            }
            (Self::Open(mut cart), CartEvent::ItemQuantitySet(set)) => {
                cart.items.insert(set.sku.clone(), set.quantity);
                Self::Open(cart)
            }
            (Self::Open(mut cart), CartEvent::ItemRemoved(removed)) => {
                cart.items.remove(&removed.sku);
                Self::Open(cart)
            }
            (Self::Open(cart), CartEvent::CheckedOut(checked_out)) => {
                Self::CheckedOut { customer_id: cart.customer_id, order_id: checked_out.order_id }
            }
            (
                state @ (Self::Unknown | Self::CheckedOut { .. }),
                CartEvent::ItemQuantitySet(_)
                | CartEvent::ItemRemoved(_)
                | CartEvent::CheckedOut(_),
            ) => state,
        }
    }
}

/// The same customer opening the same cart again finds it there.
fn open(cart: &Cart, customer_id: CustomerId) -> Result<Vec<CartEvent>, Rejection> {
    match cart.customer_id() {
        None => Ok(vec![CartOpened { customer_id }.into()]),
        Some(owner) if owner == customer_id => Ok(vec![]),
        Some(_) => Err(Rejection::UnknownCart),
    }
}

/// The event names the resulting quantity, so that whoever reads it needs no arithmetic.
fn add_item(cart: &OpenCart, sku: Sku, more: Quantity) -> Result<Vec<CartEvent>, Rejection> {
    let quantity = match cart.items.get(&sku) {
        None => more,
        Some(there) => {
            there.plus(more).ok_or(Rejection::QuantityTooLarge(Quantity::MOST.into()))?
        }
    };
    set_quantity(cart, sku, quantity)
}

fn set_quantity(
    cart: &OpenCart,
    sku: Sku,
    quantity: Quantity,
) -> Result<Vec<CartEvent>, Rejection> {
    match cart.items.get(&sku) {
        Some(there) if *there == quantity => Ok(vec![]),
        None if cart.items.len() >= Cart::MOST_ITEMS => Err(Rejection::CartFull(Cart::MOST_ITEMS)),
        Some(_) | None => Ok(vec![ItemQuantitySet { sku, quantity }.into()]),
    }
}

fn remove_item(cart: &OpenCart, sku: Sku) -> Vec<CartEvent> {
    if cart.items.contains_key(&sku) { vec![ItemRemoved { sku }.into()] } else { vec![] }
}

/// Checking out twice yields no event: the cart determines the order that it became.
fn check_out(cart: &Cart, order_id: OrderId) -> Result<Vec<CartEvent>, Rejection> {
    match cart {
        Cart::Unknown => Err(Rejection::UnknownCart),
        Cart::Open(cart) if cart.items.is_empty() => Err(Rejection::CartEmpty),
        Cart::Open(_) => Ok(vec![CartCheckedOut { order_id }.into()]),
        Cart::CheckedOut { order_id: became, .. } if *became == order_id => Ok(vec![]),
        Cart::CheckedOut { .. } => Err(Rejection::CartCheckedOut),
    }
}
