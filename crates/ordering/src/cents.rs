//! Amounts and quantities that cannot be wrong once they exist.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Rejection;

/// An amount of money in cents, never negative.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "i64", into = "i64")]
pub struct Cents(i64);

impl Cents {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount of `cents`.
    ///
    /// # Errors
    /// A text that says what is allowed, when it is negative.
    pub fn new(cents: i64) -> Result<Self, &'static str> {
        if cents < 0 { Err("an amount is not negative") } else { Ok(Self(cents)) }
    }

    /// The amount as a number of cents.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }

    /// This price for `quantity` pieces.
    ///
    /// # Errors
    /// [`Rejection::TotalTooLarge`] beyond what 64 bits hold.
    pub fn times(self, quantity: Quantity) -> Result<Self, Rejection> {
        let product = self.0.checked_mul(i64::from(quantity.get()));
        product.map(Self).ok_or(Rejection::TotalTooLarge)
    }

    /// The sum of both.
    ///
    /// # Errors
    /// [`Rejection::TotalTooLarge`] beyond what 64 bits hold.
    pub fn plus(self, other: Self) -> Result<Self, Rejection> {
        self.0.checked_add(other.0).map(Self).ok_or(Rejection::TotalTooLarge)
    }

    /// The sum, in a fold that must not fail; the decider refused what could overflow here.
    #[must_use]
    pub fn saturating_plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl TryFrom<i64> for Cents {
    type Error = &'static str;

    fn try_from(cents: i64) -> Result<Self, Self::Error> {
        Self::new(cents)
    }
}

impl From<Cents> for i64 {
    fn from(cents: Cents) -> Self {
        cents.0
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// A number of pieces, from 1 to [`Quantity::MOST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Quantity(u32);

impl Quantity {
    /// The most pieces of one product in one line, delivery or count.
    pub const MOST: u32 = 1_000_000;

    /// A number of pieces.
    ///
    /// # Errors
    /// A text that says what is allowed, when it is outside of that.
    pub fn new(pieces: i64) -> Result<Self, &'static str> {
        match u32::try_from(pieces) {
            Ok(pieces @ 1..=Self::MOST) => Ok(Self(pieces)),
            _ => Err("a quantity is from 1 to 1000000"),
        }
    }

    /// The number of pieces.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// Both together, if that is still a quantity.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        Self::new(i64::from(self.0) + i64::from(other.0)).ok()
    }
}

impl TryFrom<i64> for Quantity {
    type Error = &'static str;

    fn try_from(pieces: i64) -> Result<Self, Self::Error> {
        Self::new(pieces)
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        quantity.0.into()
    }
}
