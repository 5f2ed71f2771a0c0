//! A store that does all that a replicated one may do: stale answers, missing and lingering keys, failures that
//! happened all the same, or later. On virtual time, from a seed.
//!
//! It remembers the past of a register only as long as an answer may still come from it, so that a simulation of years
//! takes no more memory than what the store holds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::schedule::pause;
use super::{ManualClock, Operations};
use crate::store::{Clock, KeyValue, StoreError};

/// What may go wrong, and how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// D: how old an answer may be, in milliseconds. Raising it later does not bring back what was forgotten.
    pub staleness_ms: u64,
    /// How long an operation takes at most, in milliseconds.
    pub latency_ms: u64,
    /// How many operations in a thousand fail: having happened, not, or happening later.
    pub failures: u32,
    /// How late a failed operation may happen, in milliseconds.
    pub late_ms: u64,
}

/// How much a store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Keys.
    pub keys: usize,
    /// Bytes of their values.
    pub bytes: u64,
}

/// A value; `None` where there is none.
type Value = Option<Vec<u8>>;

/// One register.
#[derive(Debug, Default)]
struct Register {
    /// What everybody sees but for the changes below.
    settled: Value,
    /// Changes that somebody may not see yet, and when they were made, ascending.
    recent: Vec<(u64, Value)>,
}

impl Register {
    fn latest(&self) -> Option<&Vec<u8>> {
        self.recent.last().map_or(&self.settled, |(_, value)| value).as_ref()
    }

    fn as_of(&self, moment_ms: u64) -> Option<&Vec<u8>> {
        let count = self.recent.partition_point(|(at_ms, _)| *at_ms <= moment_ms);
        count.checked_sub(1).map_or(&self.settled, |last| &self.recent[last].1).as_ref()
    }

    /// Forgets what nobody can see any more.
    fn settle(&mut self, oldest_ms: u64) {
        let count = self.recent.partition_point(|(at_ms, _)| *at_ms <= oldest_ms);
        if let Some((_, value)) = self.recent.drain(..count).next_back() {
            self.settled = value;
        }
    }
}

/// The store's state, as nobody inside sees it.
#[derive(Debug)]
struct World {
    registers: BTreeMap<String, Register>,
    /// Which registers changed when, ascending, as far as somebody may not see it yet.
    unsettled: VecDeque<(u64, String)>,
    /// Changes still to come.
    late: Vec<(u64, String, Value)>,
    ever_held: BTreeSet<String>,
    held: Held,
    random: fastrand::Rng,
    faults: Faults,
    operations: Operations,
}

/// The store as one request sees it: its own confirmed operations at once, those of others when it pleases.
#[derive(Debug)]
pub struct ModelStore {
    world: Arc<Mutex<World>>,
    clock: ManualClock,
    /// When this request changed a register.
    own: Mutex<BTreeMap<String, u64>>,
}

impl ModelStore {
    /// An empty store, as its first request sees it. Operations let time pass on `clock`.
    pub fn new(seed: u64, clock: ManualClock, faults: Faults) -> Self {
        let world = World {
            registers: BTreeMap::new(),
            unsettled: VecDeque::new(),
            late: Vec::new(),
            ever_held: BTreeSet::new(),
            held: Held::default(),
            random: fastrand::Rng::with_seed(seed),
            faults,
            operations: Operations::default(),
        };
        Self { world: Arc::new(Mutex::new(world)), clock, own: Mutex::default() }
    }

    /// The same store as another request sees it.
    #[must_use]
    pub fn request(&self) -> Self {
        Self { world: self.world.clone(), clock: self.clock.clone(), own: Mutex::default() }
    }

    /// Changes what may go wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.world().faults = faults;
    }

    /// The time that all clocks are measured against, in Unix milliseconds.
    pub fn true_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// What was done by all requests since the last call of this function.
    pub fn take_operations(&self) -> Operations {
        std::mem::take(&mut self.world().operations)
    }

    /// How much the store really holds now.
    pub fn held(&self) -> Held {
        self.caught_up().held
    }

    /// What the store really holds now.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let world = self.caught_up();
        let current = |(key, register): (&String, &Register)| Some((key.clone(), register.latest()?.clone()));
        world.registers.iter().filter_map(current).collect()
    }

    /// Shows each key and value that the store really holds now, without copying them. Not counted as operations.
    pub fn inspect(&self, mut show: impl FnMut(&str, &[u8])) {
        for (key, register) in &self.caught_up().registers {
            if let Some(value) = register.latest() {
                show(key, value);
            }
        }
    }

    /// The keys that ever had a value.
    pub fn ever_held(&self) -> BTreeSet<String> {
        self.caught_up().ever_held.clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn caught_up(&self) -> MutexGuard<'_, World> {
        let now_ms = self.clock.now_ms();
        let mut world = self.world();
        world.catch_up(now_ms);
        world
    }

    fn own_change(&self, key: &str) -> u64 {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied().unwrap_or(0)
    }

    /// Others have their turn and time passes, before an operation takes effect.
    async fn begin(&self) -> u64 {
        pause().await;
        let latency_ms = {
            let mut world = self.world();
            let most = world.faults.latency_ms;
            world.random.u64(0..=most)
        };
        self.clock.advance(latency_ms);
        let now_ms = self.clock.now_ms();
        self.world().catch_up(now_ms);
        now_ms
    }

    async fn change(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        let now_ms = self.begin().await;
        let result = {
            let mut world = self.world();
            match world.draw_outcome() {
                Outcome::Done => {
                    world.apply(now_ms, key.to_owned(), value.map(<[u8]>::to_vec));
                    self.own.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), now_ms);
                    Ok(())
                }
                outcome => {
                    world.fail(outcome, now_ms, key, value.map(<[u8]>::to_vec));
                    Err(StoreError::new(format!("simulated: {outcome:?}")))
                }
            }
        };
        // A request may die after the operation took effect and before it learns of it.
        pause().await;
        result
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    FailedWithEffect,
    FailedWithoutEffect,
    FailedWithLateEffect,
}

impl World {
    fn draw_outcome(&mut self) -> Outcome {
        if self.random.u32(0..1000) >= self.faults.failures {
            return Outcome::Done;
        }
        match self.random.u32(0..3) {
            0 => Outcome::FailedWithEffect,
            1 => Outcome::FailedWithoutEffect,
            _ => Outcome::FailedWithLateEffect,
        }
    }

    fn fail(&mut self, outcome: Outcome, now_ms: u64, key: &str, value: Value) {
        match outcome {
            Outcome::FailedWithEffect => self.apply(now_ms, key.to_owned(), value),
            Outcome::FailedWithLateEffect => {
                let due_ms = now_ms + self.random.u64(0..=self.faults.late_ms);
                self.late.push((due_ms, key.to_owned(), value));
            }
            Outcome::Done | Outcome::FailedWithoutEffect => {}
        }
    }

    /// Changes a register. Calls come in the order of time.
    fn apply(&mut self, at_ms: u64, key: String, value: Value) {
        if value.is_some() && !self.ever_held.contains(&key) {
            self.ever_held.insert(key.clone());
        }
        let register = self.registers.entry(key.clone()).or_default();
        if let Some(before) = register.latest() {
            self.held.keys -= 1;
            self.held.bytes -= before.len() as u64;
        }
        if let Some(after) = &value {
            self.held.keys += 1;
            self.held.bytes += after.len() as u64;
        }
        register.recent.push((at_ms, value));
        self.unsettled.push_back((at_ms, key));
    }

    /// Lets happen what was to happen later, and forgets what nobody can see any more.
    fn catch_up(&mut self, now_ms: u64) {
        if !self.late.is_empty() {
            self.late.sort_by_key(|(due_ms, ..)| *due_ms);
            let due = self.late.partition_point(|(due_ms, ..)| *due_ms <= now_ms);
            for (due_ms, key, value) in self.late.drain(..due).collect::<Vec<_>>() {
                // Nothing was done since the last time, so everything done before lies before what is due.
                self.apply(due_ms, key, value);
            }
        }
        let oldest_ms = now_ms.saturating_sub(self.faults.staleness_ms);
        while self.unsettled.front().is_some_and(|(at_ms, _)| *at_ms <= oldest_ms) {
            let Some((_, key)) = self.unsettled.pop_front() else { break };
            let Some(register) = self.registers.get_mut(&key) else { continue };
            register.settle(oldest_ms);
            if register.settled.is_none() && register.recent.is_empty() {
                self.registers.remove(&key);
            }
        }
    }

    /// The time that an answer is as of: often the oldest or the newest there can be.
    fn draw_moment(&mut self, now_ms: u64) -> u64 {
        let oldest_ms = now_ms.saturating_sub(self.faults.staleness_ms);
        match self.random.u32(0..4) {
            0 => oldest_ms,
            1 => now_ms,
            _ => self.random.u64(oldest_ms..=now_ms),
        }
    }
}

impl KeyValue for ModelStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let now_ms = self.begin().await;
        let mut world = self.world();
        world.operations.gets += 1;
        if world.draw_outcome() != Outcome::Done {
            return Err(StoreError::new("simulated"));
        }
        let moment_ms = world.draw_moment(now_ms).max(self.own_change(key));
        let value = world.registers.get(key).and_then(|register| register.as_of(moment_ms)).cloned();
        world.operations.bytes_read += value.as_ref().map_or(0, Vec::len) as u64;
        Ok(value)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        {
            let mut world = self.world();
            world.operations.sets += 1;
            world.operations.bytes_written += value.len() as u64;
        }
        self.change(key, Some(value)).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.world().operations.deletes += 1;
        self.change(key, None).await
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        let now_ms = self.begin().await;
        let mut world = self.world();
        world.operations.listings += 1;
        if world.draw_outcome() != Outcome::Done {
            return Err(StoreError::new("simulated"));
        }
        // Drawing needs the whole world.
        let registers = std::mem::take(&mut world.registers);
        let mut listed = Vec::with_capacity(registers.len());
        for (key, register) in &registers {
            let is_seen = if register.recent.is_empty() {
                register.settled.is_some()
            } else {
                let moment_ms = world.draw_moment(now_ms).max(self.own_change(key));
                register.as_of(moment_ms).is_some()
            };
            if is_seen {
                listed.push(key.clone());
            }
        }
        world.registers = registers;
        Ok(listed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pollster::block_on;

    const FAULTS: Faults = Faults { staleness_ms: 60_000, latency_ms: 0, failures: 0, late_ms: 0 };

    fn store() -> (ModelStore, ManualClock) {
        let clock = ManualClock::at(1_000_000);
        (ModelStore::new(7, clock.clone(), FAULTS), clock)
    }

    #[test]
    fn answers_are_of_any_age_up_to_the_staleness_and_never_older() {
        let (store, clock) = store();
        for value in 0..20 {
            block_on(store.request().set("a", &[value])).unwrap();
            clock.advance(10_000);
        }
        let seen: BTreeSet<_> = (0..500).map(|_| block_on(store.request().get("a")).unwrap()).collect();
        let possible: BTreeSet<_> = (14..20).map(|value| Some(vec![value])).collect();
        assert_eq!(seen, possible);
    }

    #[test]
    fn deleted_keys_linger_and_are_then_forgotten() {
        let (store, clock) = store();
        block_on(store.request().set("a", b"1")).unwrap();
        clock.advance(100_000);
        block_on(store.request().delete("a")).unwrap();
        let listings = |_| block_on(store.request().keys()).unwrap().len();
        let seen: BTreeSet<_> = (0..100).map(listings).collect();
        assert_eq!(seen, [0, 1].into());
        assert_eq!(store.held(), Held::default());
        clock.advance(60_000);
        assert_eq!((0..100).map(listings).max(), Some(0));
        assert!(store.world().registers.is_empty());
        assert_eq!(store.ever_held(), ["a".to_owned()].into());
    }

    #[test]
    fn requests_see_their_own_changes() {
        let (store, clock) = store();
        let request = store.request();
        for value in 0..50 {
            block_on(request.set("a", &[value])).unwrap();
            assert_eq!(block_on(request.get("a")).unwrap(), Some(vec![value]));
            block_on(request.delete("b")).unwrap();
            assert_eq!(block_on(request.keys()).unwrap(), ["a"]);
            clock.advance(1_000);
        }
        assert_eq!(store.held(), Held { keys: 1, bytes: 1 });
    }

    #[test]
    fn what_comes_late_comes_in_its_time() {
        let (store, clock) = store();
        store.set_faults(Faults { failures: 1_000, late_ms: 30_000, ..FAULTS });
        let mut failed = 0;
        for value in 0..30 {
            failed += u32::from(block_on(store.request().set("a", &[value])).is_err());
            clock.advance(100);
        }
        assert_eq!(failed, 30);
        clock.advance(200_000);
        store.set_faults(FAULTS);
        let seen: BTreeSet<_> = (0..50).map(|_| block_on(store.request().get("a")).unwrap()).collect();
        assert_eq!(seen.len(), 1, "everybody sees the same in the end");
        assert_eq!(store.world().unsettled.len(), 0);
    }
}
