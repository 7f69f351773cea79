//! Customers. What they bought is counted from the orders when it is asked for.

mod find;

pub use find::{Customer, find, is_known};
use ordering::{CustomerEvent, CustomerId, Timestamp, Version};
use projection::{Table, row};
use uuid::Uuid;

use crate::{Happened, happened::bigint, words::joined};

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
            reference: registered.reference.as_ref().map(ToString::to_string),
            name: registered.name.to_string(),
            email: registered.email.as_str().to_owned(),
            registered_at: happened.at,
            words: joined([registered.name.as_str()]),
            version: 0,
        }),
        CustomerEvent::EmailChanged(changed) => rows.update(&(id.0,), |row| {
            row.email = changed.email.as_str().to_owned();
        }),
    }
}
