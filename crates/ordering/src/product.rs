//! A product: its price, its stock, and whether it is sold at all.

use decider::{Decider, Payload, events};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Cents, OrderId, Quantity, Rejection, Sku, Text};

events! {
    /// What happens to a product.
    pub enum ProductEvent {
        /// It came into the shop, with nothing in stock.
        Added(ProductAdded) = "ProductAdded", 1;
        /// It costs something else from now on.
        PriceChanged(PriceChanged) = "PriceChanged", 1;
        /// Goods came in.
        StockReceived(StockReceived) = "StockReceived", 1;
        /// Somebody counted; what was believed before does not matter.
        StockCounted(StockCounted) = "StockCounted", 1;
        /// An order took pieces.
        StockTaken(StockTaken) = "StockTaken", 1;
        /// A cancelled order gave its pieces back.
        StockGivenBack(StockGivenBack) = "StockGivenBack", 1;
        /// It is no longer sold.
        Discontinued(ProductDiscontinued) = "ProductDiscontinued", 1;
    }
}

/// See [`ProductEvent::Added`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProduct, description = "A product that is to be sold.")]
pub struct ProductAdded {
    /// Its number.
    pub sku: Sku,
    /// What the shelf says.
    pub name: Text<200>,
    /// Where it stands.
    pub department: Text<100>,
    /// What kind of thing it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Text<100>>,
    /// Who makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Text<100>>,
    /// What a piece costs.
    pub unit_price_cents: Cents,
}

/// See [`ProductEvent::PriceChanged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceChanged {
    /// What a piece costs now.
    pub unit_price_cents: Cents,
}

/// See [`ProductEvent::StockReceived`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockReceived {
    /// Pieces that came in.
    pub quantity: Quantity,
}

/// See [`ProductEvent::StockCounted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockCounted {
    /// Pieces that are there.
    pub counted: u32,
}

/// See [`ProductEvent::StockTaken`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockTaken {
    /// For which order.
    pub order_id: OrderId,
    /// Pieces taken.
    pub quantity: Quantity,
}

/// See [`ProductEvent::StockGivenBack`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockGivenBack {
    /// By which order.
    pub order_id: OrderId,
    /// Pieces given back.
    pub quantity: Quantity,
}

/// See [`ProductEvent::Discontinued`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductDiscontinued {}

impl Payload for ProductAdded {}
impl Payload for PriceChanged {}
impl Payload for StockReceived {}
impl Payload for StockCounted {}
impl Payload for StockTaken {}
impl Payload for StockGivenBack {}
impl Payload for ProductDiscontinued {}

/// A product as the write side needs to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Product {
    /// Not in the shop.
    #[default]
    Unknown,
    /// In the shop.
    Listed(Listing),
}

/// What decides about a listed product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Its number.
    pub sku: Sku,
    /// What a piece costs now.
    pub unit_price_cents: Cents,
    /// Pieces at hand, never negative.
    pub stock: i64,
    /// Whether it is no longer sold.
    pub discontinued: bool,
}

/// What can be asked of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProductCommand {
    /// Takes it into the shop.
    Add(ProductAdded),
    /// Changes what a piece costs.
    ChangePrice(Cents),
    /// Books goods in.
    Receive(Quantity),
    /// Books a count of the stock.
    Count(u32),
    /// Stops selling it.
    Discontinue,
    /// Takes pieces for an order.
    Take(StockTaken),
    /// Gives an order's pieces back.
    GiveBack(StockGivenBack),
}

impl Product {
    /// The most pieces of one product; a count of the stock fits 32 bits.
    pub const MOST_STOCK: i64 = u32::MAX as i64;

    /// The product, if it is in the shop.
    #[must_use]
    pub fn listing(&self) -> Option<&Listing> {
        match self {
            Self::Unknown => None,
            Self::Listed(listing) => Some(listing),
        }
    }

    /// The product, if it is in the shop and sold.
    ///
    /// # Errors
    /// [`Rejection::UnknownProduct`] or [`Rejection::Discontinued`].
    pub fn sold(&self, sku: &Sku) -> Result<&Listing, Rejection> {
        let listing = self.listing().ok_or_else(|| Rejection::UnknownProduct(sku.clone()))?;
        if listing.discontinued {
            return Err(Rejection::Discontinued(sku.clone()));
        }
        Ok(listing)
    }
}

impl Decider for Product {
    const CATEGORY: &'static str = "product";
    const SHAPE: u32 = 1;
    const LONG_LIVED: bool = true;
    type Command = (Sku, ProductCommand);
    type Event = ProductEvent;
    type Rejection = Rejection;

    fn decide(&self, command: (Sku, ProductCommand)) -> Result<Vec<ProductEvent>, Rejection> {
        let (sku, command) = command;
        let Self::Listed(listing) = self else {
            return add(sku, command);
        };
        match command {
            ProductCommand::Add(_) => Err(Rejection::SkuTaken(sku)),
            ProductCommand::ChangePrice(price) => Ok(change_price(listing, price)),
            ProductCommand::Receive(quantity) => receive(listing, quantity),
            ProductCommand::Count(counted) => Ok(count(listing, counted)),
            ProductCommand::Discontinue => Ok(discontinue(listing)),
            ProductCommand::Take(taken) => take(listing, taken),
            ProductCommand::GiveBack(given) => Ok(vec![given.into()]),
        }
    }

    fn evolve(self, event: &ProductEvent) -> Self {
        match (self, event) {
            (_, ProductEvent::Added(added)) => Self::Listed(Listing {
                sku: added.sku.clone(),
                unit_price_cents: added.unit_price_cents,
                stock: 0,
                discontinued: false,
            }),
            (Self::Unknown, _) => Self::Unknown,
            (Self::Listed(listing), event) => Self::Listed(listing.evolve(event)),
        }
    }
}

fn add(sku: Sku, command: ProductCommand) -> Result<Vec<ProductEvent>, Rejection> {
    if let ProductCommand::Add(product) = command {
        Ok(vec![product.into()])
    } else {
        Err(Rejection::UnknownProduct(sku))
    }
}

/// Naming the price that it has is no event.
fn change_price(listing: &Listing, price: Cents) -> Vec<ProductEvent> {
    if listing.unit_price_cents == price {
        return vec![];
    }
    vec![PriceChanged { unit_price_cents: price }.into()]
}

/// A discontinued product still takes goods in: a late delivery is on the shelf all the same.
fn receive(listing: &Listing, quantity: Quantity) -> Result<Vec<ProductEvent>, Rejection> {
    if listing.stock + i64::from(quantity.get()) > Product::MOST_STOCK {
        return Err(Rejection::QuantityTooLarge(Product::MOST_STOCK.unsigned_abs()));
    }
    Ok(vec![StockReceived { quantity }.into()])
}

/// A count that confirms what was believed is no event.
fn count(listing: &Listing, counted: u32) -> Vec<ProductEvent> {
    if listing.stock == i64::from(counted) {
        return vec![];
    }
    vec![StockCounted { counted }.into()]
}

fn discontinue(listing: &Listing) -> Vec<ProductEvent> {
    if listing.discontinued { vec![] } else { vec![ProductDiscontinued {}.into()] }
}

fn take(listing: &Listing, taken: StockTaken) -> Result<Vec<ProductEvent>, Rejection> {
    let sku = listing.sku.clone();
    if listing.discontinued {
        return Err(Rejection::Discontinued(sku));
    }
    let wanted = taken.quantity.get();
    if listing.stock < i64::from(wanted) {
        return Err(Rejection::OutOfStock { sku, stock: listing.stock, wanted });
    }
    Ok(vec![taken.into()])
}

impl Listing {
    fn evolve(mut self, event: &ProductEvent) -> Self {
        match event {
            ProductEvent::Added(_) => {}
            ProductEvent::PriceChanged(changed) => self.unit_price_cents = changed.unit_price_cents,
            ProductEvent::StockReceived(received) => {
                self.stock += i64::from(received.quantity.get())
            }
            ProductEvent::StockCounted(count) => self.stock = count.counted.into(),
            ProductEvent::StockTaken(taken) => self.stock -= i64::from(taken.quantity.get()),
            ProductEvent::StockGivenBack(given) => self.stock += i64::from(given.quantity.get()),
            ProductEvent::Discontinued(_) => self.discontinued = true,
        }
        self
    }
}
