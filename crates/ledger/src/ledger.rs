//! Committing.

use std::sync::Arc;

use crate::batch::Batch;
use crate::body::{Contents, Identity, TooLarge, encode};
use crate::error::LedgerError;
use crate::key::Range;
use crate::limits::{MAX_ID_DRAWS, MAX_KEYS_FOR_COMMITS, MAX_KEYS_FOR_FREEING, MAX_OBJECT_BYTES};
use crate::listing::Listing;
use crate::name::ObjectId;
use crate::policy::Policy;
use crate::stamp::Stamp;
use crate::store::{Clock, KeyValue, Random};
use crate::timing::Timing;
use crate::view::View;

/// A sorted store of entries over write-once objects in bare registers.
#[derive(Debug)]
pub struct Ledger<S, C, R> {
    store: S,
    clock: C,
    random: R,
    timing: Timing,
    policy: Policy,
}

/// A commit that is ready to be written: object name, bytes and stamp are decided.
///
/// Writing it again after a failure is safe, since it is the same write.
#[derive(Debug, Clone)]
pub struct Prepared {
    name: String,
    body: Vec<u8>,
    stamp: Stamp,
    contents: Arc<Contents>,
}

/// Store operations that a commit is counted as: with one `set`, and another one while somebody watches.
const COMMIT_OPERATIONS: u32 = 2;

/// What came of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The stamp of all its entries; of an empty batch the greatest stamp there was.
    pub stamp: Stamp,
    /// The name of the object that was written; `None` for an empty batch.
    pub object: Option<String>,
}

impl<S: KeyValue, C: Clock, R: Random> Ledger<S, C, R> {
    /// A ledger over `store`, whose keys it takes for its own objects as far as they are named like them.
    pub const fn new(store: S, clock: C, random: R, timing: Timing) -> Self {
        Self { store, clock, random, timing, policy: Policy::new() }
    }

    /// Lists the store: one `keys`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn view(&self) -> Result<View<'_, S>, LedgerError> {
        View::open(&self.store, self.timing, self.clock.now_ms()).await
    }

    /// Lists the store once more in the same request: one `keys`. What `view` has read need not be read again, since objects
    /// never change.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn view_again<'a>(&'a self, view: View<'a, S>) -> Result<View<'a, S>, LedgerError> {
        view.open_again(self.clock.now_ms()).await
    }

    /// Writes all of `batch` or nothing: one `set` of a key that nobody else writes, and one before it of the
    /// [pulse](Self::pulse) while somebody watches. The view sees it from then on. An empty batch is no operation.
    ///
    /// # Errors
    /// See [`Self::prepare`] and [`Self::write`].
    pub async fn commit(&self, view: &mut View<'_, S>, batch: Batch) -> Result<Committed, LedgerError> {
        match self.prepare(view, batch)? {
            Some(prepared) => self.write(view, &prepared).await,
            None => Ok(Committed { stamp: view.greatest().unwrap_or(Stamp::ZERO), object: None }),
        }
    }

    /// Decides name, bytes and stamp of a commit, without any operation. `None` for an empty batch.
    ///
    /// The stamp is above all that the view lists, so that what was decided from the view replaces what it replaces.
    ///
    /// # Errors
    /// When the store is [nearly full](LedgerError::Full), the batch [too large](LedgerError::TooLarge), or a stored
    /// stamp leaves [no later one](LedgerError::OutOfTime).
    pub fn prepare(&self, view: &View<'_, S>, batch: Batch) -> Result<Option<Prepared>, LedgerError> {
        if batch.is_empty() {
            return Ok(None);
        }
        let listing = view.listing();
        check_pressure(&listing, &batch)?;
        let made_ms = self.clock.now_ms();
        let stamp =
            Stamp::following(view.greatest(), made_ms, self.draw() as u32).ok_or(LedgerError::OutOfTime)?;
        let contents = batch.into_contents(stamp);
        let id = self.free_id(&listing);
        let identity = Identity { id, level: 0, parts: 1, inputs: Vec::new(), made_ms, greatest: stamp };
        let (name, body) = encode(identity, &contents)
            .map_err(|TooLarge { bytes }| LedgerError::TooLarge { bytes, limit: MAX_OBJECT_BYTES })?;
        Ok(Some(Prepared { name: name.to_string(), body, stamp, contents: Arc::new(contents) }))
    }

    /// Writes a prepared commit: one `set`, and one before it of the [pulse](Self::pulse) while somebody watches. The
    /// view sees it from then on.
    ///
    /// # Errors
    /// When the store did not confirm the write. It may be there all the same, or appear up to the longest request
    /// later; writing the same again is safe, and later commits with this view go above it in any case.
    pub async fn write(&self, view: &mut View<'_, S>, prepared: &Prepared) -> Result<Committed, LedgerError> {
        view.raise_floor(prepared.stamp);
        view.count(COMMIT_OPERATIONS);
        let announced = self.announce(view, prepared.stamp).await;
        let written = self.store.set(&prepared.name, &prepared.body).await;
        if announced.is_err() {
            // A second try; if that fails too, those who watch notice the commit when their watch has expired.
            let _ = self.announce(view, prepared.stamp).await;
        }
        written?;
        view.absorb(&prepared.name, prepared.contents.clone());
        Ok(Committed { stamp: prepared.stamp, object: Some(prepared.name.clone()) })
    }

    /// Removes all that was committed to `range` before. It is hidden at once, by one commit that is taken even when the
    /// store is nearly full; its bytes go with the [maintenance](Self::maintain) of the requests that follow, bit by bit.
    ///
    /// # Errors
    /// See [`Self::prepare`] and [`Self::write`].
    pub async fn purge(&self, view: &mut View<'_, S>, range: Range) -> Result<Committed, LedgerError> {
        let mut batch = Batch::freeing();
        batch.delete_range(range);
        self.commit(view, batch).await
    }

    /// The times this ledger was made with.
    pub const fn timing(&self) -> Timing {
        self.timing
    }

    /// The store underneath.
    pub const fn store(&self) -> &S {
        &self.store
    }

    pub(crate) const fn policy(&self) -> Policy {
        self.policy
    }

    /// Moves things from smaller numbers and sizes on, so that short histories see all that maintenance does.
    #[cfg(test)]
    pub(crate) fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub(crate) fn draw(&self) -> u64 {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// An identifier that no listed object has or names. Were it the input of some object, this one would be skipped.
    fn free_id(&self, listing: &Listing) -> ObjectId {
        let drawn = (0..MAX_ID_DRAWS).map(|_| ObjectId::new(self.draw())).find(|id| !listing.knows(*id));
        drawn.unwrap_or_else(|| {
            let mut id = ObjectId::new(self.draw());
            while listing.knows(id) {
                id = id.next();
            }
            id
        })
    }
}

fn check_pressure(listing: &Listing, batch: &Batch) -> Result<(), LedgerError> {
    let limit = if batch.is_freeing() { MAX_KEYS_FOR_FREEING } else { MAX_KEYS_FOR_COMMITS };
    match listing.key_count() {
        keys if keys >= limit => Err(LedgerError::Full { keys, limit }),
        _ => Ok(()),
    }
}

impl Prepared {
    /// The name of the object to be written.
    pub fn object(&self) -> &str {
        &self.name
    }

    /// The stamp of all its entries.
    pub const fn stamp(&self) -> Stamp {
        self.stamp
    }
}
