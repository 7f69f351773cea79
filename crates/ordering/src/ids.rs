//! Who is who.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{BadText, StreamId};

/// A product's number in the shop: 1 to 64 letters, digits, `.`, `_` or `-`, and not only dots,
/// which a path cannot name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sku(String);

impl Sku {
    /// The sku as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The stream of this product.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        StreamId::new("product", &self.0).expect("a sku is short and has no control characters")
    }
}

impl TryFrom<String> for Sku {
    type Error = BadText;

    fn try_from(text: String) -> Result<Self, BadText> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let sound = (1..=64).contains(&text.len())
            && text.bytes().all(plain)
            && !text.bytes().all(|byte| byte == b'.');
        if sound { Ok(Self(text)) } else { Err(BadText::NotASku) }
    }
}

impl std::str::FromStr for Sku {
    type Err = BadText;

    fn from_str(text: &str) -> Result<Self, BadText> {
        text.to_owned().try_into()
    }
}

impl From<Sku> for String {
    fn from(sku: Sku) -> Self {
        sku.0
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident in $category:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The stream of that one.
            #[must_use]
            pub fn stream(self) -> StreamId {
                StreamId::new($category, self.0).expect("a uuid is a sound stream id")
            }

            /// The id that `seed` determines: the same seed names the same thing for ever.
            #[must_use]
            pub fn derived(seed: &str) -> Self {
                let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, $category.as_bytes());
                Self(Uuid::new_v5(&namespace, seed.as_bytes()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// A customer.
    CustomerId in "customer"
);
id!(
    /// A cart.
    CartId in "cart"
);
id!(
    /// An order.
    OrderId in "order"
);

impl CartId {
    /// The order that this cart becomes: a cart is checked out once, so the cart determines it.
    #[must_use]
    pub fn order(self) -> OrderId {
        OrderId::derived(&format!("cart {self}"))
    }
}

impl OrderId {
    /// The back-filled order with this reference: the same reference twice is one order.
    #[must_use]
    pub fn imported(reference: &str) -> Self {
        Self::derived(&format!("reference {reference}"))
    }
}
