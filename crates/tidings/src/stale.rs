//! The rehearsal of a replicated cloud store: reads and listings that lag behind.
//!
//! The model: every change of a key is remembered with its time and the value before it. Each request draws a lag
//! between zero and the maximum for every key it reads, and independently one for every key it lists, and sees the
//! key as it was that long ago. Its own writes it sees always. Within one request a key never goes back in time,
//! because its lag stays the same while the clock moves on; and so different keys may be seen at different ages, as
//! on a store whose keys are replicated one by one.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

/// A value as it was at some time; `None` when the key was not there.
pub type Value = Option<Vec<u8>>;

/// What happened to the keys within the last seconds. Older changes are forgotten.
#[derive(Debug)]
pub struct History {
    horizon: Duration,
    changes: HashMap<String, VecDeque<Change>>,
    pruned: Option<Instant>,
}

#[derive(Debug)]
struct Change {
    at: Instant,
    before: Value,
}

impl History {
    /// An empty history that remembers changes for `horizon`.
    pub fn new(horizon: Duration) -> Self {
        Self { horizon, changes: HashMap::new(), pruned: None }
    }

    /// Remembers that `key` changed at `at` and what it was before.
    pub fn record(&mut self, key: &str, at: Instant, before: Value) {
        self.prune(at);
        self.changes.entry(key.to_owned()).or_default().push_back(Change { at, before });
    }

    /// What `key` was at `at`, if it has changed since; `None` when it is still what it was.
    pub fn before(&self, key: &str, at: Instant) -> Option<&Value> {
        let change = self.changes.get(key)?.iter().find(|change| change.at > at)?;
        Some(&change.before)
    }

    /// The keys that changed lately, among them those that are gone.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.changes.keys().map(String::as_str)
    }

    /// Forgets what no request can still see. Whole passes are rare, so that a change costs little on average.
    fn prune(&mut self, now: Instant) {
        if self.pruned.is_some_and(|pruned| now.duration_since(pruned) < self.horizon) {
            return;
        }
        self.pruned = Some(now);
        let horizon = self.horizon;
        self.changes.retain(|_, changes| {
            changes.retain(|change| now.duration_since(change.at) <= horizon);
            !changes.is_empty()
        });
    }
}

/// What is looked at: the two have lags of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Look {
    /// `get` and `exists`.
    Value,
    /// `get-keys`.
    Listing,
}

/// One request's lags, and its own writes.
#[derive(Debug)]
pub struct View {
    greatest: Duration,
    seed: RandomState,
    own: HashMap<String, (Instant, Value)>,
}

impl View {
    /// A view with fresh random lags up to `greatest`.
    pub fn new(greatest: Duration) -> Self {
        Self { greatest, seed: RandomState::new(), own: HashMap::new() }
    }

    /// The time as of which this request sees a key.
    pub fn time(&self, look: Look, key: &str, now: Instant) -> Instant {
        // The upper 53 bits make a number from 0 (inclusive) to 1 (exclusive) without rounding.
        let fraction = (self.seed.hash_one((look, key)) >> 11) as f64 / (1u64 << 53) as f64;
        now.checked_sub(self.greatest.mul_f64(fraction)).unwrap_or(now)
    }

    /// Remembers a write of this request that took effect at `at`.
    pub fn wrote(&mut self, key: &str, at: Instant, value: Value) {
        self.own.insert(key.to_owned(), (at, value));
    }

    /// This request's own last write to `key`, if a look as of `at` would miss it.
    pub fn own(&self, key: &str, at: Instant) -> Option<&Value> {
        self.own.get(key).filter(|(written, _)| *written > at).map(|(_, value)| value)
    }

    /// What the request sees as of `at` where that is not what the store now holds.
    pub fn past<'a>(&'a self, history: &'a History, key: &str, at: Instant) -> Option<&'a Value> {
        self.own(key, at).or_else(|| history.before(key, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn value(text: &str) -> Value {
        Some(text.as_bytes().to_vec())
    }

    #[test]
    fn a_key_is_seen_as_it_was() {
        let start = Instant::now();
        let mut history = History::new(10 * SECOND);
        history.record("k", start + SECOND, None);
        history.record("k", start + 3 * SECOND, value("one"));
        assert_eq!(history.before("k", start), Some(&None));
        assert_eq!(history.before("k", start + SECOND), Some(&value("one")));
        assert_eq!(history.before("k", start + 2 * SECOND), Some(&value("one")));
        assert_eq!(history.before("k", start + 3 * SECOND), None);
        assert_eq!(history.before("other", start), None);
    }

    #[test]
    fn old_changes_are_forgotten() {
        let start = Instant::now();
        let mut history = History::new(2 * SECOND);
        history.record("old", start, value("x"));
        history.record("new", start + 10 * SECOND, value("y"));
        assert_eq!(history.keys().collect::<Vec<_>>(), ["new"]);
    }

    #[test]
    fn changes_within_the_horizon_are_kept() {
        let start = Instant::now();
        let mut history = History::new(2 * SECOND);
        for tenth in 0..100 {
            let at = start + SECOND.mul_f64(f64::from(tenth) / 10.0);
            history.record("k", at, value(&tenth.to_string()));
            if tenth > 20 {
                // Two seconds ago the change that was made just then had not happened.
                let seen = history.before("k", at - 2 * SECOND).cloned();
                assert!(seen.is_some(), "{tenth}");
            }
        }
    }

    #[test]
    fn lags_differ_by_key_look_and_request_but_stay_within_one() {
        let now = Instant::now();
        let view = View::new(2 * SECOND);
        let mut lags = Vec::new();
        for key in 0..500 {
            let key = key.to_string();
            for look in [Look::Value, Look::Listing] {
                let at = view.time(look, &key, now);
                assert_eq!(at, view.time(look, &key, now));
                assert_eq!(at + SECOND, view.time(look, &key, now + SECOND), "time only moves on");
                lags.push(now - at);
            }
        }
        assert!(lags.iter().all(|lag| *lag <= 2 * SECOND));
        assert!(lags.iter().any(|lag| *lag < SECOND / 5));
        assert!(lags.iter().any(|lag| *lag > SECOND * 9 / 5));
        assert_ne!(view.time(Look::Value, "k", now), view.time(Look::Listing, "k", now));
        assert_ne!(view.time(Look::Value, "k", now), View::new(2 * SECOND).time(Look::Value, "k", now));
    }

    #[test]
    fn own_writes_are_seen_until_the_store_has_caught_up() {
        let start = Instant::now();
        let mut history = History::new(10 * SECOND);
        let mut view = View::new(2 * SECOND);
        history.record("k", start + SECOND, value("old"));
        view.wrote("k", start + SECOND, value("mine"));
        history.record("k", start + 2 * SECOND, value("mine"));
        assert_eq!(view.past(&history, "k", start), Some(&value("mine")));
        assert_eq!(view.past(&history, "k", start + SECOND), Some(&value("mine")));
        assert_eq!(view.past(&history, "k", start + 2 * SECOND), None, "the store itself is right again");
    }
}
