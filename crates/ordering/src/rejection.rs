//! Why the shop says no.

use crate::{Cents, Sku};

/// A business reason to refuse a command. The edge chooses the status; the text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such product.
    #[error("there is no product {0}")]
    UnknownProduct(Sku),
    /// A product with that sku exists.
    #[error("sku {0} is taken by another product")]
    SkuTaken(Sku),
    /// No longer sold.
    #[error("product {0} is discontinued")]
    Discontinued(Sku),
    /// Fewer pieces in stock than asked for.
    #[error("product {sku} has {stock} in stock, {wanted} are wanted")]
    OutOfStock {
        /// Which product.
        sku: Sku,
        /// Pieces at hand.
        stock: i64,
        /// Pieces asked for.
        wanted: u32,
    },
    /// More pieces than the shop counts.
    #[error("more than {0} pieces")]
    QuantityTooLarge(u64),

    /// No such customer.
    #[error("there is no such customer")]
    UnknownCustomer,
    /// There was one.
    #[error("the customer is erased")]
    CustomerErased,
    /// This id belongs to somebody who registered before.
    #[error("the customer is registered already")]
    AlreadyRegistered,
    /// Another customer has that address.
    #[error("this email address belongs to another customer")]
    EmailTaken,

    /// No such cart.
    #[error("there is no such cart")]
    UnknownCart,
    /// It has become an order.
    #[error("the cart is checked out")]
    CartCheckedOut,
    /// There is nothing to order.
    #[error("the cart is empty")]
    CartEmpty,
    /// One transaction writes at most 100 items: the cart, the order and a commit a product.
    #[error("a cart holds at most {0} different products")]
    CartFull(usize),

    /// No such order.
    #[error("there is no such order")]
    UnknownOrder,
    /// Another order has that reference.
    #[error("this reference belongs to another order")]
    ReferenceTaken,
    /// An order without lines.
    #[error("an order has at least one line")]
    OrderEmpty,
    /// The sum does not fit 64 bits.
    #[error("the total is beyond what can be booked")]
    TotalTooLarge,
    /// Paid with something else before.
    #[error("the order is paid already")]
    AlreadyPaid,
    /// Not the amount that is due.
    #[error("the order costs {due}, {offered} were offered")]
    AmountDiffers {
        /// What the order costs.
        due: Cents,
        /// What was offered.
        offered: Cents,
    },
    /// Only a paid order is shipped.
    #[error("the order is not paid")]
    NotPaid,
    /// It has left the house.
    #[error("the order is shipped already")]
    AlreadyShipped,
    /// Only a shipped order is delivered.
    #[error("the order is not shipped")]
    NotShipped,
    /// Only what was delivered comes back.
    #[error("the order is not delivered")]
    NotDelivered,
    /// A cancelled order takes no more commands.
    #[error("the order is cancelled")]
    OrderCancelled,
    /// The order has no such line.
    #[error("the order has no product {0}")]
    NotInOrder(Sku),
    /// A return of nothing.
    #[error("a return has at least one line")]
    ReturnEmpty,
    /// More comes back than was bought.
    #[error("of product {sku}, {left} can still be returned, {wanted} were sent")]
    ReturnTooLarge {
        /// Which product.
        sku: Sku,
        /// Pieces bought and not returned yet.
        left: u64,
        /// Pieces in this return.
        wanted: u64,
    },
}
