//! A payment: what is asked for, and what is on record, in the two shapes that it has had.

use decider::Payload;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Cents, Currency, Text};

/// See [`OrderCommand::Pay`](crate::OrderCommand::Pay).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "What was paid.")]
pub struct Payment {
    /// What the payment provider calls it.
    pub payment_reference: Text<100>,
    /// What was paid, which is what the order costs.
    pub amount_cents: Cents,
}

/// See [`OrderEvent::Paid`](crate::OrderEvent::Paid).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderPaid {
    /// What the payment provider calls it.
    pub payment_reference: Text<100>,
    /// What was paid, which is what the order costs.
    pub amount_cents: Cents,
    /// In which currency: whoever books payments need not look the order up.
    pub currency: Currency,
}

/// [`OrderPaid`] as it was when there was one currency, and only the order said which.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderPaidV1 {
    payment_reference: Text<100>,
    amount_cents: Cents,
}

impl From<OrderPaidV1> for OrderPaid {
    fn from(old: OrderPaidV1) -> Self {
        let OrderPaidV1 { payment_reference, amount_cents } = old;
        Self { payment_reference, amount_cents, currency: Currency::Usd }
    }
}

impl Payload for OrderPaid {}
