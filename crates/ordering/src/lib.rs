//! A shop's ordering: products, customers, carts and orders as pure deciders.
//!
//! This crate owns every business rule and knows nothing that waits: no store, no HTTP, no SQL,
//! no clock. Each concept is one file, always in the same order: events, state, decide, evolve.
//! Put your own domain in its place; what is around it does not care.

mod cart;
mod cents;
mod checkout;
mod customer;
mod email_claim;
mod ids;
mod order;
mod order_decisions;
mod payment;
mod product;
mod registered;
mod rejection;
mod schema;
mod text;

pub use cart::{
    Cart, CartCheckedOut, CartCommand, CartEvent, CartOpened, ItemQuantitySet, ItemRemoved,
    OpenCart,
};
pub use cents::{Cents, Quantity};
pub use checkout::{Checkout, Restock, checkout, restock};
pub use customer::{
    Customer, CustomerCommand, CustomerErased, CustomerEvent, NewCustomer, Registered,
};
pub use decider::{
    Commit, Decider, Event, Folded, Metadata, Personal, RecordedEvent, Request, StreamId,
    Timestamp, Undecodable, Version,
};
pub use email_claim::{
    EmailClaim, EmailClaimCommand, EmailClaimEvent, EmailClaimed, EmailReleased,
};
pub use ids::{CartId, CustomerId, OrderId, Sku};
pub use order::*;
pub use payment::{OrderPaid, Payment};
pub use product::*;
pub use registered::{CustomerRegistered, EmailChanged};
pub use rejection::Rejection;
pub use text::{BadText, Email, EmailDigest, Text};
