//! A customer.

use decider::{Decider, Payload, events};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Email, Rejection, Text};

events! {
    /// What happens to a customer.
    pub enum CustomerEvent {
        /// Somebody became a customer.
        Registered(CustomerRegistered) = "CustomerRegistered", 1;
        /// Mail goes somewhere else from now on.
        EmailChanged(EmailChanged) = "EmailChanged", 1;
    }
}

/// See [`CustomerEvent::Registered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCustomer, description = "Somebody who is to buy here.")]
pub struct CustomerRegistered {
    /// What to call them.
    pub name: Text<200>,
    /// Where mail goes.
    pub email: Email,
    /// What another system calls them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text<100>>,
}

/// See [`CustomerEvent::EmailChanged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailChanged {
    /// Where mail goes now.
    pub email: Email,
}

impl Payload for CustomerRegistered {}
impl Payload for EmailChanged {}

/// A customer as the write side needs to know them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Customer {
    /// Nobody.
    #[default]
    Unknown,
    /// Somebody.
    Registered(Registered),
}

/// What decides about a registered customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Where mail goes.
    pub email: Email,
}

/// What can be asked of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomerCommand {
    /// Makes somebody a customer. The claim on the address is the other half of it.
    Register(CustomerRegistered),
    /// Moves their mail; the claims on both addresses are the other half of it.
    ChangeEmail(Email),
}

impl Customer {
    /// The customer, if there is one.
    ///
    /// # Errors
    /// [`Rejection::UnknownCustomer`].
    pub fn registered(&self) -> Result<&Registered, Rejection> {
        match self {
            Self::Unknown => Err(Rejection::UnknownCustomer),
            Self::Registered(registered) => Ok(registered),
        }
    }
}

impl Decider for Customer {
    const CATEGORY: &'static str = "customer";
    const SHAPE: u32 = 1;
    type Command = CustomerCommand;
    type Event = CustomerEvent;
    type Rejection = Rejection;

    fn decide(&self, command: CustomerCommand) -> Result<Vec<CustomerEvent>, Rejection> {
        match (self, command) {
            (Self::Unknown, CustomerCommand::Register(registered)) => Ok(vec![registered.into()]),
            (Self::Unknown, CustomerCommand::ChangeEmail(_)) => Err(Rejection::UnknownCustomer),
            (Self::Registered(_), CustomerCommand::Register(_)) => {
                Err(Rejection::AlreadyRegistered)
            }
            (Self::Registered(registered), CustomerCommand::ChangeEmail(email)) => {
                Ok(change_email(registered, email))
            }
        }
    }

    fn evolve(self, event: &CustomerEvent) -> Self {
        match (self, event) {
            (_, CustomerEvent::Registered(registered)) => {
                Self::Registered(Registered { email: registered.email.clone() })
            }
            (Self::Registered(_), CustomerEvent::EmailChanged(changed)) => {
                Self::Registered(Registered { email: changed.email.clone() })
            }
            (Self::Unknown, CustomerEvent::EmailChanged(_)) => Self::Unknown,
        }
    }
}

/// Another spelling of the same address is a change of the address as written, not of the claim.
fn change_email(registered: &Registered, email: Email) -> Vec<CustomerEvent> {
    if registered.email.as_str() == email.as_str() {
        return vec![];
    }
    vec![EmailChanged { email }.into()]
}
