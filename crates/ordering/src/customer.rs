//! A customer.

use decider::{Decider, Payload, events};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Email, EmailDigest, Rejection, Text,
    registered::{CustomerRegistered, CustomerRegisteredV1, EmailChanged, EmailChangedV1},
};

events! {
    /// What happens to a customer.
    pub enum CustomerEvent {
        /// Somebody became a customer.
        Registered(CustomerRegistered) = "CustomerRegistered", 2, from [CustomerRegisteredV1];
        /// Mail goes somewhere else from now on.
        EmailChanged(EmailChanged) = "EmailChanged", 2, from [EmailChangedV1];
        /// Who they were is forgotten. What they bought stays.
        Erased(CustomerErased) = "CustomerErased", 1;
    }
}

/// See [`CustomerEvent::Erased`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomerErased {}

impl Payload for CustomerErased {
    const ERASES: bool = true;
}

/// A customer as the write side needs to know them: nothing of it tells who they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Customer {
    /// Nobody.
    #[default]
    Unknown,
    /// Somebody.
    Registered(Registered),
    /// Somebody who was forgotten.
    Erased,
}

/// What decides about a registered customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Which address mail goes to.
    pub email: EmailDigest,
}

/// What can be asked of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomerCommand {
    /// Makes somebody a customer. The claim on the address is the other half of it.
    Register(NewCustomer),
    /// Moves their mail; the claims on both addresses are the other half of it.
    ChangeEmail(Email),
    /// Forgets who they are; the claim on the address is let go of with it.
    Erase,
}

/// See [`CustomerCommand::Register`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "Somebody who is to buy here.")]
pub struct NewCustomer {
    /// What to call them.
    pub name: Text<200>,
    /// Where mail goes.
    pub email: Email,
    /// What another system calls them.
    #[serde(default)]
    pub reference: Option<Text<100>>,
}

impl Customer {
    /// The customer, if there is one.
    ///
    /// # Errors
    /// [`Rejection::UnknownCustomer`] or [`Rejection::CustomerErased`].
    pub fn registered(&self) -> Result<&Registered, Rejection> {
        match self {
            Self::Unknown => Err(Rejection::UnknownCustomer),
            Self::Registered(registered) => Ok(registered),
            Self::Erased => Err(Rejection::CustomerErased),
        }
    }
}

impl Decider for Customer {
    const CATEGORY: &'static str = "customer";
    const SHAPE: u32 = 2;
    type Command = CustomerCommand;
    type Event = CustomerEvent;
    type Rejection = Rejection;

    fn decide(&self, command: CustomerCommand) -> Result<Vec<CustomerEvent>, Rejection> {
        match command {
            CustomerCommand::Register(customer) => register(self, customer),
            CustomerCommand::ChangeEmail(email) => Ok(change_email(self.registered()?, email)),
            CustomerCommand::Erase => erase(self),
        }
    }

    fn evolve(self, event: &CustomerEvent) -> Self {
        match (self, event) {
            (Self::Erased, _) | (_, CustomerEvent::Erased(_)) => Self::Erased,
            (_, CustomerEvent::Registered(registered)) => {
                Self::Registered(Registered { email: registered.digest.clone() })
            }
            (Self::Registered(_), CustomerEvent::EmailChanged(changed)) => {
                Self::Registered(Registered { email: changed.digest.clone() })
            }
            (Self::Unknown, CustomerEvent::EmailChanged(_)) => Self::Unknown,
        }
    }
}

fn register(customer: &Customer, new: NewCustomer) -> Result<Vec<CustomerEvent>, Rejection> {
    match customer {
        Customer::Unknown => Ok(vec![CustomerRegistered::from(new).into()]),
        Customer::Registered(_) => Err(Rejection::AlreadyRegistered),
        Customer::Erased => Err(Rejection::CustomerErased),
    }
}

/// Another spelling of the same address is a change of the address as written, not of the claim.
fn change_email(registered: &Registered, email: Email) -> Vec<CustomerEvent> {
    if registered.email == email.digest() {
        return vec![];
    }
    vec![EmailChanged::from(email).into()]
}

/// Erasing twice yields no event.
fn erase(customer: &Customer) -> Result<Vec<CustomerEvent>, Rejection> {
    match customer {
        Customer::Unknown => Err(Rejection::UnknownCustomer),
        Customer::Registered(_) => Ok(vec![CustomerErased {}.into()]),
        Customer::Erased => Ok(vec![]),
    }
}
