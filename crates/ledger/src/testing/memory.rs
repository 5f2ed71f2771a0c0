//! A store in memory that is never stale and never fails.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::{KeyValue, StoreError};

/// How many operations a store has seen, and how much was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Operations {
    /// Calls of `get`.
    pub gets: u64,
    /// Calls of `set`.
    pub sets: u64,
    /// Calls of `delete`.
    pub deletes: u64,
    /// Calls of `keys`.
    pub listings: u64,
    /// Bytes of values that were read.
    pub bytes_read: u64,
    /// Bytes of values that were written.
    pub bytes_written: u64,
}

impl Operations {
    /// All operations.
    pub const fn total(&self) -> u64 {
        self.gets + self.sets + self.deletes + self.listings
    }
}

/// A store in memory. Clones are the same store.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    values: BTreeMap<String, Vec<u8>>,
    operations: Operations,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was done since the last call of this function.
    pub fn take_operations(&self) -> Operations {
        std::mem::take(&mut self.inner().operations)
    }

    /// All keys and values, without counting as an operation.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        self.inner().values.clone()
    }

    /// Puts a value there, without counting as an operation.
    pub fn insert(&self, key: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.inner().values.insert(key.into(), value.into());
    }

    /// Removes a value, without counting as an operation.
    pub fn remove(&self, key: &str) -> Option<Vec<u8>> {
        self.inner().values.remove(key)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyValue for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut inner = self.inner();
        let value = inner.values.get(key).cloned();
        inner.operations.gets += 1;
        inner.operations.bytes_read += value.as_ref().map_or(0, Vec::len) as u64;
        Ok(value)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let mut inner = self.inner();
        inner.operations.sets += 1;
        inner.operations.bytes_written += value.len() as u64;
        inner.values.insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let mut inner = self.inner();
        inner.operations.deletes += 1;
        inner.values.remove(key);
        Ok(())
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        let mut inner = self.inner();
        inner.operations.listings += 1;
        Ok(inner.values.keys().cloned().collect())
    }
}
