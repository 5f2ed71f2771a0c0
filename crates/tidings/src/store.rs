//! The key-value store on disk: one SQLite file, in the layout of Spin's own local store, so that a file can move
//! between the two.
//!
//! All writes go through one thread, which makes those that wait at the same moment durable together; a write is
//! acknowledged only after its transaction has been synchronised to disk. Reads run beside it on connections of
//! their own. The write-ahead log is never truncated while the store is open: overwriting a log that is already
//! there costs one cheap data synchronisation, growing a file costs a dear one.

use crate::limits;
use crate::stale::{History, Look, Value, View};
use anyhow::Context as _;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Name of the store's file in the data directory, as Spin has it.
pub const FILE_NAME: &str = "sqlite_key_value.db";

/// Name of the file that keeps a second host away from the same data.
const LOCK_NAME: &str = "tidings.lock";

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (
    store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";
const GET: &str = "SELECT value FROM spin_key_value WHERE store = 'default' AND key = ?1";
const EXISTS: &str = "SELECT 1 FROM spin_key_value WHERE store = 'default' AND key = ?1";
const KEYS: &str = "SELECT key FROM spin_key_value WHERE store = 'default' ORDER BY key";
const SET: &str = "INSERT INTO spin_key_value (store, key, value) VALUES ('default', ?1, ?2)
    ON CONFLICT (store, key) DO UPDATE SET value = excluded.value";
const DELETE: &str = "DELETE FROM spin_key_value WHERE store = 'default' AND key = ?1";
const COUNT_OTHERS: &str = "SELECT count(*) FROM spin_key_value WHERE store = 'default' AND key <> ?1";

/// Why an operation failed. The texts are shown to components.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The key is longer than [`limits::KEY_BYTES`].
    #[error("the key has {got} bytes, at most {} are allowed", limits::KEY_BYTES)]
    KeyTooLong {
        /// Its length in bytes.
        got: usize,
    },
    /// The value is longer than [`limits::VALUE_BYTES`].
    #[error("the value has {got} bytes, at most {} are allowed", limits::VALUE_BYTES)]
    ValueTooLong {
        /// Its length in bytes.
        got: usize,
    },
    /// The store holds as many keys as it may.
    #[error("the store holds {limit} keys, which is all it may")]
    TooManyKeys {
        /// The limit given when the store was opened.
        limit: u64,
    },
    /// The store has been closed, because the host is shutting down.
    #[error("the store is closed")]
    Closed,
    /// The database failed. Whether a write took effect is unknown.
    #[error("the store failed: {0}")]
    Database(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// How a store behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreOptions {
    /// How old a read may be; zero for a store that is always current.
    pub stale: Duration,
    /// The greatest number of keys, if there is one.
    pub max_keys: Option<u64>,
}

/// An open data file: the store that manifests call "default".
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    writes: mpsc::Sender<Message>,
}

/// What readers and the writer have in common.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    options: StoreOptions,
    /// Idle connections for reading.
    readers: Mutex<Vec<Connection>>,
    /// What reads as of an earlier time need. Held for writing while changes are committed, so that a change and
    /// its record appear as one.
    history: RwLock<History>,
    /// Keeps other hosts away until readers and writer are done.
    _lock: File,
}

#[derive(Debug)]
enum Message {
    Write(Write),
    Close(oneshot::Sender<()>),
}

#[derive(Debug)]
struct Write {
    key: String,
    value: Value,
    done: oneshot::Sender<Result<Instant, StoreError>>,
}

impl Store {
    /// Opens the store in a data directory, making both if need be.
    ///
    /// # Errors
    /// When the directory cannot be written, holds something else under the file's name, or is in use by another
    /// host.
    pub fn open(directory: &Path, options: StoreOptions) -> anyhow::Result<Arc<Self>> {
        create_private_directory(directory)
            .with_context(|| format!("cannot make the data directory {}", directory.display()))?;
        let lock = lock(directory)?;
        let path = directory.join(FILE_NAME);
        let connection = open_for_writing(&path)
            .with_context(|| format!("cannot open the data file {}", path.display()))?;
        let (writes, queue) = mpsc::channel(limits::WRITE_QUEUE);
        let history = RwLock::new(History::new(options.stale));
        let shared = Arc::new(Shared { path, options, readers: Mutex::default(), history, _lock: lock });
        let writer = Writer { connection, shared: Arc::clone(&shared), queue };
        std::thread::Builder::new().name("store".to_owned()).spawn(move || writer.run())?;
        Ok(Arc::new(Self { shared, writes }))
    }

    /// Begins what one request does with the store.
    pub fn session(self: &Arc<Self>) -> Session {
        let stale = self.shared.options.stale;
        let view = (!stale.is_zero()).then(|| View::new(stale));
        Session { store: Arc::clone(self), view, operations: 0 }
    }

    /// Waits for the writes that have been asked for, moves the log into the data file and closes it. Operations
    /// after this fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.writes.send(Message::Close(done)).await.is_ok() {
            // An error means that the writer has ended, which is what we wait for.
            let _ = closed.await;
        }
    }

    async fn write(&self, key: &str, value: Value) -> Result<Instant, StoreError> {
        let (done, result) = oneshot::channel();
        let write = Write { key: key.to_owned(), value, done };
        self.writes.send(Message::Write(write)).await.map_err(|_| StoreError::Closed)?;
        result.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs a read on a connection of its own, off the threads that serve requests.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Shared, &Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        let task = tokio::task::spawn_blocking(move || {
            let idle = lock_mutex(&shared.readers).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => open_for_reading(&shared.path)?,
            };
            let result = read(&shared, &connection);
            let mut idle = lock_mutex(&shared.readers);
            if idle.len() < limits::IDLE_READERS {
                idle.push(connection);
            }
            result
        });
        task.await.map_err(|error| StoreError::Database(error.to_string()))?
    }
}

/// One request's way to the store: counts its operations and, in a rehearsal, ages what it sees.
#[derive(Debug)]
pub struct Session {
    store: Arc<Store>,
    view: Option<View>,
    operations: u32,
}

impl Session {
    /// How many operations this request has asked for.
    pub fn operations(&self) -> u32 {
        self.operations
    }

    /// Reads a value.
    ///
    /// # Errors
    /// When the key is too long or the database fails.
    pub async fn get(&mut self, key: &str) -> Result<Value, StoreError> {
        self.begin(key)?;
        let owned_key = key.to_owned();
        let Some(view) = &self.view else {
            return self.store.read(move |_, connection| select(connection, &owned_key)).await;
        };
        let at = view.time(Look::Value, key, Instant::now());
        if let Some(own) = view.own(key, at) {
            return Ok(own.clone());
        }
        let read = move |shared: &Shared, connection: &Connection| {
            let history = shared.history.read().unwrap_or_else(PoisonError::into_inner);
            match history.before(&owned_key, at) {
                Some(before) => Ok(before.clone()),
                None => select(connection, &owned_key),
            }
        };
        self.store.read(read).await
    }

    /// Tells whether a key is there.
    ///
    /// # Errors
    /// When the key is too long or the database fails.
    pub async fn exists(&mut self, key: &str) -> Result<bool, StoreError> {
        if self.view.is_some() {
            return Ok(self.get(key).await?.is_some());
        }
        self.begin(key)?;
        let key = key.to_owned();
        self.store.read(move |_, connection| Ok(connection.prepare_cached(EXISTS)?.exists([key])?)).await
    }

    /// Lists all keys.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keys(&mut self) -> Result<Vec<String>, StoreError> {
        self.operations += 1;
        let Some(view) = &self.view else {
            return self.store.read(|_, connection| select_keys(connection)).await;
        };
        // What changes after this moment is in the history, what changed before is among the candidates.
        let now = Instant::now();
        let candidates = self.store.read(keys_with_past).await?;
        let history = self.store.shared.history.read().unwrap_or_else(PoisonError::into_inner);
        let seen = candidates.into_iter().filter(|(key, is_there)| {
            let at = view.time(Look::Listing, key, now);
            view.past(&history, key, at).map_or(*is_there, Option::is_some)
        });
        Ok(seen.map(|(key, _)| key).collect())
    }

    /// Writes a value. Durable when it returns.
    ///
    /// # Errors
    /// When key or value are too long, the store is full, or the database fails.
    pub async fn set(&mut self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        if value.len() > limits::VALUE_BYTES {
            return Err(StoreError::ValueTooLong { got: value.len() });
        }
        self.change(key, Some(value)).await
    }

    /// Removes a key. Durable when it returns.
    ///
    /// # Errors
    /// When the key is too long or the database fails.
    pub async fn delete(&mut self, key: &str) -> Result<(), StoreError> {
        self.change(key, None).await
    }

    async fn change(&mut self, key: &str, value: Value) -> Result<(), StoreError> {
        self.begin(key)?;
        let Some(view) = &mut self.view else {
            return self.store.write(key, value).await.map(drop);
        };
        let at = self.store.write(key, value.clone()).await?;
        view.wrote(key, at, value);
        Ok(())
    }

    fn begin(&mut self, key: &str) -> Result<(), StoreError> {
        self.operations += 1;
        if key.len() > limits::KEY_BYTES {
            return Err(StoreError::KeyTooLong { got: key.len() });
        }
        Ok(())
    }
}

/// The thread that owns the one connection for writing.
struct Writer {
    connection: Connection,
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Message>,
}

impl Writer {
    fn run(mut self) {
        let mut closers = Vec::new();
        while let Some(first) = self.queue.blocking_recv() {
            let mut group = Vec::new();
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Write(write) => group.push(write),
                    Message::Close(done) => {
                        self.queue.close();
                        closers.push(done);
                    }
                }
                let full = group.len() >= limits::GROUP_COMMIT_WRITES;
                next = if full { None } else { self.queue.try_recv().ok() };
            }
            self.commit(group);
        }
        lock_mutex(&self.shared.readers).clear();
        // Closing the last connection moves the log into the data file; a failure leaves the log, which is as good.
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "the store did not close cleanly");
        }
        drop(self.shared);
        for done in closers {
            // Nobody may be waiting any more.
            let _ = done.send(());
        }
    }

    /// Makes a group of writes durable, then acknowledges each.
    fn commit(&mut self, group: Vec<Write>) {
        if group.is_empty() {
            return;
        }
        let options = &self.shared.options;
        let mut history = self.shared.history.write().unwrap_or_else(PoisonError::into_inner);
        let results = match apply(&mut self.connection, options, &group) {
            Ok(applied) => {
                let at = Instant::now();
                let record = |(write, result): (&Write, Result<Value, StoreError>)| {
                    let before = result?;
                    if !options.stale.is_zero() {
                        history.record(&write.key, at, before);
                    }
                    Ok(at)
                };
                group.iter().zip(applied).map(record).collect::<Vec<_>>()
            }
            Err(error) => {
                tracing::error!(%error, writes = group.len(), "writing to the store failed");
                group.iter().map(|_| Err(error.clone())).collect()
            }
        };
        drop(history);
        for (write, result) in group.into_iter().zip(results) {
            // A request that ended while waiting does not hear of it.
            let _ = write.done.send(result);
        }
    }
}

/// Applies writes in one transaction. For each: what was there before (looked up only for a rehearsal), or why it
/// was refused. An error of the whole means that nothing was written.
fn apply(
    connection: &mut Connection,
    options: &StoreOptions,
    group: &[Write],
) -> Result<Vec<Result<Value, StoreError>>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut results = Vec::with_capacity(group.len());
    for write in group {
        results.push(match apply_one(&transaction, options, write) {
            Err(error @ StoreError::Database(_)) => return Err(error),
            result => result,
        });
    }
    transaction.commit()?;
    Ok(results)
}

fn apply_one(
    transaction: &Transaction<'_>,
    options: &StoreOptions,
    write: &Write,
) -> Result<Value, StoreError> {
    let before = if options.stale.is_zero() { None } else { select(transaction, &write.key)? };
    match &write.value {
        Some(value) => {
            if let Some(limit) = options.max_keys {
                let others: i64 =
                    transaction.prepare_cached(COUNT_OTHERS)?.query_row([&write.key], |row| row.get(0))?;
                if u64::try_from(others).unwrap_or(0) >= limit {
                    return Err(StoreError::TooManyKeys { limit });
                }
            }
            transaction.prepare_cached(SET)?.execute(params![write.key, value])?;
        }
        None => _ = transaction.prepare_cached(DELETE)?.execute([&write.key])?,
    }
    Ok(before)
}

fn select(connection: &Connection, key: &str) -> Result<Value, StoreError> {
    Ok(connection.prepare_cached(GET)?.query_row([key], |row| row.get(0)).optional()?)
}

fn select_keys(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(KEYS)?;
    let keys = statement.query_map([], |row| row.get(0))?;
    Ok(keys.collect::<Result<_, _>>()?)
}

/// All keys that are there now or were lately, and whether they are there now.
fn keys_with_past(shared: &Shared, connection: &Connection) -> Result<Vec<(String, bool)>, StoreError> {
    let history = shared.history.read().unwrap_or_else(PoisonError::into_inner);
    let mut keys: Vec<_> = select_keys(connection)?.into_iter().map(|key| (key, true)).collect();
    let mut gone: Vec<_> = history.keys().map(|key| (key.to_owned(), false)).collect();
    gone.retain(|(key, _)| keys.binary_search_by(|(there, _)| there.cmp(key)).is_err());
    keys.extend(gone);
    Ok(keys)
}

fn open_for_writing(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute(CREATE_TABLE, [])?;
    Ok(connection)
}

fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn lock(directory: &Path) -> anyhow::Result<File> {
    let file = File::create(directory.join(LOCK_NAME))
        .with_context(|| format!("cannot write to the data directory {}", directory.display()))?;
    file.try_lock()
        .with_context(|| format!("the data directory {} is in use by another host", directory.display()))?;
    Ok(file)
}

/// The data holds keys that nobody else on the machine should read.
fn create_private_directory(directory: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// The data behind our mutexes is whole even if a thread panicked while holding one.
fn lock_mutex<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
