//! One person's deployment: a store, a clock that may be wrong, and how requests find both.

use super::store::{OneLedger, RequestStore};
use std::cell::{Cell, RefCell};
use tidings_ledger::testing::{Faults, Held, ManualClock, ModelStore, SeededRandom, SkewedClock};
use tidings_ledger::{Ledger, Random, Timing};
use tidings_protocol::{Address, Fingerprint, Seed};

/// Somebody's deployment.
pub(super) struct Deployment {
    /// Which one of the network.
    pub number: usize,
    /// The owner's name at setup.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// The owner's identity, which only their client has.
    pub identity: Seed,
    /// The deployment key that the client makes for setup.
    pub key: Seed,
    store: ModelStore,
    timing: Timing,
    clock: ManualClock,
    random: RefCell<fastrand::Rng>,
    /// How far this host's clocks are ahead of the world's, and of each other at most, in milliseconds.
    ahead_ms: i64,
    apart_ms: i64,
    /// Most keys there ever were.
    most_keys: Cell<usize>,
}

impl Random for Deployment {
    fn fill(&self, bytes: &mut [u8]) {
        self.random.borrow_mut().fill(bytes);
    }
}

/// The clock of one request.
pub(super) type OneClock = SkewedClock;

impl Deployment {
    /// One over a store that is `staleness_ms` stale, with clocks `ahead_ms` ahead. `believed` is what it is told about
    /// the store.
    pub fn new(
        number: usize,
        seed: u64,
        clock: ManualClock,
        faults: Faults,
        believed: Timing,
        ahead_ms: i64,
    ) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut bytes = || std::array::from_fn(|_| random.u8(..));
        let (identity, key) = (Seed::from_bytes(bytes()), Seed::from_bytes(bytes()));
        #[allow(clippy::expect_used)] // Names of such letters and digits are hosts.
        let address = format!("https://d{number}.example").parse().expect("an address");
        Self {
            number,
            name: format!("d{number}"),
            address,
            identity,
            key,
            store: ModelStore::new(random.u64(..), clock.clone(), faults),
            timing: believed,
            clock,
            random: RefCell::new(random),
            ahead_ms,
            apart_ms: i64::try_from(believed.clock_error_ms / 2).unwrap_or(0),
            most_keys: Cell::new(0),
        }
    }

    /// Who owns it.
    pub fn fingerprint(&self) -> Fingerprint {
        self.identity.public_key().fingerprint()
    }

    /// The ledger and the clock of a fresh instance, as every request gets one.
    pub fn instance(&self) -> (OneLedger, OneClock) {
        let (apart_ms, seed) = {
            let mut random = self.random.borrow_mut();
            (random.i64(-self.apart_ms..=self.apart_ms), random.u64(..))
        };
        self.most_keys.set(self.most_keys.get().max(self.store.held().keys));
        let clock = SkewedClock::new(self.clock.clone(), self.ahead_ms + apart_ms);
        let store = RequestStore::new(self.store.request());
        (Ledger::new(store, clock.clone(), SeededRandom::new(seed), self.timing), clock)
    }

    /// Random bytes, as a host gives them.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut random = self.random.borrow_mut();
        std::array::from_fn(|_| random.u8(..))
    }

    /// What may go wrong in the store from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.store.set_faults(faults);
    }

    /// How much the store holds.
    pub fn held(&self) -> Held {
        self.store.held()
    }

    /// The most keys that it held when a request began.
    pub fn most_keys(&self) -> usize {
        self.most_keys.get().max(self.store.held().keys)
    }

    /// How long until whatever was written is seen by everybody, in milliseconds.
    pub fn settling_ms(&self) -> u64 {
        self.timing.finishing_ms()
    }
}
