//! Cursors: a place in a list, signed, so that it comes back as it was given and where it belongs.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Serialize, de::DeserializeOwned};
use sha2::Sha256;

/// The layout of a cursor: this byte, the tag, the place as JSON. It is signed as well, so a
/// cursor of another layout is refused and not misread.
const VERSION: u8 = 1;

/// Bytes of the tag: HMAC-SHA256 cut to 128 bits (RFC 2104, section 5).
const TAG_BYTES: usize = 16;

/// The longest cursor, in bytes: the longest name in JSON in base64 is within it.
const MOST_BYTES: usize = 4096;

/// What signs cursors.
#[derive(Clone)]
pub struct CursorKey {
    keyed: Hmac<Sha256>,
}

/// A text that is no cursor of this list, its filters, its sort and its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this list, its filters, its sort and this caller")]
pub struct BadCursor;

impl CursorKey {
    /// A key of at least 32 random bytes.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        let keyed = Hmac::new_from_slice(key).expect("an HMAC takes a key of any length");
        Self { keyed }
    }

    /// The cursor for a place in a list. `list` is all that must be the same when it comes back:
    /// which list, for whom, filtered and sorted how.
    pub fn seal(&self, list: &impl Serialize, place: &impl Serialize) -> String {
        let place = json(place);
        let tag = self.tag(list, &place).finalize().into_bytes();
        let mut bytes = vec![VERSION];
        bytes.extend(&tag[..TAG_BYTES]);
        bytes.extend(place);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place that a cursor of `list` stands for.
    ///
    /// # Errors
    /// [`BadCursor`] when it was changed, or made for another list.
    pub fn open<P: DeserializeOwned>(
        &self,
        list: &impl Serialize,
        cursor: &str,
    ) -> Result<P, BadCursor> {
        if cursor.len() > MOST_BYTES {
            return Err(BadCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| BadCursor)?;
        let (version, bytes) = bytes.split_first().ok_or(BadCursor)?;
        let (tag, place) = bytes.split_at_checked(TAG_BYTES).ok_or(BadCursor)?;
        if *version != VERSION {
            return Err(BadCursor);
        }
        self.tag(list, place).verify_truncated_left(tag).map_err(|_| BadCursor)?;
        serde_json::from_slice(place).map_err(|_| BadCursor)
    }

    /// The length goes in between: no list and place look like another pair put together.
    fn tag(&self, list: &impl Serialize, place: &[u8]) -> Hmac<Sha256> {
        let list = json(list);
        let mac = self.keyed.clone().chain_update([VERSION]);
        let mac = mac.chain_update((list.len() as u64).to_be_bytes());
        mac.chain_update(list).chain_update(place)
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(..)")
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("filters and places have string keys and no floats")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: (&str, &str, i64) = ("orders", "ann", 5);

    fn key() -> CursorKey {
        CursorKey::new(&[7; 32])
    }

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let cursor = key().seal(&LIST, &("Zürich", 3));
        assert_eq!(key().open(&LIST, &cursor), Ok(("Zürich".to_owned(), 3)));
    }

    #[test]
    fn a_cursor_serves_its_own_list_and_caller_only() {
        let cursor = key().seal(&LIST, &1);
        let open = |key: &CursorKey, list| key.open::<i64>(&list, &cursor);
        assert_eq!(open(&key(), ("orders", "bob", 5)), Err(BadCursor));
        assert_eq!(open(&key(), ("orders", "ann", 6)), Err(BadCursor));
        assert_eq!(open(&key(), ("products", "ann", 5)), Err(BadCursor));
        assert_eq!(open(&CursorKey::new(&[8; 32]), LIST), Err(BadCursor));
    }

    #[test]
    fn a_changed_cursor_is_refused_whichever_byte_it_is() {
        let cursor = key().seal(&LIST, &(12, "x"));
        let bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        for place in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[place] ^= 1;
            let forged = URL_SAFE_NO_PAD.encode(forged);
            assert_eq!(key().open::<(i64, String)>(&LIST, &forged), Err(BadCursor), "{place}");
        }
        let long = "A".repeat(MOST_BYTES + 1);
        for text in ["", "A", "AQ", "ä", "{}", &cursor[1..], &format!("{cursor}A"), &long] {
            assert_eq!(key().open::<(i64, String)>(&LIST, text), Err(BadCursor), "{text:.40}");
        }
    }
}
