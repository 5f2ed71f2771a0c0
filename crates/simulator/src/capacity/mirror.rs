//! The simulation's own plain picture of what must be stored.

use std::collections::{BTreeSet, HashMap};
use tidings_ledger::{Batch, Entry, Key, Range, Stamp};
use xxhash_rust::xxh3::xxh3_64;

/// What one commit is to do.
#[derive(Debug, Default)]
pub(super) struct Writes {
    pub puts: Vec<(Key, Vec<u8>)>,
    pub deletes: Vec<Key>,
    pub range: Option<Range>,
}

impl Writes {
    /// A single entry.
    pub fn put(key: Key, value: Vec<u8>) -> Self {
        Self { puts: vec![(key, value)], ..Self::default() }
    }

    /// As the ledger wants it.
    pub fn batch(&self) -> Batch {
        let mut batch = if self.puts.is_empty() { Batch::freeing() } else { Batch::new() };
        for (key, value) in &self.puts {
            batch.put(key, value.clone());
        }
        self.deletes.iter().for_each(|key| batch.delete(key));
        if let Some(range) = &self.range {
            batch.delete_range(range.clone());
        }
        batch
    }
}

/// What a value was, without keeping it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Print {
    hash: u64,
    bytes: usize,
}

impl Print {
    pub fn of(value: &[u8]) -> Self {
        Self { hash: xxh3_64(value), bytes: value.len() }
    }
}

/// The latest of a key.
#[derive(Debug, Clone, Copy)]
struct State {
    stamp: Stamp,
    /// `None`: deleted.
    value: Option<Print>,
    /// When it was committed, in true time.
    changed_ms: u64,
}

/// Every key that was written, and what must be there now.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    states: HashMap<Key, State>,
    ranges: Vec<(Range, Stamp, u64)>,
    /// The friends' posts that are there, by key.
    feed: BTreeSet<Key>,
}

impl Mirror {
    /// What was committed under a stamp.
    pub fn apply(&mut self, writes: Writes, stamp: Stamp, now_ms: u64) {
        if let Some(range) = writes.range {
            self.states.retain(|key, state| !(range.contains(key.as_str()) && state.stamp < stamp));
            self.feed.retain(|key| !range.contains(key.as_str()) || self.states.contains_key(key));
            self.ranges.push((range, stamp, now_ms));
        }
        let deletes = writes.deletes.into_iter().map(|key| (key, None));
        let puts = writes.puts.into_iter().map(|(key, value)| (key, Some(Print::of(&value))));
        for (key, value) in puts.chain(deletes) {
            self.change(key, State { stamp, value, changed_ms: now_ms });
        }
    }

    fn change(&mut self, key: Key, state: State) {
        let hidden =
            self.ranges.iter().any(|(range, of, _)| state.stamp < *of && range.contains(key.as_str()));
        if hidden || self.states.get(&key).is_some_and(|known| known.stamp > state.stamp) {
            return;
        }
        if key.partition() == super::content::keys::FEED {
            match state.value {
                Some(_) => self.feed.insert(key.clone()),
                None => self.feed.remove(&key),
            };
        }
        self.states.insert(key, state);
    }

    /// How many friends' posts there are.
    pub fn feed_count(&self) -> usize {
        self.feed.len()
    }

    /// The oldest of the newest `count` friends' posts.
    pub fn oldest_of_newest(&self, count: usize) -> Option<&Key> {
        self.feed.iter().nth_back(count.checked_sub(1)?)
    }

    /// Whether what was read of a key is wrong. Nothing is, while changes since `since_ms` need not be visible.
    pub fn contradicts(&self, key: &Key, read: Option<&Entry>, since_ms: u64) -> bool {
        let state = self.states.get(key);
        let is_recent = state.is_some_and(|state| state.changed_ms > since_ms)
            || self
                .ranges
                .iter()
                .rev()
                .any(|(range, _, at_ms)| *at_ms > since_ms && range.contains(key.as_str()));
        !is_recent && state.and_then(|state| state.value) != read.map(|entry| Print::of(&entry.value))
    }

    /// Number of live entries.
    pub fn live(&self) -> usize {
        self.states.values().filter(|state| state.value.is_some()).count()
    }

    /// Bytes of the keys and values of the live entries that are wanted.
    pub fn live_bytes(&self, wanted: impl Fn(&Key) -> bool) -> u64 {
        let live = self.states.iter().filter_map(|(key, state)| Some((key, state.value?)));
        live.filter(|(key, _)| wanted(key))
            .map(|(key, value)| (key.as_str().len() + value.bytes) as u64)
            .sum()
    }

    /// What must be there under `key`, now that everybody sees everything.
    pub fn expected(&self, key: &Key) -> Option<Print> {
        self.states.get(key).and_then(|state| state.value)
    }

    /// The partitions in which something must be there.
    pub fn partitions(&self) -> BTreeSet<String> {
        let live = self.states.iter().filter(|(_, state)| state.value.is_some());
        live.map(|(key, _)| key.partition().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    #[test]
    fn the_greatest_stamp_counts_whatever_the_order() {
        let mut mirror = Mirror::default();
        mirror.apply(Writes::put(key("post:1"), b"new".to_vec()), Stamp::at_ms(9), 0);
        mirror.apply(Writes::put(key("post:1"), b"older".to_vec()), Stamp::at_ms(5), 1);
        assert_eq!(mirror.expected(&key("post:1")), Some(Print::of(b"new")));
        assert_eq!(mirror.live_bytes(|_| true), 9);
    }

    #[test]
    fn ranges_hide_what_is_older_and_leave_what_is_newer() {
        let mut mirror = Mirror::default();
        mirror.apply(Writes::put(key("feed:1"), b"x".to_vec()), Stamp::at_ms(5), 0);
        mirror.apply(Writes::put(key("feed:2"), b"x".to_vec()), Stamp::at_ms(9), 0);
        let range = Some(Range::partition("feed"));
        mirror.apply(Writes { range, ..Writes::default() }, Stamp::at_ms(7), 0);
        mirror.apply(Writes::put(key("feed:3"), b"x".to_vec()), Stamp::at_ms(6), 0);
        assert_eq!((mirror.live(), mirror.feed_count()), (1, 1));
        assert_eq!(mirror.oldest_of_newest(1), Some(&key("feed:2")));
        assert_eq!(mirror.oldest_of_newest(2), None);
    }

    #[test]
    fn reads_are_judged_once_everybody_sees_the_change() {
        let mut mirror = Mirror::default();
        mirror.apply(Writes::put(key("post:1"), b"x".to_vec()), Stamp::at_ms(5), 100);
        assert!(!mirror.contradicts(&key("post:1"), None, 99));
        assert!(mirror.contradicts(&key("post:1"), None, 100));
        assert!(!mirror.contradicts(&key("post:2"), None, 100));
    }
}
