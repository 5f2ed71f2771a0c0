//! What the ledger asks of the world: registers, a clock and randomness.
//!
//! Five small methods in all, so that a test can play any host and any crash.

/// A store of last-write-wins registers, as little as the poorest host gives.
///
/// Assumed is only: one `set` is atomic; `get` may answer with a value that was current up to a configured time ago;
/// `keys` may miss keys set, or show keys deleted, within that time; and an operation that reported a failure may have
/// taken effect, or take effect later. Futures need not be `Send`; they are if the store's are.
#[allow(async_fn_in_trait)] // Components are single-threaded; who needs `Send` gets it from the concrete store.
pub trait KeyValue {
    /// The value of `key`, if there is one.
    ///
    /// # Errors
    /// When the store could not be asked.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Puts `value` under `key`, whole or not at all.
    ///
    /// # Errors
    /// When the store did not confirm it. It may have happened all the same, or happen later.
    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Removes `key`; removing what is not there is no error.
    ///
    /// # Errors
    /// When the store did not confirm it. It may have happened all the same, or happen later.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// All keys, in any order.
    ///
    /// # Errors
    /// When the store could not be asked.
    async fn keys(&self) -> Result<Vec<String>, StoreError>;
}

impl<S: KeyValue + ?Sized> KeyValue for &S {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        (**self).get(key).await
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        (**self).set(key, value).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        (**self).delete(key).await
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        (**self).keys().await
    }
}

/// A store operation that failed. For logs: it may tell more about the host than clients should know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key-value store failed: {message}")]
pub struct StoreError {
    /// What the host said.
    pub message: String,
}

impl StoreError {
    /// An error with the host's own words.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// The time.
pub trait Clock {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now_ms(&self) -> u64 {
        (**self).now_ms()
    }
}

/// A source of randomness: short identifiers and tie-breaks are drawn from it, no secrets.
pub trait Random {
    /// Fills `bytes` with random bytes. Takes `&self`: sources keep their state inside, as the system's does.
    fn fill(&self, bytes: &mut [u8]);
}

impl<R: Random + ?Sized> Random for &R {
    fn fill(&self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}
