//! Time that passes when told, and randomness that repeats.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::store::{Clock, Random};

/// A clock that stands until it is set. Clones show the same time.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows `now_ms`.
    pub fn at(now_ms: u64) -> Self {
        Self(Arc::new(AtomicU64::new(now_ms)))
    }

    /// Sets the time.
    pub fn set(&self, now_ms: u64) {
        self.0.store(now_ms, Ordering::Relaxed);
    }

    /// Lets time pass.
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Randomness that is the same for the same seed. Clones share their state.
#[derive(Debug, Clone)]
pub struct SeededRandom(Arc<Mutex<fastrand::Rng>>);

impl SeededRandom {
    /// The randomness of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    /// Goes on as the randomness of another seed, for all clones.
    pub fn reseed(&self, seed: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fastrand::Rng::with_seed(seed);
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
    }
}

/// A clock that is wrong by a constant.
#[derive(Debug, Clone)]
pub struct SkewedClock {
    clock: ManualClock,
    ahead_ms: i64,
}

impl SkewedClock {
    /// A clock that shows `ahead_ms` more than `clock`, or less if that is negative.
    pub const fn new(clock: ManualClock, ahead_ms: i64) -> Self {
        Self { clock, ahead_ms }
    }
}

impl Clock for SkewedClock {
    fn now_ms(&self) -> u64 {
        self.clock.now_ms().saturating_add_signed(self.ahead_ms)
    }
}
