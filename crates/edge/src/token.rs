//! The consistency token: the write that a reader wants to see.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use decider::{StreamId, Version};
use sha2::{Digest, Sha256};

/// The longest token, in bytes: a checkout of 98 products is within it.
const MOST_BYTES: usize = 16 * 1024;

/// Bytes of the digest that tells a token that was cut or changed.
const CHECK_BYTES: usize = 4;

/// The streams that a command wrote to, with the versions that they had then. Opaque to callers.
///
/// It grants nothing, so it is not signed: it only makes a query wait, and is checked for damage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsistencyToken {
    /// Each stream with the version to wait for.
    pub writes: Vec<(StreamId, Version)>,
}

/// A text that is no token of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a consistency token that this API gave")]
pub struct BadToken;

impl fmt::Display for ConsistencyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.writes.iter().map(|(stream, version)| format!("{stream} {version}"));
        let text = words.collect::<Vec<_>>().join("\n");
        let mut bytes = Sha256::digest(&text)[..CHECK_BYTES].to_vec();
        bytes.extend(text.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl std::str::FromStr for ConsistencyToken {
    type Err = BadToken;

    fn from_str(token: &str) -> Result<Self, BadToken> {
        if token.len() > MOST_BYTES {
            return Err(BadToken);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken)?;
        let (check, text) = bytes.split_at_checked(CHECK_BYTES).ok_or(BadToken)?;
        if Sha256::digest(text)[..CHECK_BYTES] != *check {
            return Err(BadToken);
        }
        let text = std::str::from_utf8(text).map_err(|_| BadToken)?;
        let write = |line: &str| {
            let (stream, version) = line.split_once(' ')?;
            Some((stream.parse().ok()?, Version(version.parse().ok()?)))
        };
        let writes = text.lines().map(write).collect::<Option<Vec<_>>>().ok_or(BadToken)?;
        Ok(Self { writes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_what_was_written() {
        let writes = vec![
            ("cart-1".parse().unwrap(), Version(3)),
            ("product-A-1".parse().unwrap(), Version(1_000_000)),
        ];
        let token = ConsistencyToken { writes };
        assert_eq!(token.to_string().parse(), Ok(token));
    }

    #[test]
    fn a_token_that_was_changed_is_refused() {
        let writes = vec![("order-1".parse().unwrap(), Version(1))];
        let token = ConsistencyToken { writes }.to_string();
        let cut = &token[..token.len() - 1];
        let forged = URL_SAFE_NO_PAD.encode("0000order-1 9");
        let long = "A".repeat(MOST_BYTES + 1);
        for bad in ["", "x", "ä", cut, forged.as_str(), long.as_str()] {
            assert_eq!(bad.parse::<ConsistencyToken>(), Err(BadToken), "{bad:.20}");
        }
    }
}
