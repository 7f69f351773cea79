//! An order: what was bought, and how far it has come. What decides is in `order_decisions`.

use decider::{Decider, Payload, Timestamp, events};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    CartId, Cents, CustomerId, OrderPaid, Payment, Quantity, Rejection, Sku, Text,
    order_decisions as decisions, payment::OrderPaidV1,
};

events! {
    /// What happens to an order.
    pub enum OrderEvent {
        /// A cart became an order; its prices are promised from now on, its stock is taken.
        Placed(OrderPlaced) = "OrderPlaced", 1;
        /// An order from before this system; it took no stock here.
        Imported(OrderImported) = "OrderImported", 1;
        /// The customer paid.
        Paid(OrderPaid) = "OrderPaid", 2, from [OrderPaidV1];
        /// It left the house.
        Shipped(OrderShipped) = "OrderShipped", 1;
        /// It reached the customer.
        Delivered(OrderDelivered) = "OrderDelivered", 1;
        /// It will not happen.
        Cancelled(OrderCancelled) = "OrderCancelled", 1;
        /// Some of it came back, for a refund.
        Returned(ItemsReturned) = "ItemsReturned", 1;
    }
}

/// One line of an order; its number is its place in the list, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OldOrderLine, description = "A line of an order that is back-filled.")]
pub struct OrderLine {
    /// Which product.
    pub sku: Sku,
    /// Pieces bought.
    pub quantity: Quantity,
    /// What a piece cost when the order was placed.
    pub unit_price_cents: Cents,
}

/// The currency of all amounts of an order, by its ISO 4217 code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Currency {
    /// US dollar.
    #[default]
    #[serde(rename = "USD")]
    Usd,
}

impl Currency {
    /// The ISO 4217 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Usd => "USD",
        }
    }
}

/// See [`OrderEvent::Placed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderPlaced {
    /// Who bought.
    pub customer_id: CustomerId,
    /// The cart that it was.
    pub cart_id: CartId,
    /// What was bought.
    pub lines: Vec<OrderLine>,
    /// What it costs altogether.
    pub total_cents: Cents,
    /// In which currency.
    pub currency: Currency,
}

/// See [`OrderEvent::Imported`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderImported {
    /// What the other system called it.
    pub reference: Text<100>,
    /// Who bought.
    pub customer_id: CustomerId,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// How far it had come.
    pub status: Status,
    /// What was bought.
    pub lines: Vec<OrderLine>,
    /// What it cost altogether.
    pub total_cents: Cents,
    /// In which currency.
    pub currency: Currency,
}

/// See [`OrderEvent::Shipped`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Parcel, description = "What was sent.")]
pub struct OrderShipped {
    /// Who carries it.
    pub carrier: Text<100>,
    /// What the carrier calls it.
    pub tracking_number: Text<100>,
}

/// See [`OrderEvent::Delivered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderDelivered {}

/// See [`OrderEvent::Cancelled`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Cancellation, description = "Why an order is called off.")]
pub struct OrderCancelled {
    /// Why.
    pub reason: Text<500>,
}

/// See [`OrderEvent::Returned`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemsReturned {
    /// What came back.
    pub lines: Vec<ReturnedLine>,
    /// What is refunded altogether.
    pub refund_cents: Cents,
    /// Why.
    pub reason: Text<500>,
}

/// What came back of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnedLine {
    /// Which line, from 1.
    pub line_no: u32,
    /// Which product.
    pub sku: Sku,
    /// Pieces that came back.
    pub quantity: Quantity,
    /// What is refunded for them.
    pub refund_cents: Cents,
}

impl Payload for OrderPlaced {}
impl Payload for OrderImported {
    fn occurred_at(&self) -> Option<Timestamp> {
        Some(self.placed_at)
    }
}
impl Payload for OrderShipped {}
impl Payload for OrderDelivered {}
impl Payload for OrderCancelled {}
impl Payload for ItemsReturned {}

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for the money.
    Placed,
    /// Waits for the parcel service.
    Paid,
    /// On its way.
    Shipped,
    /// With the customer; some or all of it may have come back since.
    Delivered,
    /// Will not happen.
    Cancelled,
}

impl Status {
    /// The word in answers, rows and filters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
        }
    }
}

/// An order as the write side needs to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// No such order.
    #[default]
    Unknown,
    /// An order.
    Known(KnownOrder),
}

/// What decides about an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownOrder {
    /// Who bought.
    pub customer_id: CustomerId,
    /// Where it came from.
    pub origin: Origin,
    /// How far it has come.
    pub status: Status,
    /// What it costs.
    pub total_cents: Cents,
    /// What was refunded so far.
    pub refund_cents: Cents,
    /// What was bought, and how much of each line came back.
    pub lines: Vec<(OrderLine, u32)>,
    /// The payment, once made here.
    pub payment_reference: Option<Text<100>>,
    /// The parcel, once sent from here.
    pub parcel: Option<OrderShipped>,
}

/// Where an order came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// From a cart: it took stock.
    Cart,
    /// From another system: it took none. With what it said when it came.
    Import {
        /// When it was placed.
        placed_at: Timestamp,
        /// How far it had come then.
        status: Status,
    },
}

/// What can be asked of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderCommand {
    /// Places it; the cart and the stock are the other half, see [`checkout`](crate::checkout).
    Place(Place),
    /// Back-fills it.
    Import(Import),
    /// Pays it in full.
    Pay(Payment),
    /// Sends it.
    Ship(OrderShipped),
    /// Books its arrival.
    Deliver,
    /// Calls it off; the stock is the other half, see [`restock`](crate::restock).
    Cancel(OrderCancelled),
    /// Takes pieces of it back.
    Return(Return),
}

/// See [`OrderCommand::Place`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Who buys.
    pub customer_id: CustomerId,
    /// The cart that it was.
    pub cart_id: CartId,
    /// What is bought, at which price.
    pub lines: Vec<OrderLine>,
}

/// See [`OrderCommand::Import`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// What the other system calls it.
    pub reference: Text<100>,
    /// Who bought.
    pub customer_id: CustomerId,
    /// When.
    pub placed_at: Timestamp,
    /// How far it had come.
    pub status: Status,
    /// What was bought.
    pub lines: Vec<OrderLine>,
}

/// See [`OrderCommand::Return`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    /// Pieces by product; the same product twice adds up.
    pub items: Vec<(Sku, Quantity)>,
    /// Why.
    pub reason: Text<500>,
}

impl Order {
    /// The order, if there is one.
    ///
    /// # Errors
    /// [`Rejection::UnknownOrder`].
    pub fn known(&self) -> Result<&KnownOrder, Rejection> {
        match self {
            Self::Unknown => Err(Rejection::UnknownOrder),
            Self::Known(order) => Ok(order),
        }
    }
}

impl Decider for Order {
    const CATEGORY: &'static str = "order";
    const SHAPE: u32 = 1;
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Rejection = Rejection;

    fn decide(&self, command: OrderCommand) -> Result<Vec<OrderEvent>, Rejection> {
        match command {
            OrderCommand::Place(place) => decisions::place(self, place),
            OrderCommand::Import(import) => decisions::import(self, import),
            OrderCommand::Pay(payment) => decisions::pay(self.known()?, payment),
            OrderCommand::Ship(parcel) => decisions::ship(self.known()?, parcel),
            OrderCommand::Deliver => decisions::deliver(self.known()?),
            OrderCommand::Cancel(cancel) => decisions::cancel(self.known()?, cancel),
            OrderCommand::Return(items) => decisions::take_back(self.known()?, items),
        }
    }

    fn evolve(self, event: &OrderEvent) -> Self {
        match (self, event) {
            (_, OrderEvent::Placed(placed)) => Self::Known(KnownOrder::placed(placed)),
            (_, OrderEvent::Imported(imported)) => Self::Known(KnownOrder::imported(imported)),
            (Self::Known(order), event) => Self::Known(order.evolve(event)),
            (Self::Unknown, _) => Self::Unknown,
        }
    }
}

impl KnownOrder {
    fn placed(placed: &OrderPlaced) -> Self {
        Self {
            customer_id: placed.customer_id,
            origin: Origin::Cart,
            status: Status::Placed,
            total_cents: placed.total_cents,
            refund_cents: Cents::ZERO,
            lines: placed.lines.iter().map(|line| (line.clone(), 0)).collect(),
            payment_reference: None,
            parcel: None,
        }
    }

    fn imported(imported: &OrderImported) -> Self {
        Self {
            customer_id: imported.customer_id,
            origin: Origin::Import { placed_at: imported.placed_at, status: imported.status },
            status: imported.status,
            total_cents: imported.total_cents,
            refund_cents: Cents::ZERO,
            lines: imported.lines.iter().map(|line| (line.clone(), 0)).collect(),
            payment_reference: None,
            parcel: None,
        }
    }

    fn evolve(mut self, event: &OrderEvent) -> Self {
        match event {
            OrderEvent::Placed(_) | OrderEvent::Imported(_) => {}
            OrderEvent::Paid(paid) => {
                self.status = Status::Paid;
                self.payment_reference = Some(paid.payment_reference.clone());
            }
            OrderEvent::Shipped(parcel) => {
                self.status = Status::Shipped;
                self.parcel = Some(parcel.clone());
            }
            OrderEvent::Delivered(_) => self.status = Status::Delivered,
            OrderEvent::Cancelled(_) => self.status = Status::Cancelled,
            OrderEvent::Returned(returned) => {
                self.refund_cents = self.refund_cents.saturating_plus(returned.refund_cents);
                for back in &returned.lines {
                    let place = (back.line_no as usize).wrapping_sub(1);
                    if let Some((_, returned_quantity)) = self.lines.get_mut(place) {
                        *returned_quantity = returned_quantity.saturating_add(back.quantity.get());
                    }
                }
            }
        }
        self
    }
}
