//! What writers did, and what follows from it for readers.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::body::{Contents, RangeTombstone, Record, decode};
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
    pub fn new(staleness_ms: u64) -> Self {
        Self { attempts: Vec::new(), problems: Vec::new(), staleness_ms }
    }

    pub fn complain(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// Only the store may fail a request: no schedule makes objects unavailable or the store full.
    pub fn note(&mut self, error: &LedgerError) {
        if !matches!(error, LedgerError::Store(_)) {
            self.complain(format!("unexpected: {error}"));
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

    /// The entries that must be live once everything landed: the plain model.
    pub fn expected(&mut self, stored: &BTreeSet<String>) -> Live {
        let mut latest: BTreeMap<&Key, (Stamp, &Option<String>)> = BTreeMap::new();
        let mut ranges = Vec::new();
        let mut problems = Vec::new();
        for attempt in &self.attempts {
            if !attempt.objects.iter().all(|object| stored.contains(object)) {
                if attempt.acknowledged_ms.is_some() {
                    problems.push(format!("lost: {:?} was never in the store", attempt.stamp));
                }
                continue;
            }
            for (key, value) in &attempt.entries {
                if latest.get(key).is_none_or(|(stamp, _)| *stamp < attempt.stamp) {
                    latest.insert(key, (attempt.stamp, value));
                }
            }
            ranges.extend(attempt.range.iter().map(|range| (range, attempt.stamp)));
        }
        let hidden =
            |key: &Key, stamp| ranges.iter().any(|(range, of)| stamp < *of && range.contains(key.as_str()));
        let live = latest
            .into_iter()
            .filter(|(key, (stamp, _))| !hidden(key, *stamp))
            .filter_map(|(key, (_, value))| Some((key.to_string(), value.clone()?)))
            .collect();
        self.problems.extend(problems);
        live
    }

    /// After maintenance, no object has a value that was deleted.
    pub fn check_erased(&mut self, stored: &BTreeMap<String, Vec<u8>>) {
        let objects = stored.iter().filter_map(|(key, body)| {
            decode(&ObjectName::parse(key).ok()?, Bytes::copy_from_slice(body)).ok()
        });
        let objects: Vec<Contents> = objects.collect();
        let records = || objects.iter().flat_map(|object| &object.records);
        let deleted: BTreeMap<&Key, Stamp> =
            records().filter(|record| record.value.is_none()).fold(BTreeMap::new(), |mut deleted, record| {
                let stamp = deleted.entry(&record.key).or_insert(record.stamp);
                *stamp = record.stamp.max(*stamp);
                deleted
            });
        let ranges: Vec<_> = objects.iter().flat_map(|object| &object.ranges).collect();
        let kept = |record: &&Record| {
            let by_key = deleted.get(&record.key).is_some_and(|stamp| *stamp > record.stamp);
            let by_range = ranges.iter().any(|range| range.hides(record.key.as_str(), record.stamp));
            record.value.is_some() && (by_key || by_range)
        };
        if let Some(record) = records().find(kept) {
            self.problems.push(format!("not erased: {} of {:?}", record.key, record.stamp));
        }
    }

    pub fn expect(&mut self, who: &str, expected: &Live, got: Result<Live, LedgerError>) {
        match got {
            Ok(got) if got == *expected => {}
            Ok(got) => {
                self.complain(format!("{who} lost or kept something: expected {expected:?}, got {got:?}"))
            }
            Err(error) => self.complain(format!("{who} failed: {error}")),
        }
    }
}

/// Someone who keeps a copy by asking what changed since a cursor.
#[derive(Default)]
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
