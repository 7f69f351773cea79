//! What somebody does to the table after a history was made: redactions, erasures, expiry.

use std::collections::BTreeMap;

use ordering::*;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

/// How many commits are rewritten, and how many streams removed.
const REWRITTEN: usize = 5;
const REMOVED: usize = 5;

/// A change of what is in the table.
#[derive(Clone, Debug)]
pub enum Later {
    /// A commit is there in place of the one at its key.
    Rewritten(Box<Commit>),
    /// These commits of one stream go, one by one; perhaps not all of them yet.
    Removed { gone: Vec<Commit>, expired: bool },
}

/// What is done to a history: anything twice, and some of it to the same streams.
pub fn to_a_shop(seed: u64, commits: &[Commit]) -> Vec<Later> {
    let mut random = StdRng::seed_from_u64(seed ^ 0x5eed);
    let mut streams: BTreeMap<&StreamId, Vec<Commit>> = BTreeMap::new();
    for commit in commits {
        streams.entry(&commit.stream).or_default().push(commit.clone());
    }
    let mut later = Vec::new();
    for _ in 0..REWRITTEN {
        let commit = commits.choose(&mut random).expect("a history has commits");
        later.push(Later::Rewritten(Box::new(redacted(commit))));
    }
    let streams: Vec<_> = streams.into_values().collect();
    let removed: Vec<_> = streams.sample(&mut random, REMOVED).cloned().collect();
    for mut gone in removed {
        if random.random_bool(0.5) {
            gone.reverse();
        }
        gone.truncate(random.random_range(1..=gone.len()));
        let expired = gone[0].stream.category() == Cart::CATEGORY;
        later.push(Later::Removed { gone, expired });
    }
    later
}

/// The same commit, without who did it, and with less in it.
fn redacted(commit: &Commit) -> Commit {
    let mut commit = commit.clone();
    commit.metadata.actor = "redacted".to_owned();
    for event in &mut commit.events {
        let mut data: Value = serde_json::from_str(&event.data).expect("a payload is JSON");
        if data.get("email").is_some() {
            data["email"] = json!("redacted@example.com");
        }
        if data.get("name").is_some() {
            data["name"] = json!("redacted");
        }
        let is_made = event.name == "OrderPlaced" || event.name == "OrderImported";
        if is_made && let Some(line) = data["lines"].get_mut(0) {
            line["quantity"] = json!(7);
        }
        event.data = data.to_string();
    }
    commit
}
