//! The store as one request has it: the modelled one, with a count of what the request costs.

use std::cell::Cell;
use tidings_ledger::testing::{ModelStore, SeededRandom, SkewedClock};
use tidings_ledger::{Budget, KeyValue, Ledger, LedgerError, StoreError, View};

/// The ledger of one request.
pub(super) type OneLedger = Ledger<RequestStore, SkewedClock, SeededRandom>;

/// A view of it.
pub(super) type OneView<'l> = View<'l, RequestStore>;

/// Below this many operations nothing sensible can be merged or removed (as in `api/http/src/upkeep.rs`).
const LEAST_OPERATIONS: u32 = 4;
/// From this many keys on maintenance goes on although a request has used up what it may do.
const KEYS_UNDER_PRESSURE: usize = 600;
/// What maintenance may do then.
const PRESSING: Budget = Budget { operations: 20, bytes: 1_000_000 };

/// A store that counts.
#[derive(Debug)]
pub(super) struct RequestStore {
    store: ModelStore,
    operations: Cell<u32>,
    bytes_read: Cell<u64>,
}

impl RequestStore {
    pub fn new(store: ModelStore) -> Self {
        Self { store, operations: Cell::new(0), bytes_read: Cell::new(0) }
    }

    fn left(&self, keys: usize) -> Option<Budget> {
        let Budget { operations, bytes } = Budget::default();
        let left = Budget {
            operations: operations.saturating_sub(self.operations.get()),
            bytes: bytes.saturating_sub(self.bytes_read.get()),
        };
        match left.operations >= LEAST_OPERATIONS {
            true => Some(left),
            false => (keys >= KEYS_UNDER_PRESSURE).then_some(PRESSING),
        }
    }

    fn count(&self) {
        self.operations.set(self.operations.get() + 1);
    }
}

impl KeyValue for RequestStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.count();
        let value = self.store.get(key).await?;
        let bytes = value.as_ref().map_or(0, Vec::len) as u64;
        self.bytes_read.set(self.bytes_read.get() + bytes);
        Ok(value)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.count();
        self.store.set(key, value).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.count();
        self.store.delete(key).await
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        self.count();
        self.store.keys().await
    }
}

/// A piece of the store's maintenance once a reply is out, as the components do it.
pub(super) async fn maintain(ledger: &OneLedger, view: &mut OneView<'_>) -> Result<(), LedgerError> {
    if let Some(budget) = ledger.store().left(view.key_count()) {
        ledger.maintain(view, budget).await?;
    }
    Ok(())
}

/// The same for a request that was refused because the store is nearly full.
pub(super) async fn make_room(ledger: &OneLedger) -> Result<(), LedgerError> {
    maintain(ledger, &mut ledger.view().await?).await
}
