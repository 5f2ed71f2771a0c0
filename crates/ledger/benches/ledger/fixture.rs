//! Stores of some size, grown as the product grows them: by commits, with maintenance in between.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pollster::block_on;
use tidings_ledger::testing::{ManualClock, SeededRandom};
use tidings_ledger::{Batch, Budget, Key, KeyValue, Ledger, StoreError, Timing};

/// The partition that everything is in: the worst case for what a page must look at.
pub const PARTITION: &str = "post";

/// How many commits no maintenance has seen yet.
pub const UNMERGED: usize = 4;

const START_MS: u64 = 1_700_000_000_000;
/// How many of the newest entries came in small commits; older ones in large commits, to save time.
const RECENT: usize = 1_000;
const SMALL_COMMIT: usize = 5;
const LARGE_COMMIT: usize = 2_000;
const BETWEEN_COMMITS_MS: u64 = 60_000;

/// A store in memory. A fork has the same contents and goes on by itself.
#[derive(Debug, Default)]
pub struct Store {
    base: Arc<BTreeMap<String, Vec<u8>>>,
    /// `None`: deleted.
    changed: Mutex<BTreeMap<String, Option<Vec<u8>>>>,
    /// What the host takes for an operation.
    operation: Duration,
    /// How many there were.
    operations: AtomicUsize,
}

impl Store {
    pub fn fork(&self) -> Self {
        let changed = Mutex::new(self.changed().clone());
        Self { base: Arc::clone(&self.base), changed, operation: self.operation, ..Self::default() }
    }

    /// Makes what changed part of what all forks share.
    fn settled(self) -> Self {
        let mut base = Arc::unwrap_or_clone(self.base);
        for (key, value) in self.changed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            match value {
                Some(value) => base.insert(key, value),
                None => base.remove(&key),
            };
        }
        Self { base: Arc::new(base), operation: self.operation, ..Self::default() }
    }

    /// Lets the time of an operation pass. Sleeping would take longer than that.
    fn operate(&self) {
        self.operations.fetch_add(1, Ordering::Relaxed);
        let start = Instant::now();
        while start.elapsed() < self.operation {
            std::hint::spin_loop();
        }
    }

    /// How many operations there were since this was asked.
    pub fn take_operations(&self) -> usize {
        self.operations.swap(0, Ordering::Relaxed)
    }

    fn changed(&self) -> MutexGuard<'_, BTreeMap<String, Option<Vec<u8>>>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyValue for Store {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.operate();
        let changed = self.changed().get(key).cloned();
        Ok(changed.unwrap_or_else(|| self.base.get(key).cloned()))
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.operate();
        self.changed().insert(key.to_owned(), Some(value.to_vec()));
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.operate();
        self.changed().insert(key.to_owned(), None);
        Ok(())
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        self.operate();
        let changed = self.changed();
        let kept = self.base.keys().filter(|key| changed.is_empty() || !changed.contains_key(*key));
        let added = changed.iter().filter(|(_, value)| value.is_some()).map(|(key, _)| key);
        Ok(kept.chain(added).cloned().collect())
    }
}

/// A ledger as each request makes one.
pub type BenchLedger = Ledger<Store, ManualClock, SeededRandom>;

/// A grown store.
pub struct Fixture {
    pub entries: usize,
    store: Store,
    clock: ManualClock,
    timing: Timing,
}

impl Fixture {
    /// A store with so many entries, none of them merged lately but for the last [`UNMERGED`] commits.
    pub fn of(entries: usize) -> Self {
        let clock = ManualClock::at(START_MS);
        // Where nothing is stale, nobody leaves work to others: stores of different sizes end in the same state at the top.
        let timing = Timing::local();
        let ledger = Ledger::new(Store::default(), clock.clone(), SeededRandom::new(1), timing);
        let unmerged = UNMERGED.min(entries / SMALL_COMMIT);
        let recent = RECENT.min(entries - unmerged);
        let old = entries - recent - unmerged;
        let large = (0..old).step_by(LARGE_COMMIT).map(|first| first..old.min(first + LARGE_COMMIT));
        let small = (old..old + recent).step_by(SMALL_COMMIT);
        let small = small.map(|first| first..(old + recent).min(first + SMALL_COMMIT));
        for numbers in large {
            commit(&ledger, numbers);
            clock.advance(timing.grace_ms());
            maintain(&ledger, 64);
        }
        settle(&ledger, &clock);
        for numbers in small {
            commit(&ledger, numbers);
            clock.advance(BETWEEN_COMMITS_MS);
            maintain(&ledger, 1);
        }
        settle(&ledger, &clock);
        (old + recent..entries).for_each(|number| commit(&ledger, number..number + 1));
        let store = ledger.store().fork().settled();
        Self { entries, store, clock, timing }
    }

    /// A ledger of its own over a fork of the store.
    pub fn ledger(&self) -> BenchLedger {
        self.ledger_on(Duration::ZERO)
    }

    /// The same on a host that takes so long for each operation.
    pub fn ledger_on(&self, operation: Duration) -> BenchLedger {
        let store = Store { operation, ..self.store.fork() };
        Ledger::new(store, self.clock.clone(), SeededRandom::new(2), self.timing)
    }

    /// The same with so many more commits of one entry each.
    pub fn with_commits(self, count: usize) -> Self {
        let ledger = self.ledger();
        (self.entries..self.entries + count).for_each(|number| commit(&ledger, number..number + 1));
        self.clock.advance(self.timing.grace_ms());
        let store = ledger.store().fork().settled();
        Self { entries: self.entries + count, store, ..self }
    }

    /// Objects and bytes.
    pub fn describe(&self) -> String {
        let usage = block_on(async { self.ledger().view().await.unwrap().usage() });
        let levels: Vec<String> = usage
            .levels
            .iter()
            .map(|level| format!("{} ({} KB)", level.objects, level.bytes / 1_000))
            .collect();
        format!("{} entries: {} objects, by level {}", self.entries, usage.keys, levels.join(", "))
    }
}

/// The key of an entry: a time and something random, as ids of posts are.
pub fn key(number: usize) -> Key {
    let mut random = fastrand::Rng::with_seed(number as u64);
    let ms = START_MS + number as u64 * BETWEEN_COMMITS_MS;
    Key::new(PARTITION, &format!("{ms:011x}{:015x}", random.u64(..) >> 4)).unwrap()
}

fn value(number: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(number as u64);
    (0..random.usize(100..200)).map(|_| random.alphanumeric() as u8).collect()
}

pub fn batch(numbers: std::ops::Range<usize>) -> Batch {
    let mut batch = Batch::new();
    numbers.for_each(|number| batch.put(key(number), value(number)));
    batch
}

pub fn commit(ledger: &BenchLedger, numbers: std::ops::Range<usize>) {
    block_on(async { ledger.commit(&mut ledger.view().await.unwrap(), batch(numbers)).await.unwrap() });
}

/// Requests that do maintenance, until there is nothing to do but wait.
pub fn maintain(ledger: &BenchLedger, most: usize) {
    let step = || {
        let done = block_on(async {
            ledger.maintain(&mut ledger.view().await.unwrap(), Budget::default()).await.unwrap()
        });
        done.more_to_do
    };
    (0..most).find(|_| !step());
}

/// Lets time pass until everything has come to rest.
fn settle(ledger: &BenchLedger, clock: &ManualClock) {
    for _ in 0..64 {
        clock.advance(ledger.timing().grace_ms() + BETWEEN_COMMITS_MS);
        maintain(ledger, 64);
    }
}
