//! Keys of entries, and ranges of them.

use std::fmt;
use std::sync::Arc;

use crate::limits::MAX_KEY_BYTES;

/// Stands between partition and rest of a key. A partition cannot contain it, the rest can.
pub const SEPARATOR: char = ':';

/// The separator's successor: the end of a partition's keys.
const AFTER_SEPARATOR: u8 = b':' + 1;

/// The key of an entry: `partition:rest`, at most [`MAX_KEY_BYTES`] bytes of UTF-8, ordered bytewise.
///
/// The partition is what objects' names tell and what `changes` and `head` ask for: entries that are read together
/// belong into one. It may have several components by convention, joined by `/`: `post`, `dm/bob`. All keys of one
/// partition lie next to each other, in the order of their rest.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// The key of `rest` in `partition`. The rest may be empty: a partition of one entry.
    ///
    /// # Errors
    /// When the partition is empty or contains the separator, or the key is too long.
    pub fn new(partition: &str, rest: &str) -> Result<Self, KeyError> {
        if partition.contains(SEPARATOR) {
            return Err(KeyError::SeparatorInPartition);
        }
        Self::parse(&format!("{partition}{SEPARATOR}{rest}"))
    }

    /// Reads a whole key.
    ///
    /// # Errors
    /// When there is no separator or nothing before it, or the key is too long.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.len() > MAX_KEY_BYTES {
            return Err(KeyError::TooLong { bytes: text.len() });
        }
        match text.find(SEPARATOR) {
            None => Err(KeyError::NoSeparator),
            Some(0) => Err(KeyError::EmptyPartition),
            Some(_) => Ok(Self(Arc::from(text))),
        }
    }

    /// A text that is known to be a key.
    pub(crate) fn of_checked(text: &str) -> Self {
        debug_assert!(Self::parse(text).is_ok(), "{text:?}");
        Self(Arc::from(text))
    }

    /// The whole key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first separator.
    pub fn partition(&self) -> &str {
        partition_of(&self.0)
    }

    /// What stands behind the first separator.
    pub fn rest(&self) -> &str {
        self.0.get(self.partition().len() + SEPARATOR.len_utf8()..).unwrap_or_default()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The partition of a key's text; all of it when there is no separator.
pub(crate) fn partition_of(key: &str) -> &str {
    key.split(SEPARATOR).next().unwrap_or_default()
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", self.as_str())
    }
}

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing separates partition and rest.
    #[error("a key needs a '{SEPARATOR}' between partition and rest, got none")]
    NoSeparator,
    /// The partition is empty.
    #[error("a key needs a partition, got an empty one")]
    EmptyPartition,
    /// The partition contains the separator.
    #[error("a partition must not contain '{SEPARATOR}'")]
    SeparatorInPartition,
    /// Longer than [`MAX_KEY_BYTES`].
    #[error("a key has at most {MAX_KEY_BYTES} bytes, got {bytes}")]
    TooLong {
        /// Bytes of the refused key.
        bytes: usize,
    },
}

/// A half-open range of keys.
///
/// Within one partition it is read with the fewest gets; the ranges that reach over several are for rare work.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Range {
    /// First key inside.
    start: Vec<u8>,
    /// First key behind the end. Bytes, for the successor of a prefix need not be UTF-8.
    end: Vec<u8>,
    /// The partition that all of it lies in, when it is one.
    partition: Option<String>,
}

impl Range {
    /// Everything in `partition`.
    pub fn partition(partition: &str) -> Self {
        Self::prefix(partition, "")
    }

    /// The keys of `partition` whose rest begins with `prefix`.
    pub fn prefix(partition: &str, prefix: &str) -> Self {
        let start = format!("{partition}{SEPARATOR}{prefix}").into_bytes();
        let end = successor_of_prefix(&start);
        Self { start, end, partition: Some(partition.to_owned()) }
    }

    /// Exactly one key.
    pub fn key(key: &Key) -> Self {
        let start = key.as_bytes().to_vec();
        let end = after(&start);
        Self { start, end, partition: Some(key.partition().to_owned()) }
    }

    /// The keys of all partitions whose name begins with `prefix`: `dm/` for every `dm/...`; empty for all there are.
    pub fn partitions_under(prefix: &str) -> Self {
        let start = prefix.as_bytes().to_vec();
        Self { end: successor_of_prefix(&start), start, partition: None }
    }

    /// Every key.
    pub fn all() -> Self {
        Self::partitions_under("")
    }

    /// Only what lies below `key`: the next page of a backward scan.
    #[must_use]
    pub fn before(mut self, key: &Key) -> Self {
        if key.as_bytes() < self.end.as_slice() {
            self.end = key.as_bytes().to_vec();
        }
        self
    }

    /// Only what lies above `key`: the next page of a forward scan.
    #[must_use]
    pub fn after(mut self, key: &Key) -> Self {
        let start = after(key.as_bytes());
        if start > self.start {
            self.start = start;
        }
        self
    }

    /// Only `key` and what lies above it.
    #[must_use]
    pub fn from(mut self, key: &Key) -> Self {
        if key.as_bytes() > self.start.as_slice() {
            self.start = key.as_bytes().to_vec();
        }
        self
    }

    /// Whether `key` lies inside.
    pub fn contains(&self, key: &str) -> bool {
        self.start.as_slice() <= key.as_bytes() && key.as_bytes() < self.end.as_slice()
    }

    /// Whether no key can lie inside.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// The partition that all of it lies in, when it is one.
    pub fn only_partition(&self) -> Option<&str> {
        self.partition.as_deref()
    }

    /// What of it lies below `key`, and the rest.
    pub(crate) fn split_before(&self, key: &[u8]) -> (Self, Self) {
        let middle = key.clamp(&self.start, self.end.as_slice().max(&self.start)).to_vec();
        (Self::from_bounds(self.start.clone(), middle.clone()), Self::from_bounds(middle, self.end.clone()))
    }

    /// The same with another end.
    pub(crate) fn until(&self, end: &[u8]) -> Self {
        Self::from_bounds(self.start.clone(), end.to_vec())
    }

    pub(crate) fn from_bounds(start: Vec<u8>, end: Vec<u8>) -> Self {
        let partition = partition_of_bounds(&start, &end).map(str::to_owned);
        Self { start, end, partition }
    }

    /// The partition that all of it lies in as its bounds tell it, however the range was made.
    pub(crate) fn evident_partition(&self) -> Option<&str> {
        partition_of_bounds(&self.start, &self.end)
    }

    pub(crate) fn start(&self) -> &[u8] {
        &self.start
    }

    pub(crate) fn end(&self) -> &[u8] {
        &self.end
    }
}

impl fmt::Debug for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Range({:?}..{:?})",
            String::from_utf8_lossy(&self.start),
            String::from_utf8_lossy(&self.end)
        )
    }
}

/// Both bounds of a range within a partition begin with it, but for an end at the partition's very end.
fn partition_of_bounds<'a>(start: &'a [u8], end: &[u8]) -> Option<&'a str> {
    let length = start.iter().position(|byte| *byte == b':')?;
    let same = end.get(..length) == start.get(..length);
    let inside = match end.get(length) {
        Some(b':') => true,
        Some(&AFTER_SEPARATOR) => end.len() == length + 1,
        _ => false,
    };
    if same && inside { std::str::from_utf8(&start[..length]).ok() } else { None }
}

/// The least bytes above everything that begins with `prefix`. UTF-8 has no byte 255, so the last byte can grow; after
/// the empty prefix comes that byte itself.
fn successor_of_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    match end.last_mut() {
        Some(last) => *last = last.saturating_add(1),
        None => end.push(u8::MAX),
    }
    end
}

/// The least bytes above `key`.
fn after(key: &[u8]) -> Vec<u8> {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    #[test]
    fn splits_at_the_first_separator() {
        let key = Key::new("dm/bob", "a:b").unwrap();
        assert_eq!((key.as_str(), key.partition(), key.rest()), ("dm/bob:a:b", "dm/bob", "a:b"));
        assert_eq!(Key::new("profile", "").unwrap().rest(), "");
    }

    #[test]
    fn refuses_keys_that_are_ambiguous_or_too_long() {
        assert_eq!(Key::new("a:b", "c"), Err(KeyError::SeparatorInPartition));
        assert_eq!(Key::new("", "c"), Err(KeyError::EmptyPartition));
        assert_eq!(Key::parse("post"), Err(KeyError::NoSeparator));
        assert!(Key::new("p", &"x".repeat(MAX_KEY_BYTES - 2)).is_ok());
        let refused = Key::new("p", &"x".repeat(MAX_KEY_BYTES - 1));
        assert_eq!(refused, Err(KeyError::TooLong { bytes: MAX_KEY_BYTES + 1 }));
    }

    #[test]
    fn a_partition_range_holds_that_partition_alone() {
        let range = Range::partition("dm/bob");
        assert!(range.contains("dm/bob:") && range.contains("dm/bob:\u{10ffff}"));
        assert!(!range.contains("dm/bobby:1") && !range.contains("dm/bo:1") && !range.contains("dm/bob;1"));
    }

    #[test]
    fn pages_leave_out_the_key_they_start_from() {
        let range = Range::prefix("post", "2");
        assert!(range.contains("post:2") && range.contains("post:29") && !range.contains("post:3"));
        let backward = range.clone().before(&key("post:25"));
        assert!(backward.contains("post:24") && !backward.contains("post:25"));
        let forward = range.clone().after(&key("post:25"));
        assert!(!forward.contains("post:25") && forward.contains("post:250"));
        assert!(range.clone().from(&key("post:25")).contains("post:25"));
        assert!(range.before(&key("post:1")).is_empty());
    }

    #[test]
    fn tells_the_partition_from_the_bounds() {
        for range in [Range::partition("dm/bob"), Range::prefix("dm/bob", "1"), Range::key(&key("dm/bob:"))] {
            assert_eq!(Range::from_bounds(range.start.clone(), range.end.clone()), range);
        }
        for range in [Range::all(), Range::partitions_under("dm/"), Range::partitions_under("a:")] {
            assert_eq!(Range::from_bounds(range.start.clone(), range.end.clone()).start, range.start);
        }
        assert_eq!(Range::from_bounds(b"a:1".to_vec(), b"b:1".to_vec()).only_partition(), None);
        assert!(Range::all().contains("\u{10ffff}:x"));
    }
}
