//! One email address and who holds it: uniqueness is a stream of its own, and the condition on
//! its next commit is the lock.

use decider::{Decider, Payload, events};
use serde::{Deserialize, Serialize};

use crate::{CustomerId, Rejection};

events! {
    /// What happens to an address.
    pub enum EmailClaimEvent {
        /// A customer took it.
        Claimed(EmailClaimed) = "EmailClaimed", 1;
        /// It is free again.
        Released(EmailReleased) = "EmailReleased", 1;
    }
}

/// See [`EmailClaimEvent::Claimed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailClaimed {
    /// Who holds it now.
    pub customer_id: CustomerId,
}

/// See [`EmailClaimEvent::Released`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailReleased {}

impl Payload for EmailClaimed {}
impl Payload for EmailReleased {}

/// Who holds an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EmailClaim {
    /// Nobody.
    #[default]
    Free,
    /// One customer.
    Held(CustomerId),
}

/// What can be asked of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailClaimCommand {
    /// Takes it for a customer.
    Claim(CustomerId),
    /// Frees it, if it is that customer's.
    Release(CustomerId),
}

impl Decider for EmailClaim {
    const CATEGORY: &'static str = "email";
    const SHAPE: u32 = 1;
    type Command = EmailClaimCommand;
    type Event = EmailClaimEvent;
    type Rejection = Rejection;

    fn decide(&self, command: EmailClaimCommand) -> Result<Vec<EmailClaimEvent>, Rejection> {
        match (self, command) {
            (Self::Free, EmailClaimCommand::Claim(customer_id)) => {
                Ok(vec![EmailClaimed { customer_id }.into()])
            }
            (Self::Held(holder), EmailClaimCommand::Claim(customer)) if *holder == customer => {
                Ok(vec![])
            }
            (Self::Held(_), EmailClaimCommand::Claim(_)) => Err(Rejection::EmailTaken),
            (Self::Held(holder), EmailClaimCommand::Release(customer)) if *holder == customer => {
                Ok(vec![EmailReleased {}.into()])
            }
            (Self::Free | Self::Held(_), EmailClaimCommand::Release(_)) => Ok(vec![]),
        }
    }

    fn evolve(self, event: &EmailClaimEvent) -> Self {
        match event {
            EmailClaimEvent::Claimed(claimed) => Self::Held(claimed.customer_id),
            EmailClaimEvent::Released(_) => Self::Free,
        }
    }
}
