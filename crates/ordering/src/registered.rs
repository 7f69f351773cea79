//! What is on record of who a customer is, in the two shapes that it has had.

use decider::{Payload, Personal};
use serde::{Deserialize, Serialize};

use crate::{Email, EmailDigest, NewCustomer, Text};

/// See [`CustomerEvent::Registered`](crate::CustomerEvent::Registered).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomerRegistered {
    /// What to call them.
    pub name: Personal<Text<200>>,
    /// Where mail goes.
    pub email: Personal<Email>,
    /// What the write side knows of the address: it decides without revealing anything.
    pub digest: EmailDigest,
    /// What another system calls them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Personal<Text<100>>>,
}

/// See [`CustomerEvent::EmailChanged`](crate::CustomerEvent::EmailChanged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailChanged {
    /// Where mail goes now.
    pub email: Personal<Email>,
    /// What the write side knows of the address.
    pub digest: EmailDigest,
}

impl From<NewCustomer> for CustomerRegistered {
    fn from(new: NewCustomer) -> Self {
        let NewCustomer { name, email, reference } = new;
        let (digest, reference) = (email.digest(), reference.map(Personal::from));
        Self { name: name.into(), email: email.into(), digest, reference }
    }
}

impl From<Email> for EmailChanged {
    fn from(email: Email) -> Self {
        Self { digest: email.digest(), email: email.into() }
    }
}

impl Payload for CustomerRegistered {
    const PERSONAL: &'static [&'static str] = &["name", "email", "reference"];
}

impl Payload for EmailChanged {
    const PERSONAL: &'static [&'static str] = &["email"];
}

/// [`CustomerRegistered`] as it was when nothing was sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomerRegisteredV1 {
    name: Text<200>,
    email: Email,
    #[serde(default)]
    reference: Option<Text<100>>,
}

impl From<CustomerRegisteredV1> for CustomerRegistered {
    fn from(old: CustomerRegisteredV1) -> Self {
        let CustomerRegisteredV1 { name, email, reference } = old;
        NewCustomer { name, email, reference }.into()
    }
}

/// [`EmailChanged`] as it was when nothing was sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailChangedV1 {
    email: Email,
}

impl From<EmailChangedV1> for EmailChanged {
    fn from(old: EmailChangedV1) -> Self {
        old.email.into()
    }
}
