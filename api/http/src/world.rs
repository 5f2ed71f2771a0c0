//! The world that the ledger and the rules ask for: store, clock, randomness, and waiting.

use crate::config::Config;
use spin_sdk::key_value::{Error, Store};
use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tidings_ledger::{Budget, Clock, KeyValue, Ledger, Random, StoreError, View};
use wasi::clocks::monotonic_clock;
use wasi::random::random::get_random_bytes;

/// The ledger over the host's key-value store.
pub type AppLedger = Ledger<SpinStore, SystemClock, SystemRandom>;

/// A view of it.
pub type AppView<'a> = View<'a, SpinStore>;

/// Opens the ledger.
///
/// # Errors
/// When the host does not grant the store, or cannot open it.
pub fn open_ledger(config: &Config) -> Result<AppLedger, StoreError> {
    let store = Store::open_default().map_err(store_error)?;
    let store = SpinStore { store, operations: Cell::new(0), bytes_read: Cell::new(0) };
    Ok(Ledger::new(store, SystemClock, SystemRandom, config.timing))
}

/// `fermyon:spin/key-value@2.0.0` behind the ledger's small interface. It counts what a request costs.
pub struct SpinStore {
    store: Store,
    operations: Cell<u32>,
    bytes_read: Cell<u64>,
}

impl SpinStore {
    /// What is left of the `whole` that a request may do at most.
    #[must_use]
    pub fn left_of(&self, whole: Budget) -> Budget {
        Budget {
            operations: whole.operations.saturating_sub(self.operations.get()),
            bytes: whole.bytes.saturating_sub(self.bytes_read.get()),
        }
    }

    fn count(&self) {
        self.operations.set(self.operations.get().saturating_add(1));
    }
}

impl KeyValue for SpinStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.count();
        let value = self.store.get(key).map_err(store_error)?;
        let bytes = value.as_ref().map_or(0, Vec::len) as u64;
        self.bytes_read.set(self.bytes_read.get().saturating_add(bytes));
        Ok(value)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.count();
        self.store.set(key, value).map_err(store_error)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.count();
        self.store.delete(key).map_err(store_error)
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        self.count();
        self.store.get_keys().map_err(store_error)
    }
}

fn store_error(error: Error) -> StoreError {
    StoreError::new(error.to_string())
}

/// The host's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        now_ms()
    }
}

/// The time in unix milliseconds.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The host's random source (wasi:random), fit for secrets.
#[derive(Debug, Clone, Copy)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&get_random_bytes(bytes.len() as u64));
    }
}

/// Random bytes, fit for secrets.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom.fill(&mut bytes);
    bytes
}

/// A clock that only goes forward, for measuring.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(u64);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(monotonic_clock::now())
    }

    /// The time since, in milliseconds.
    #[must_use]
    pub fn elapsed_ms(self) -> u64 {
        monotonic_clock::now().saturating_sub(self.0) / 1_000_000
    }
}

/// Waits without keeping the instance from other futures.
pub async fn sleep(duration: Duration) {
    let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let end = monotonic_clock::now().saturating_add(nanoseconds);
    let mut registration = None;
    poll_fn(|context| {
        if monotonic_clock::now() >= end {
            return Poll::Ready(());
        }
        let timer = monotonic_clock::subscribe_instant(end);
        let token = spin_executor::push_waker_and_get_token(timer, context.waker().clone());
        registration = Some(spin_executor::CancelOnDropToken::from(token));
        Poll::Pending
    })
    .await;
    drop(registration);
}
