//! Which requests a stream accepted: four bytes a commit, however long the stream is.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{Commit, Timestamp, Version};

/// For how many hours a stream remembers the requests that it accepted, at least.
pub const MEMORY_HOURS: i64 = 25;

/// How many commits are on one page.
pub const PAGE: u64 = 500;

/// What a commit without a request is marked with.
const UNMARKED: u32 = 0;

/// One mark a commit, in their order: 32 bits of a hash of its request's key.
///
/// A mark says where a request may have been accepted; the commit there says whether it was. So
/// two keys with the same mark cost a read and nothing else, and a mark needs no version beside
/// it: its place tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Marks(Vec<u32>);

/// The requests of the newest commits: those after the last full page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    marks: Marks,
    /// When the last full page was closed, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed_at: Option<Timestamp>,
}

/// The requests of [`PAGE`] commits: page `n` ends with version `n * PAGE`. It never changes, and
/// whoever lost it makes it anew from its commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Counts the pages of a stream from 1.
    pub number: u64,
    /// When its last commit was recorded.
    pub closed_at: Timestamp,
    marks: Marks,
}

impl Memory {
    /// Takes in the commit that follows.
    pub(crate) fn note(&mut self, commit: &Commit) {
        let place = place_on_page(commit.version);
        if place == 0 {
            self.marks.0.clear();
        }
        self.marks.0.push(mark(commit));
        if place + 1 == PAGE {
            self.closed_at = Some(commit.recorded_at);
        }
    }

    /// The commits at hand that may have accepted the request with this key, newest first.
    pub(crate) fn candidates(
        &self,
        newest: Version,
        key: &str,
    ) -> impl Iterator<Item = Version> + use<> {
        self.marks.find(Version(newest.0 - self.marks.0.len() as u64), key)
    }

    /// The page that `newest` has filled, if it has.
    pub(crate) fn filled(&self, newest: Version) -> Option<Page> {
        let filled = newest.0 > 0 && newest.0.is_multiple_of(PAGE);
        let closed_at = self.closed_at.filter(|_| filled)?;
        Some(Page { number: newest.0 / PAGE, closed_at, marks: self.marks.clone() })
    }

    /// The last page that is not at hand any more, if it was closed at `horizon` or later.
    pub(crate) fn last_page(&self, newest: Version, horizon: Timestamp) -> Option<u64> {
        let pages = newest.0.saturating_sub(1) / PAGE;
        // of a page that `newest` itself has just closed, this tells the time: it is later
        self.closed_at.filter(|closed_at| pages > 0 && *closed_at >= horizon).map(|_| pages)
    }

    /// Whether this belongs to a stream at `version`.
    pub(crate) fn fits(&self, version: Version) -> bool {
        let expected = if version == Version::NONE { 0 } else { place_on_page(version) + 1 };
        self.marks.0.len() as u64 == expected && (version.0 < PAGE || self.closed_at.is_some())
    }
}

impl Page {
    /// The page of these commits, in their order; `None` if they are not exactly a page.
    #[must_use]
    pub fn of(commits: &[Commit]) -> Option<Self> {
        let last = commits.last()?;
        let whole = commits.len() as u64 == PAGE && last.version.0.is_multiple_of(PAGE);
        let marks = Marks(commits.iter().map(mark).collect());
        whole.then_some(Self { number: last.version.0 / PAGE, closed_at: last.recorded_at, marks })
    }

    /// Whether there is a mark for every commit of the page.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.number > 0 && self.marks.0.len() as u64 == PAGE
    }

    /// The version before the first commit of page `number`.
    #[must_use]
    pub fn before(number: u64) -> Version {
        Version((number - 1) * PAGE)
    }

    /// The commits that may have accepted the request with this key, newest first.
    pub fn candidates(&self, key: &str) -> impl Iterator<Item = Version> + use<> {
        self.marks.find(Self::before(self.number), key)
    }
}

impl Marks {
    /// The versions with the mark of `key`, newest first; the first mark is of the version after
    /// `before`.
    fn find(&self, before: Version, key: &str) -> impl Iterator<Item = Version> + use<> {
        let wanted = mark_of(key);
        let marked = self.0.iter().enumerate().rev().filter(|(_, mark)| **mark == wanted);
        let versions = marked.map(|(place, _)| Version(before.0 + place as u64 + 1));
        versions.collect::<Vec<_>>().into_iter()
    }
}

/// The place of a commit on its page, from 0.
fn place_on_page(version: Version) -> u64 {
    (version.0 - 1) % PAGE
}

fn mark(commit: &Commit) -> u32 {
    commit.metadata.request.as_ref().map_or(UNMARKED, |request| mark_of(&request.key))
}

/// FNV-1a, of Fowler, Noll and Vo, over the bytes of the key. It is stored: never change it.
fn mark_of(key: &str) -> u32 {
    let hash = key
        .bytes()
        .fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    if hash == UNMARKED { 1 } else { hash }
}

impl From<Marks> for String {
    fn from(marks: Marks) -> Self {
        let bytes: Vec<u8> = marks.0.into_iter().flat_map(u32::to_be_bytes).collect();
        STANDARD_NO_PAD.encode(bytes)
    }
}

impl TryFrom<String> for Marks {
    type Error = BadMarks;

    fn try_from(text: String) -> Result<Self, BadMarks> {
        let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| BadMarks)?;
        let (marks, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(BadMarks);
        }
        Ok(Self(marks.iter().copied().map(u32::from_be_bytes).collect()))
    }
}

/// A text that is no row of marks.
#[derive(Debug, thiserror::Error)]
#[error("marks are four bytes each, in base64")]
struct BadMarks;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_were_written() {
        let marks = Marks(vec![1, 0xdead_beef, u32::MAX, UNMARKED]);
        let text = String::from(marks.clone());
        assert_eq!(text, "AAAAAd6tvu//////AAAAAA");
        assert_eq!(Marks::try_from(text).unwrap(), marks);
        for text in ["AAAA", "AAAAA?", "AAAAAd6tvu"] {
            assert!(Marks::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    /// As pages were written before: it reads as base64, and not as a page.
    #[test]
    fn a_page_in_hexadecimal_is_no_page() {
        let text = "deadbeef".repeat(PAGE as usize);
        let marks = Marks::try_from(text).unwrap();
        assert!(!Page { number: 1, closed_at: Timestamp::UNIX_EPOCH, marks }.is_whole());
    }
}
