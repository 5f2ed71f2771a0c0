//! What writers did, and what follows from it for readers.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::body::{RangeTombstone, decode};
use crate::name::ObjectName;
use crate::{Changes, Key, LedgerError, Range, Stamp};

/// Live entries: values are unique, so they tell who wrote them.
pub(super) type Live = BTreeMap<String, String>;

/// A commit that was tried.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub stamp: Stamp,
    /// All its objects: one, unless a wrong ledger writes more.
    pub objects: Vec<String>,
    pub entries: BTreeMap<Key, Option<String>>,
    pub range: Option<Range>,
    /// When the request that decided it began.
    pub began_ms: u64,
    /// When the store confirmed it.
    pub acknowledged_ms: Option<u64>,
}

pub(super) struct Chronicle {
    pub attempts: Vec<Attempt>,
    pub problems: Vec<String>,
    /// What was confirmed longer ago than this must be seen. Within the same millisecond, order is unknown.
    staleness_ms: u64,
    /// Whether the store is so full that commits may be refused.
    crowded: bool,
    /// What must be live in the end.
    expected: Live,
}

/// The latest state of all keys, tombstones included, as one view shows it.
pub(super) struct Snapshot {
    stamps: BTreeMap<Key, Stamp>,
    ranges: Vec<RangeTombstone>,
}

impl Snapshot {
    pub fn of(changes: &Changes) -> Self {
        let stamps = changes.items.iter().map(|change| (change.key.clone(), change.stamp)).collect();
        Self { stamps, ranges: changes.ranges.clone() }
    }

    /// Whether an entry of that stamp is shown, or replaced by a later one.
    fn accounts_for(&self, key: &Key, stamp: Stamp) -> bool {
        self.stamps.get(key).is_some_and(|shown| *shown >= stamp)
            || self.ranges.iter().any(|range| range.hides(key.as_str(), stamp))
    }

    fn shows(&self, attempt: &Attempt) -> bool {
        attempt.entries.keys().any(|key| self.stamps.get(key) == Some(&attempt.stamp))
            || self.ranges.iter().any(|range| range.stamp == attempt.stamp)
    }
}

impl Chronicle {
    pub fn new(staleness_ms: u64, crowded: bool) -> Self {
        Self { attempts: Vec::new(), problems: Vec::new(), staleness_ms, crowded, expected: Live::new() }
    }

    pub fn complain(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// Only the store may fail a request: no schedule makes objects unavailable, and only crowded ones the store full.
    pub fn note(&mut self, error: &LedgerError) {
        let excused = match error {
            LedgerError::Store(_) => true,
            LedgerError::Full { .. } => self.crowded,
            _ => false,
        };
        if !excused {
            self.complain(format!("unexpected: {error}"));
        }
    }

    /// Checks how many keys the store really has.
    pub fn check_keys(&mut self, keys: usize, limit: usize) {
        if keys > limit {
            self.complain(format!("{keys} keys, expected at most {limit}"));
        }
    }

    /// Checks a view that was asked for at `began_ms`.
    pub fn check(&mut self, began_ms: u64, snapshot: &Snapshot) {
        let visible = |attempt: &&Attempt| {
            attempt.acknowledged_ms.is_some_and(|acknowledged| acknowledged + self.staleness_ms < began_ms)
        };
        let mut problems = Vec::new();
        for attempt in &self.attempts {
            let missing = |attempt: &Attempt| {
                let mut keys = attempt.entries.keys();
                keys.find(|key| !snapshot.accounts_for(key, attempt.stamp)).cloned()
            };
            if visible(&attempt)
                && let Some(key) = missing(attempt)
            {
                problems.push(format!("lost: {key} of {:?} at {began_ms}", attempt.stamp));
            }
            if snapshot.shows(attempt)
                && let Some(key) = missing(attempt)
            {
                problems.push(format!("torn: {:?} is shown without {key}", attempt.stamp));
            }
        }
        for later in self.attempts.iter().filter(visible) {
            problems.extend(self.outlived(later, snapshot));
        }
        self.problems.extend(problems);
    }

    /// What is shown although a visible commit that was decided after it, having seen it, replaced it.
    fn outlived(&self, later: &Attempt, snapshot: &Snapshot) -> Option<String> {
        let earlier = self.attempts.iter().filter(|earlier| {
            earlier
                .acknowledged_ms
                .is_some_and(|acknowledged| acknowledged + self.staleness_ms < later.began_ms)
        });
        for earlier in earlier {
            let shown = |key: &&Key| snapshot.stamps.get(*key) == Some(&earlier.stamp);
            if let Some(key) =
                earlier.entries.keys().filter(|key| later.entries.contains_key(*key)).find(shown)
            {
                return Some(format!(
                    "{key} of {:?} was replaced by {:?} and is shown",
                    earlier.stamp, later.stamp
                ));
            }
        }
        None
    }

    /// Once everything landed: leaves out attempts that never took place, and decides what must be live, by the plain
    /// model.
    pub fn settle(&mut self, stored: &BTreeSet<String>) {
        let landed = |attempt: &Attempt| attempt.objects.iter().all(|object| stored.contains(object));
        let lost =
            self.attempts.iter().filter(|attempt| !landed(attempt) && attempt.acknowledged_ms.is_some());
        self.problems.extend(lost.map(|attempt| format!("lost: {:?} was never in the store", attempt.stamp)));
        self.attempts.retain(landed);

        let mut latest: BTreeMap<&Key, (Stamp, &Option<String>)> = BTreeMap::new();
        for attempt in &self.attempts {
            for (key, value) in &attempt.entries {
                if latest.get(key).is_none_or(|(stamp, _)| *stamp < attempt.stamp) {
                    latest.insert(key, (attempt.stamp, value));
                }
            }
        }
        let live = latest
            .into_iter()
            .filter(|(key, (stamp, _))| !self.is_purged(key, *stamp))
            .filter_map(|(key, (_, value))| Some((key.to_string(), value.clone()?)))
            .collect();
        self.expected = live;
    }

    /// Whether a later commit deleted a range that has the key.
    fn is_purged(&self, key: &Key, stamp: Stamp) -> bool {
        self.attempts.iter().any(|later| {
            later.stamp > stamp && later.range.as_ref().is_some_and(|range| range.contains(key.as_str()))
        })
    }

    fn is_deleted(&self, key: &Key, stamp: Stamp) -> bool {
        let deletes = |later: &Attempt| later.stamp > stamp && later.entries.get(key) == Some(&None);
        self.attempts.iter().any(deletes) || self.is_purged(key, stamp)
    }

    /// Values that were deleted and that some object still has, in words. After maintenance there are none.
    pub fn unerased(&self, stored: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
        let mut kept = Vec::new();
        for (key, body) in stored {
            let Ok(name) = ObjectName::parse(key) else { continue };
            let Ok(contents) = decode(&name, Bytes::copy_from_slice(body)) else { continue };
            let values = contents.records.iter().filter(|record| record.value.is_some());
            let deleted = values.filter(|record| self.is_deleted(&record.key, record.stamp));
            kept.extend(deleted.map(|record| format!("not erased: {} of {:?}", record.key, record.stamp)));
        }
        kept
    }

    pub fn expect(&mut self, who: &str, got: Result<Live, LedgerError>) {
        let problem = match got {
            Ok(got) if got == self.expected => return,
            Ok(got) => {
                format!("{who} lost or kept something: expected {:?}, got {got:?}", self.expected)
            }
            Err(error) => format!("{who} failed: {error}"),
        };
        self.complain(problem);
    }
}

/// Someone who keeps a copy by asking what changed since a cursor.
#[derive(Default, Clone)]
pub(super) struct Follower {
    pub cursor: Stamp,
    entries: BTreeMap<Key, (Stamp, Option<String>)>,
    ranges: Vec<RangeTombstone>,
}

impl Follower {
    pub fn merge(&mut self, changes: Changes) {
        for change in changes.items {
            let value = change.value.map(|value| String::from_utf8_lossy(&value).into_owned());
            if self.entries.get(&change.key).is_none_or(|(stamp, _)| *stamp < change.stamp) {
                self.entries.insert(change.key, (change.stamp, value));
            }
        }
        self.ranges.extend(changes.ranges);
    }

    pub fn live(&self) -> Live {
        let hidden = |key: &Key, stamp| self.ranges.iter().any(|range| range.hides(key.as_str(), stamp));
        self.entries
            .iter()
            .filter(|(key, (stamp, _))| !hidden(key, *stamp))
            .filter_map(|(key, (_, value))| Some((key.to_string(), value.clone()?)))
            .collect()
    }
}
