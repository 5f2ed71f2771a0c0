//! A store that does all that a replicated one may do: stale answers, missing and lingering keys, failures that
//! happened all the same, or later. On virtual time, from a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::schedule::pause;
use super::{ManualClock, Operations};
use crate::store::{Clock, KeyValue, StoreError};

/// What may go wrong, and how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// D: how old an answer may be, in milliseconds.
    pub staleness_ms: u64,
    /// How long an operation takes at most, in milliseconds.
    pub latency_ms: u64,
    /// How many operations in a thousand fail: having happened, not, or happening later.
    pub failures: u32,
    /// How late a failed operation may happen, in milliseconds.
    pub late_ms: u64,
}

/// One register's past: what was set (`None`: deleted) and when, ascending.
type Register = Vec<(u64, Option<Vec<u8>>)>;

/// The store's state, as nobody inside sees it.
#[derive(Debug)]
struct World {
    registers: BTreeMap<String, Register>,
    late: Vec<(u64, String, Option<Vec<u8>>)>,
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
            late: Vec::new(),
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

    /// What the store really holds now.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let now_ms = self.clock.now_ms();
        let mut world = self.world();
        world.catch_up(now_ms);
        let current =
            |(key, register): (&String, &Register)| Some((key.clone(), register.last()?.1.clone()?));
        world.registers.iter().filter_map(current).collect()
    }

    /// The keys that ever had a value.
    pub fn ever_held(&self) -> BTreeSet<String> {
        let now_ms = self.clock.now_ms();
        let mut world = self.world();
        world.catch_up(now_ms);
        let held = |(_, register): &(&String, &Register)| register.iter().any(|(_, value)| value.is_some());
        world.registers.iter().filter(held).map(|(key, _)| key.clone()).collect()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
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
                    world.apply(now_ms, key, value.map(<[u8]>::to_vec));
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

    fn fail(&mut self, outcome: Outcome, now_ms: u64, key: &str, value: Option<Vec<u8>>) {
        match outcome {
            Outcome::FailedWithEffect => self.apply(now_ms, key, value),
            Outcome::FailedWithLateEffect => {
                let due_ms = now_ms + self.random.u64(0..=self.faults.late_ms);
                self.late.push((due_ms, key.to_owned(), value));
            }
            Outcome::Done | Outcome::FailedWithoutEffect => {}
        }
    }

    fn apply(&mut self, at_ms: u64, key: &str, value: Option<Vec<u8>>) {
        self.registers.entry(key.to_owned()).or_default().push((at_ms, value));
    }

    /// Lets happen what was to happen later.
    fn catch_up(&mut self, now_ms: u64) {
        self.late.sort_by_key(|(due_ms, ..)| *due_ms);
        let due = self.late.partition_point(|(due_ms, ..)| *due_ms <= now_ms);
        for (due_ms, key, value) in self.late.drain(..due).collect::<Vec<_>>() {
            let register = self.registers.entry(key).or_default();
            let place = register.partition_point(|(at_ms, _)| *at_ms <= due_ms);
            register.insert(place, (due_ms, value));
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

    fn as_of(&self, key: &str, moment_ms: u64) -> Option<&Vec<u8>> {
        let register = self.registers.get(key)?;
        let count = register.partition_point(|(at_ms, _)| *at_ms <= moment_ms);
        register.get(count.checked_sub(1)?)?.1.as_ref()
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
        let value = world.as_of(key, moment_ms).cloned();
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
        let all: Vec<String> = world.registers.keys().cloned().collect();
        let listed = |key: &String| {
            let moment_ms = world.draw_moment(now_ms).max(self.own_change(key));
            world.as_of(key, moment_ms).is_some()
        };
        Ok(all.into_iter().filter(listed).collect())
    }
}
