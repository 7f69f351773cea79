//! Customers. What they bought is counted from the orders when it is asked for.

mod find;

pub use find::{Customer, find, is_known};
use ordering::{
    CustomerEvent, CustomerId, CustomerRegistered, Email, Personal, Text, Timestamp, Version,
};
use projection::{Table, row};
use uuid::Uuid;

use crate::{Happened, happened::bigint, words::joined};

/// What is shown instead of a name or an address that is no more.
pub const ERASED: &str = "erased";

row! {
    /// A customer.
    pub struct CustomerRow: loaded from "customer", owned by "customer" through id: "uuid";
    key {
        /// Who.
        id: Uuid = "uuid",
    }
    rest {
        /// What another system calls them.
        reference: Option<String> = "text",
        /// What to call them.
        name: String = "text",
        /// Where mail goes.
        email: String = "text",
        /// Since when.
        registered_at: Timestamp = "timestamptz",
        /// What a search finds them by.
        words: String = "text",
        /// The commit that this is as of.
        version: i64 = "bigint",
    }
}

/// Notes the commit that the row is as of; one without events moves that too.
pub(crate) fn as_of(rows: &mut Table<CustomerRow>, id: CustomerId, version: Version) {
    rows.update(&(id.0,), |row| row.version = bigint(version.0));
}

/// Folds one event of the customer `id` into their row.
pub(crate) fn evolve(
    rows: &mut Table<CustomerRow>,
    id: CustomerId,
    happened: &Happened<CustomerEvent>,
) {
    match &happened.event {
        CustomerEvent::Registered(registered) => rows.put(CustomerRow {
            id: id.0,
            reference: registered.reference.as_ref().and_then(Personal::known).map(Text::to_string),
            name: shown(&registered.name, Text::as_str),
            email: shown(&registered.email, Email::as_str),
            registered_at: happened.at,
            words: joined(registered.name.known().map(Text::as_str)),
            version: 0,
        }),
        CustomerEvent::EmailChanged(changed) => rows.update(&(id.0,), |row| {
            row.email = shown(&changed.email, Email::as_str);
        }),
        CustomerEvent::Erased(_) => rows.update(&(id.0,), |row| {
            (row.name, row.email) = (ERASED.to_owned(), ERASED.to_owned());
            (row.reference, row.words) = (None, String::new());
        }),
    }
}

/// Whether an event tells of somebody what nobody has revealed: then it is not to be folded.
pub(crate) fn is_sealed(event: &CustomerEvent) -> bool {
    match event {
        CustomerEvent::Registered(CustomerRegistered { name, email, reference, .. }) => {
            name.is_sealed()
                || email.is_sealed()
                || reference.as_ref().is_some_and(Personal::is_sealed)
        }
        CustomerEvent::EmailChanged(changed) => changed.email.is_sealed(),
        CustomerEvent::Erased(_) => false,
    }
}

fn shown<T>(value: &Personal<T>, text: impl Fn(&T) -> &str) -> String {
    value.known().map_or(ERASED, text).to_owned()
}
