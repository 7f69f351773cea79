//! What the function is told by its environment.

use std::time::Duration;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use sqlx::{Executor, PgPool, postgres::PgPoolOptions};

/// A function instance answers one request at a time; the second connection reads the lag.
const MOST_CONNECTIONS: u32 = 2;

/// How long a request waits for a connection. With a token's longest wait and the statement
/// timeout it stays below the 29 seconds that the function has.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// The fewest bytes of a key.
const KEY_BYTES: usize = 32;

/// What every session is told. It can only read, and gives up on a statement after 5 seconds.
///
/// A plan fits the values that were asked for: of a filter that half of all orders pass and one
/// that none passes, a plan for both is wrong for one. A report sorts and hashes a year of orders,
/// which the usual 4 MB would do on disk. No arm moves between two pages of memory or flash, so a
/// page in any place costs about what the next one does. Compiling a plan to machine code takes
/// longer than it saves.
const SETTINGS: &str = "set default_transaction_read_only = on; set statement_timeout = '5s'; \
     set application_name = 'query'; set plan_cache_mode = force_custom_plan; \
     set work_mem = '32MB'; set random_page_cost = 1.1; set jit = off";

/// How a function instance holds its connections.
#[must_use]
pub fn sessions() -> PgPoolOptions {
    database::connections(MOST_CONNECTIONS).acquire_timeout(CONNECT_WITHIN)
}

/// Connects to the read model when the first query comes, as whoever the URL names. What the role
/// `millrace_reader` has as its own settings (`migrations/0006_roles.sql`), anybody else gets
/// here.
///
/// # Errors
/// When the URL is not one of Postgres.
pub fn connect(url: &str) -> Result<PgPool, sqlx::Error> {
    let options = sessions().after_connect(|connection, _| {
        Box::pin(async move { connection.execute(SETTINGS).await.map(|_| ()) })
    });
    options.connect_lazy(url)
}

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CURSOR_KEY must be at least {KEY_BYTES} bytes in hex or base64")]
pub struct BadCursorKey;

/// Reads the key that signs cursors: hex, or else base64 with either alphabet.
///
/// # Errors
/// [`BadCursorKey`] when it is neither, or too short.
pub fn cursor_key(text: &str) -> Result<Vec<u8>, BadCursorKey> {
    let text = text.trim();
    let base64 = || {
        let standard = STANDARD.decode(text);
        standard.or_else(|_| URL_SAFE_NO_PAD.decode(text.trim_end_matches('='))).ok()
    };
    let key = hex(text).or_else(base64);
    key.filter(|key| key.len() >= KEY_BYTES).ok_or(BadCursorKey)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16)?.try_into().ok()).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_key_comes_in_hex_or_base64() {
        assert_eq!(cursor_key(&"0aFf".repeat(16)), Ok([0x0a, 0xff].repeat(16)));
        let key: Vec<u8> = (200..232).collect();
        assert_eq!(cursor_key(&STANDARD.encode(&key)), Ok(key.clone()));
        assert_eq!(cursor_key(&URL_SAFE_NO_PAD.encode(&key)), Ok(key));
    }

    #[test]
    fn a_short_cursor_key_is_refused() {
        for text in ["", "secret", &"ab".repeat(31), &STANDARD.encode([1; 31]), "ü"] {
            assert_eq!(cursor_key(text), Err(BadCursorKey), "{text:?}");
        }
    }
}
