//! A sample that is pinned stays as it is, for ever.
//!
//! `samples.sha256` has the digest of every sample. A new sample gets a new line, and no line ever
//! changes or goes: where git is there, its history is held against the list, and where it is not,
//! the list against the samples. `cd crates/ordering/tests/samples && sha256sum OrderPaid.v2.json
//! >>../samples.sha256` pins one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
};

use ordering::{
    CartEvent, CustomerEvent, EmailClaimEvent, Event, OrderEvent, OrderPaid, ProductEvent,
    RecordedEvent,
};
use sha2::{Digest, Sha256};

/// Where the list is, seen from the root of the repository.
const LIST: &str = "crates/ordering/tests/samples.sha256";

fn tests() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Digests by file name, as `sha256sum` writes them.
fn listed(list: &str) -> BTreeMap<String, String> {
    let line = |line: &str| {
        let (digest, name) = line.split_once("  ").expect("a digest, two blanks and a name");
        (name.to_owned(), digest.to_owned())
    };
    let found: BTreeMap<_, _> = list.lines().map(line).collect();
    assert_eq!(found.len(), list.lines().count(), "a sample has one line");
    found
}

fn pinned() -> BTreeMap<String, String> {
    listed(&fs::read_to_string(tests().join("samples.sha256")).expect("the list is there"))
}

fn samples() -> BTreeMap<String, String> {
    let folder = fs::read_dir(tests().join("samples")).expect("the samples are there");
    let digested = folder.map(|entry| {
        let path = entry.expect("an entry").path();
        let digest = Sha256::digest(fs::read(&path).expect("a sample can be read"));
        let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        (name.to_owned(), digest)
    });
    digested.collect()
}

#[test]
fn no_sample_is_changed_removed_or_left_out_of_the_list() {
    assert_eq!(samples(), pinned());
}

#[test]
fn every_version_of_every_event_has_a_sample() {
    let kinds = [
        ProductEvent::KINDS,
        CustomerEvent::KINDS,
        EmailClaimEvent::KINDS,
        CartEvent::KINDS,
        OrderEvent::KINDS,
    ];
    let versions = |(name, current): &(&str, u32)| {
        let name = (*name).to_owned();
        (1..=*current).map(move |version| format!("{name}.v{version}.json"))
    };
    let expected: BTreeSet<String> = kinds.concat().iter().flat_map(versions).collect();
    assert_eq!(samples().into_keys().collect::<BTreeSet<_>>(), expected);
}

/// Every commit that touched the list or a sample, release or not: what once was committed may be
/// in somebody's table.
#[test]
fn no_line_of_the_list_was_ever_changed() {
    let now = pinned();
    let shallow = git(&["rev-parse", "--is-shallow-repository"]);
    let history = git(&["log", "--format=%H", "--", LIST]);
    let (Some("false"), Some(commits)) = (shallow.as_deref().map(str::trim), history) else {
        eprintln!("there is no whole history of git here: only the list was held to the samples");
        return;
    };
    for commit in commits.lines() {
        let then = git(&["show", &format!("{commit}:{LIST}")]).expect("a list that was committed");
        for (name, digest) in listed(&then) {
            assert_eq!(now.get(&name), Some(&digest), "{name} was pinned in {commit}");
        }
    }
    let folder = LIST.trim_end_matches(".sha256");
    let rewritten =
        git(&["log", "--format=%h", "--name-status", "--diff-filter=MDRT", "--", folder]);
    assert_eq!(rewritten.as_deref(), Some(""), "commits that changed or removed a sample");
}

/// What git says in the root of the repository; nothing where there is no git, or no history.
fn git(arguments: &[&str]) -> Option<String> {
    let root = tests().join("../../..");
    let said = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    said.status.success().then(|| String::from_utf8(said.stdout).expect("git writes UTF-8"))
}

/// Of the time when nothing was sealed: readable as ever.
#[test]
fn a_plain_customer_is_read_like_one_of_today() {
    for (before, today) in
        [("CustomerRegistered.v1", "CustomerRegistered.v2"), ("EmailChanged.v1", "EmailChanged.v2")]
    {
        let [before, today] = [before, today].map(|file| {
            let path = tests().join(format!("samples/{file}.json"));
            let recorded = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
            CustomerEvent::read(&recorded).expect("it is about a customer")
        });
        assert_eq!(before, today);
    }
}

/// The payments of the time when only the order said what currency it was.
#[test]
fn a_payment_without_a_currency_was_in_dollars() {
    let stored = fs::read_to_string(tests().join("samples/OrderPaid.v1.json")).unwrap();
    let recorded: RecordedEvent = serde_json::from_str(&stored).unwrap();
    let Ok(OrderEvent::Paid(OrderPaid { payment_reference, amount_cents, currency })) =
        OrderEvent::read(&recorded)
    else {
        panic!("it is a payment");
    };
    assert_eq!(payment_reference.as_str(), "pay-1");
    assert_eq!((amount_cents.get(), currency.code()), (1_750, "USD"));
}
