//! What one commit writes.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::body::{Contents, RangeTombstone, Record, range_order};
use crate::key::{Key, Range};
use crate::stamp::Stamp;

/// Entries that become visible together. One per key: the later call wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    entries: BTreeMap<Key, Option<Bytes>>,
    ranges: Vec<Range>,
    freeing: bool,
}

impl Batch {
    /// A batch without entries; committing it is no operation.
    pub fn new() -> Self {
        Self::default()
    }

    /// A batch that serves to free space (deletions). It is still taken when the store is nearly full.
    pub fn freeing() -> Self {
        Self { freeing: true, ..Self::default() }
    }

    /// Sets the value of `key`.
    pub fn put(&mut self, key: impl Into<Key>, value: impl Into<Vec<u8>>) {
        self.entries.insert(key.into(), Some(Bytes::from(value.into())));
    }

    /// Removes `key`, whether or not it is there.
    pub fn delete(&mut self, key: impl Into<Key>) {
        self.entries.insert(key.into(), None);
    }

    /// Hides all that was committed to `range` before. Puts of this batch inside it stay.
    pub fn delete_range(&mut self, range: Range) {
        if !range.is_empty() && !self.ranges.contains(&range) {
            self.ranges.push(range);
        }
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.ranges.is_empty()
    }

    /// Whether it serves to free space.
    pub fn is_freeing(&self) -> bool {
        self.freeing
    }

    /// Adds the entries of `other`, which win. Freeing only if both are.
    pub fn merge(&mut self, other: Self) {
        self.freeing = match (self.is_empty(), other.is_empty()) {
            (_, true) => self.freeing,
            (true, false) => other.freeing,
            (false, false) => self.freeing && other.freeing,
        };
        self.entries.extend(other.entries);
        other.ranges.into_iter().for_each(|range| self.delete_range(range));
    }

    pub(crate) fn into_contents(self, stamp: Stamp) -> Contents {
        let mut ranges: Vec<_> =
            self.ranges.into_iter().map(|range| RangeTombstone { range, stamp }).collect();
        ranges.sort_by(|a, b| range_order(a).cmp(&range_order(b)));
        let records = self.entries.into_iter().map(|(key, value)| Record { key, stamp, value }).collect();
        Contents { ranges, records }
    }
}

impl From<&Key> for Key {
    fn from(key: &Key) -> Self {
        key.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    #[test]
    fn the_later_call_for_a_key_wins() {
        let mut batch = Batch::new();
        batch.put(key("a:1"), "old");
        batch.delete(key("a:1"));
        let mut other = Batch::new();
        other.put(key("a:2"), "x");
        batch.merge(other);
        let contents = batch.into_contents(Stamp::ZERO);
        assert_eq!(contents.records.len(), 2);
        assert_eq!(contents.records[0].value, None);
    }

    #[test]
    fn a_mixed_merge_is_not_freeing() {
        let mut deletions = Batch::freeing();
        deletions.delete(key("a:1"));
        let mut empty = Batch::new();
        empty.merge(deletions.clone());
        assert!(empty.is_freeing());
        let mut puts = Batch::new();
        puts.put(key("a:2"), "x");
        puts.merge(deletions);
        assert!(!puts.is_freeing());
    }

    #[test]
    fn an_empty_range_is_nothing() {
        let mut batch = Batch::new();
        batch.delete_range(Range::partition("a").before(&key("a:")));
        assert!(batch.is_empty());
    }
}
