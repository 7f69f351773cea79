//! Reads what is logged while the tests run, line by line, and ends the test on the first line that
//! tells of a person or holds a secret: an address, a token, a password, or a value that a test has
//! sent as somebody's name, or as a key.
//!
//! [`watch`] does it for this process, [`read`] for what another one has written. It knows neither
//! the shop nor a store: what is personal in a request is for the kits to [`note`].

mod marks;

use std::{
    collections::BTreeSet,
    io::{Result, Write},
    process::exit,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use marks::{address, password, token};
use tracing_subscriber::EnvFilter;

/// All that we ever log, and of libraries what they log when deployed.
const LEVEL: &str = "info,dynoxide=error,command=trace,query=trace,projector=trace,migrate=trace,\
                         edge=trace,event_store=trace,personal_data=trace,projection=trace,\
                         ordering_views=trace,database=trace,telemetry=trace,local_stack=trace";

/// What is logged when deployed.
const LEVEL_UNWATCHED: &str = "info,dynoxide=error";

/// Shorter values, and parts of a name, are in lines that tell nothing.
const LEAST: usize = 3;
const LEAST_OF_A_PART: usize = 5;

/// How a process ends whose tests have failed.
const FAILED: i32 = 101;

/// What no line may hold, so far.
static NOTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

static AWAY: AtomicBool = AtomicBool::new(false);

/// Reads and notes nothing from here on: for whoever measures how long something takes.
pub fn look_away() {
    AWAY.store(true, Ordering::Relaxed);
}

/// Whether nothing is read.
#[must_use]
pub fn is_away() -> bool {
    AWAY.load(Ordering::Relaxed)
}

/// What other processes are to log, as `RUST_LOG`.
#[must_use]
pub fn level() -> &'static str {
    if is_away() { LEVEL_UNWATCHED } else { LEVEL }
}

/// Reads every line that this process logs from here on.
pub fn watch() {
    if is_away() {
        return;
    }
    static WATCHED: OnceLock<()> = OnceLock::new();
    WATCHED.get_or_init(|| {
        let lines = tracing_subscriber::fmt().json().with_env_filter(EnvFilter::new(LEVEL));
        // somebody who logs on their own account has their lines read as another process's
        drop(lines.with_writer(|| Reader).try_init());
    });
}

/// From here on, a line with this value in it ends the test.
pub fn note(value: &str) {
    if !is_away() && value.chars().count() >= LEAST && value.contains(char::is_alphabetic) {
        noted().insert(value.to_owned());
    }
}

/// From here on, a line with this name in it ends the test; so does one with a part of the name, or
/// with either as words are searched for: in lower case.
pub fn note_name(name: &str) {
    let parts = name.split_whitespace().filter(|part| part.chars().count() >= LEAST_OF_A_PART);
    let parts = parts.filter(|part| part.starts_with(char::is_uppercase));
    for told in std::iter::once(name).chain(parts) {
        note(told);
        note(&told.to_lowercase());
    }
}

fn noted() -> MutexGuard<'static, BTreeSet<String>> {
    NOTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads what another process has logged.
pub fn read(log: &str) {
    if is_away() {
        return;
    }
    let found = log.lines().find_map(|line| fault(line).map(|fault| (line, fault)));
    if let Some((line, fault)) = found {
        // past whatever captures the output of a test, as nobody would get to see it
        drop(writeln!(std::io::stderr(), "the log holds {fault}: {line}"));
        exit(FAILED);
    }
}

/// What is wrong with a line.
#[must_use]
pub fn fault(line: &str) -> Option<String> {
    if let Some(address) = address(line) {
        return Some(format!("the address {address}"));
    }
    if token(line) {
        return Some("a token".to_owned());
    }
    if password(line) {
        return Some("a password".to_owned());
    }
    noted().iter().find(|value| marks::holds(line, value)).map(|value| format!("{value:?}"))
}

/// What the subscriber writes a line to.
struct Reader;

impl Write for Reader {
    fn write(&mut self, line: &[u8]) -> Result<usize> {
        read(&String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_tells_of_a_person_is_found() {
        note_name("Zebulon Quartermaine");
        note("ann");
        for line in [
            "registered Zebulon Quartermaine",
            r#"{"message":"no such customer","who":"Quartermaine"}"#,
            "greetings to ann",
            "searched for quartermaine",
            "searched for zebulon quartermaine & son",
            "mail to zeb@quartermaine.example bounced",
            "GET /customers?email=zeb%40quarter.example",
            "authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIi",
            "connecting to postgres://millrace:hunter2@127.0.0.1:5432/shop",
        ] {
            assert!(fault(line).is_some(), "{line}");
        }
    }

    #[test]
    fn a_line_that_tells_of_nobody_is_not() {
        note("ann");
        note("x");
        note("42");
        for line in [
            "the command cannot be announced, Ann Arbor",
            "x is 42",
            "dynoxide@0.9.3 at postgres://127.0.0.1:5432/shop",
            "http://127.0.0.1:9000 is up, as of 2026-11-21T00:00:00Z @ home",
            "keyJack",
            "%40",
            "100%40.5",
        ] {
            assert_eq!(fault(line), None, "{line}");
        }
    }
}
