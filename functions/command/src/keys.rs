//! Which request was sent under which key, as far as this process has seen.
//!
//! A key is remembered by the stream that it was used on, in its commits. That it was used on
//! another stream cannot be known there, and one put cannot write it anywhere else (see
//! `docs/adr`). So a process also remembers the keys that it has accepted: a client that uses one
//! key for two things is told so, wherever both come to the same process.

use std::sync::Arc;

use chrono::TimeDelta;
use event_store::{Intent, Timestamp};
use quick_cache::sync::Cache;

/// For how long a key is remembered; commits remember it as long.
const MEMORY: TimeDelta = TimeDelta::hours(25);

/// How many keys one process remembers, of some 200 bytes each.
const MOST_KEYS: usize = 20_000;

/// The keys that this process has accepted.
#[derive(Clone, Debug)]
pub(crate) struct Keys(Arc<Cache<Owned, Used>>);

/// A key of a caller's.
type Owned = (String, String);

#[derive(Clone, Debug)]
struct Used {
    fingerprint: String,
    at: Timestamp,
}

impl Keys {
    /// No key is known.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Cache::new(MOST_KEYS)))
    }

    /// Whether the caller has sent another request under this key.
    pub(crate) fn were_used_otherwise(&self, intent: &Intent) -> bool {
        intent.keyed
            && self.0.get(&owned(intent)).is_some_and(|used| {
                used.fingerprint != intent.fingerprint && used.at + MEMORY >= intent.at
            })
    }

    /// The request was accepted.
    pub(crate) fn note(&self, intent: &Intent) {
        if intent.keyed {
            let used = Used { fingerprint: intent.fingerprint.clone(), at: intent.at };
            self.0.insert(owned(intent), used);
        }
    }
}

fn owned(intent: &Intent) -> Owned {
    (intent.actor.clone(), intent.key.clone())
}
