//! Words that people typed.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::StreamId;

/// A text that is not one of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Empty, or longer than allowed.
    #[error("must have 1 to {0} characters")]
    Length(usize),
    /// Holds a control character, which neither a row nor a terminal should meet.
    #[error("must not hold control characters")]
    Control,
    /// Not an address.
    #[error("is not an email address")]
    NotAnEmail,
    /// Not a sku.
    #[error("must be 1 to 64 letters, digits, '.', '_' or '-', and not only dots")]
    NotASku,
}

/// One line of text with at most `MOST` characters: a name, a reason, a reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const MOST: usize = 200>(String);

impl<const MOST: usize> Text<MOST> {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MOST: usize> TryFrom<String> for Text<MOST> {
    type Error = BadText;

    fn try_from(text: String) -> Result<Self, BadText> {
        if text.chars().any(char::is_control) {
            return Err(BadText::Control);
        }
        let sound = !text.trim().is_empty() && text.chars().count() <= MOST;
        if sound { Ok(Self(text)) } else { Err(BadText::Length(MOST)) }
    }
}

impl<const MOST: usize> From<Text<MOST>> for String {
    fn from(text: Text<MOST>) -> Self {
        text.0
    }
}

impl<const MOST: usize> fmt::Display for Text<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An email address, as typed; two that differ in case only are the same address.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// RFC 5321, 4.5.3.1.3: a path has at most 256 octets, with the angle brackets.
    pub const MOST: usize = 254;

    /// The address as typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What may be known of this address where it is sealed.
    #[must_use]
    pub fn digest(&self) -> EmailDigest {
        let claim = hex(&self.0.to_lowercase());
        EmailDigest { claim, spelling: hex(&self.0)[..16].to_owned() }
    }

    /// The stream that says who holds this address: named by a digest, so that no name of a
    /// stream tells an address.
    #[must_use]
    pub fn claim_stream(&self) -> StreamId {
        self.digest().claim_stream()
    }
}

/// Of an address as much as decides who may have it and whether it was written differently. It
/// does not tell the address, only whether a guess is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailDigest {
    /// SHA-256 of the address in lower case, in hex: the id of the claim on it.
    claim: String,
    /// 64 bits of SHA-256 of the address as typed, in hex.
    spelling: String,
}

impl EmailDigest {
    /// The stream that says who holds the address.
    ///
    /// # Panics
    /// Never: what is read is a digest of ours, and it is short.
    #[must_use]
    pub fn claim_stream(&self) -> StreamId {
        StreamId::new("email", &self.claim).expect("a digest in hex is a sound stream id")
    }
}

fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_lowercase() == other.0.to_lowercase()
    }
}

impl Eq for Email {}

impl TryFrom<String> for Email {
    type Error = BadText;

    fn try_from(text: String) -> Result<Self, BadText> {
        let (local, domain) = text.rsplit_once('@').ok_or(BadText::NotAnEmail)?;
        let odd = |c: char| c.is_whitespace() || c.is_control() || c == '@';
        let sound = !local.is_empty()
            && domain.len() >= 3
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !local.chars().any(odd)
            && !domain.chars().any(odd)
            && text.len() <= Self::MOST;
        if sound { Ok(Self(text)) } else { Err(BadText::NotAnEmail) }
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(text: &str) -> Result<Email, BadText> {
        Email::try_from(text.to_owned())
    }

    #[test]
    fn an_address_is_claimed_whatever_its_case() {
        let (typed, shouted) =
            (email("Ann@Example.com").unwrap(), email("ANN@EXAMPLE.COM").unwrap());
        assert_eq!(typed, shouted);
        assert_eq!(typed.claim_stream(), shouted.claim_stream());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "ann", "@example.com", "ann@", "ann@com", "a b@example.com", "a@b@c.d", "a@.bc"]
        {
            assert_eq!(email(text), Err(BadText::NotAnEmail), "{text:?}");
        }
    }

    #[test]
    fn a_text_is_neither_blank_nor_long_nor_holds_a_nul() {
        let text = |text: &str| Text::<5>::try_from(text.to_owned()).map(String::from);
        assert_eq!(text("JALAP"), Ok("JALAP".to_owned()));
        assert_eq!(text("ÑÑÑÑÑ"), Ok("ÑÑÑÑÑ".to_owned()));
        assert_eq!(text("  "), Err(BadText::Length(5)));
        assert_eq!(text("123456"), Err(BadText::Length(5)));
        assert_eq!(text("a\u{0}b"), Err(BadText::Control));
    }
}
