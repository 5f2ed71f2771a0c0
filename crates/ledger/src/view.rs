//! Reading: one listing, and the objects it leads to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::body::Contents;
use crate::error::{Damage, DamageReason, LedgerError};
use crate::limits::{MAX_PAGE_BYTES, MAX_PAGE_GETS, MAX_RELISTINGS};
use crate::listing::{Listed, Listing, Readability};
use crate::name::{ObjectName, Tag};
use crate::segment::{Segment, Stored};
use crate::stamp::Stamp;
use crate::store::KeyValue;
use crate::timing::Timing;

/// What the store holds as of one listing, and what was committed with it since.
///
/// Made by [`Ledger::view`](crate::Ledger::view), for one request. Objects are read when first needed and kept decoded,
/// so asking again costs nothing. A view may list the store once more when an object went away under it.
pub struct View<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) timing: Timing,
    pub(crate) now_ms: u64,
    // A lock, not a cell, so that a view can be shared wherever its store can. Never held across an await.
    state: Mutex<State>,
}

struct State {
    listing: Arc<Listing>,
    loaded: HashMap<String, Loaded>,
    /// Names of objects written with this view, which a listing may not show yet.
    own: Vec<String>,
    /// No commit with this view may go below, whether or not the last attempt was confirmed.
    floor: Option<Stamp>,
    relistings: u32,
    damage: Vec<Damage>,
    /// Objects read so far, and their bytes.
    gets: usize,
    bytes_read: u64,
    /// Store operations so far, those of the views that this one comes from included.
    operations: u32,
}

/// How full the store is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Keys, whatever they are; the hosts allow 1,024.
    pub keys: usize,
    /// Bytes of all objects' bodies.
    pub bytes: u64,
    /// Objects by level: commits first, then compactions of ever more bytes.
    pub levels: Vec<LevelUsage>,
}

/// What there is of one level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LevelUsage {
    /// Number of objects.
    pub objects: usize,
    /// Bytes of their bodies.
    pub bytes: u64,
}

/// What came of reading an object.
#[derive(Clone)]
enum Loaded {
    Segment(Arc<Segment>),
    Missing,
    Damaged,
}

impl<'a, S: KeyValue> View<'a, S> {
    pub(crate) async fn open(store: &'a S, timing: Timing, now_ms: u64) -> Result<Self, LedgerError> {
        let listing = Arc::new(Listing::new(store.keys().await?));
        let state = State {
            listing,
            loaded: HashMap::new(),
            own: Vec::new(),
            floor: None,
            relistings: 0,
            damage: Vec::new(),
            gets: 0,
            bytes_read: 0,
            operations: 1,
        };
        Ok(Self { store, timing, now_ms, state: Mutex::new(state) })
    }

    /// The same with what the store lists now. Objects that were read are kept for when they are asked for; what could not
    /// be read is tried anew.
    pub(crate) async fn open_again(self, now_ms: u64) -> Result<Self, LedgerError> {
        let mut view = Self::open(self.store, self.timing, now_ms).await?;
        let old = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let state = view.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.floor = old.floor;
        state.operations += old.operations;
        state.loaded = old.loaded;
        state.loaded.retain(|_, loaded| matches!(loaded, Loaded::Segment(_)));
        Ok(view)
    }

    /// The objects to read for what `matters`.
    pub(crate) fn sources<F: Fn(&ObjectName) -> bool>(&self, matters: F) -> Sources<'_, 'a, S, F> {
        let mut sources = Sources {
            view: self,
            listing: self.listing(),
            matters,
            unread: Vec::new(),
            read: Vec::new(),
            missing: Vec::new(),
        };
        sources.plan();
        sources
    }

    async fn load(&self, object: &Listed) -> Result<Loaded, LedgerError> {
        if let Some(loaded) = self.state().loaded.get(&object.text) {
            return Ok(loaded.clone());
        }
        let bytes = self.store.get(&object.text).await?;
        let (loaded, damage) =
            match bytes.map(|bytes| Stored::open(&object.name, &object.text, Bytes::from(bytes))) {
                None => (Loaded::Missing, None),
                Some(Ok(stored)) => (Loaded::Segment(Arc::new(Segment::Stored(stored))), None),
                Some(Err(error)) => (Loaded::Damaged, Some(DamageReason::Body(error))),
            };
        let mut state = self.state();
        state.gets += 1;
        state.operations += 1;
        state.bytes_read += u64::from(object.name.size_bytes());
        if let Some(reason) = damage {
            let damage = Damage { object: object.text.clone(), reason };
            if !state.damage.contains(&damage) {
                state.damage.push(damage);
            }
        }
        state.loaded.insert(object.text.clone(), loaded.clone());
        Ok(loaded)
    }

    /// Reads one object, whatever replaces it. `None` when it cannot be read.
    pub(crate) async fn read_object(&self, object: &Listed) -> Result<Option<Arc<Contents>>, LedgerError> {
        match self.load(object).await? {
            Loaded::Segment(segment) => Ok(Some(segment.contents())),
            Loaded::Missing | Loaded::Damaged => Ok(None),
        }
    }

    /// Lists the store again, if that was not done too often. What was missing may be found or be gone then. What was read
    /// stays part of the view even if the new listing is staler and lacks it: one view has one answer.
    async fn list_again(&self) -> Result<bool, LedgerError> {
        if self.state().relistings >= MAX_RELISTINGS {
            return Ok(false);
        }
        let mut keys = self.store.keys().await?;
        let mut state = self.state();
        state.relistings += 1;
        state.operations += 1;
        state.loaded.retain(|_, loaded| !matches!(loaded, Loaded::Missing));
        keys.extend(state.own.iter().cloned());
        keys.extend(state.loaded.keys().cloned());
        state.listing = Arc::new(Listing::new(keys));
        Ok(true)
    }
}

impl<S> View<'_, S> {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can panic half way, so a poisoned one is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn listing(&self) -> Arc<Listing> {
        self.state().listing.clone()
    }

    /// The greatest stamp among the objects that may touch one of `partitions`: an upper bound of their entries' stamps,
    /// from the listing alone. `None` when nothing touches them.
    pub fn head(&self, partitions: &[&str]) -> Option<Stamp> {
        let tags = tags_of(partitions);
        let listing = self.listing();
        let names = listing.objects().iter().map(|object| &object.name);
        names.filter(|name| touches_any(name, &tags)).map(ObjectName::greatest).max()
    }

    /// A hash of the names of the objects that may touch one of `partitions` (`None`: of all objects), from the listing
    /// alone, whatever its order. While it stays the same, so does all that can be read there: an ETag.
    pub fn fingerprint(&self, partitions: Option<&[&str]>) -> [u8; 16] {
        let tags = partitions.map(tags_of);
        self.listing().fingerprint(|name| tags.as_ref().is_none_or(|tags| touches_any(name, tags)))
    }

    /// The greatest stamp listed or committed. The next commit goes above it.
    pub fn greatest(&self) -> Option<Stamp> {
        let state = self.state();
        state.listing.greatest().max(state.floor)
    }

    /// The greatest cursor a puller may be given at `now_ms`: all that is stamped below has appeared for good.
    pub fn settled_before(&self, now_ms: u64) -> Stamp {
        self.timing.settled_before(now_ms)
    }

    /// The times of the ledger that made it.
    pub const fn timing(&self) -> Timing {
        self.timing
    }

    /// When the view was made, in Unix milliseconds by the ledger's clock.
    pub fn made_at_ms(&self) -> u64 {
        self.now_ms
    }

    /// Whether anything was committed with this view, or those that it came from.
    pub fn has_committed(&self) -> bool {
        self.state().floor.is_some()
    }

    /// Store operations of reading and committing with this view, or those that it came from: what the request has cost.
    pub fn operations(&self) -> u32 {
        self.state().operations
    }

    /// Counts store operations that were made beside it.
    pub(crate) fn count(&mut self, operations: u32) {
        self.state().operations += operations;
    }

    /// How many objects the store holds.
    pub fn object_count(&self) -> usize {
        self.listing().objects().len()
    }

    /// How many keys the store holds, whatever they are; the hosts allow 1,024.
    pub fn key_count(&self) -> usize {
        self.listing().key_count()
    }

    /// How many bytes the objects' bodies take together.
    pub fn stored_bytes(&self) -> u64 {
        self.listing().objects().iter().map(|object| u64::from(object.name.size_bytes())).sum()
    }

    /// What the store holds, from the listing alone.
    pub fn usage(&self) -> Usage {
        let mut levels: Vec<LevelUsage> = Vec::new();
        for name in self.listing().objects().iter().map(|object| &object.name) {
            let level = usize::from(name.level());
            if levels.len() <= level {
                levels.resize(level + 1, LevelUsage::default());
            }
            levels[level].objects += 1;
            levels[level].bytes += u64::from(name.size_bytes());
        }
        Usage { keys: self.key_count(), bytes: self.stored_bytes(), levels }
    }

    /// The listed objects' names.
    pub fn objects(&self) -> Vec<ObjectName> {
        self.listing().objects().iter().map(|object| object.name.clone()).collect()
    }

    /// What was found that is no readable object: among the listed keys all of them, among the objects those read so
    /// far. Such are skipped, never deleted.
    pub fn damage(&self) -> Vec<Damage> {
        let state = self.state();
        state.listing.unknown().iter().chain(&state.damage).cloned().collect()
    }

    /// From now on, commits with this view go above `stamp`.
    pub(crate) fn raise_floor(&mut self, stamp: Stamp) {
        let mut state = self.state();
        state.floor = state.floor.max(Some(stamp));
    }

    /// Whether the view has read what [pages](View::page) may read. Who puts a page together from several ends it then.
    pub fn has_read_a_page(&self) -> bool {
        self.has_read_many() || self.state().bytes_read >= MAX_PAGE_BYTES
    }

    /// Whether the view has read as many objects as pages may read.
    pub(crate) fn has_read_many(&self) -> bool {
        self.state().gets >= MAX_PAGE_GETS
    }

    /// Whether to fetch one more object would take more bytes than pages may read.
    pub(crate) fn would_read_much(&self, object: &Listed) -> bool {
        self.state().bytes_read.saturating_add(u64::from(object.name.size_bytes())) > MAX_PAGE_BYTES
    }

    /// Whether reading an object costs nothing any more.
    pub(crate) fn is_loaded(&self, name: &str) -> bool {
        self.state().loaded.contains_key(name)
    }

    /// Leaves out objects that were removed with this view.
    pub(crate) fn forget(&mut self, removed: &[&str]) {
        let mut state = self.state();
        Arc::make_mut(&mut state.listing).remove(removed);
        state.own.retain(|own| !removed.contains(&own.as_str()));
        state.loaded.retain(|loaded, _| !removed.contains(&loaded.as_str()));
    }

    /// Adds a hint that was set with this view.
    pub(crate) fn absorb_hint(&mut self, key: &str) {
        let mut state = self.state();
        Arc::make_mut(&mut state.listing).add(key);
        state.own.push(key.to_owned());
    }

    /// Adds an object written with this view.
    pub(crate) fn absorb(&mut self, name: &str, contents: Arc<Contents>) {
        let mut state = self.state();
        Arc::make_mut(&mut state.listing).add(name);
        state.own.push(name.to_owned());
        state.loaded.insert(name.to_owned(), Loaded::Segment(Arc::new(Segment::Own(contents))));
    }
}

pub(crate) fn tags_of(partitions: &[&str]) -> Vec<Tag> {
    partitions.iter().map(|partition| Tag::of(partition)).collect()
}

pub(crate) fn touches_any(name: &ObjectName, tags: &[Tag]) -> bool {
    tags.iter().any(|tag| name.partitions().may_contain(*tag))
}

/// The objects to read for one question, as the answers come in.
pub(crate) struct Sources<'v, 'a, S, F> {
    view: &'v View<'a, S>,
    listing: Arc<Listing>,
    matters: F,
    unread: Vec<usize>,
    read: Vec<usize>,
    missing: Vec<usize>,
}

impl<S: KeyValue, F: Fn(&ObjectName) -> bool> Sources<'_, '_, S, F> {
    /// The listing that the indexes are of.
    pub fn listing(&self) -> Arc<Listing> {
        Arc::clone(&self.listing)
    }

    /// What is still to be read, in the listing's order.
    pub fn unread(&self) -> impl Iterator<Item = (usize, &ObjectName)> {
        self.unread.iter().map(|&index| (index, &self.listing.objects()[index].name))
    }

    /// Reads one of the unread. `None` when it cannot be read; its inputs are among the unread then.
    pub async fn read(&mut self, index: usize) -> Result<Option<Arc<Segment>>, LedgerError> {
        let loaded = self.view.load(&self.listing.objects()[index]).await?;
        self.read.push(index);
        self.unread.retain(|unread| *unread != index);
        match loaded {
            Loaded::Segment(segment) => return Ok(Some(segment)),
            Loaded::Missing => self.missing.push(index),
            Loaded::Damaged => {}
        }
        self.plan();
        Ok(None)
    }

    /// Whether what was read can stand for everything. Otherwise the store was listed again: start over.
    ///
    /// # Errors
    /// When something that must be there is missing, also after listing again.
    pub async fn complete(self) -> Result<bool, LedgerError> {
        for &index in &self.missing {
            let object = &self.listing.objects()[index];
            if !self.excused(&object.name) {
                if self.view.list_again().await? {
                    return Ok(false);
                }
                return Err(LedgerError::Unavailable { object: object.text.clone() });
            }
        }
        Ok(true)
    }

    /// A missing object is no loss if its inputs were read in its place, or if it is so young that it need not be
    /// visible yet: it might as well not have been listed. Inputs of so young a compaction were not removed for its sake.
    fn excused(&self, name: &ObjectName) -> bool {
        let View { timing, now_ms, .. } = self.view;
        match name.level() {
            0 => name.made_ms().saturating_add(timing.settling_ms()) > *now_ms,
            _ => {
                let visible_ms = name.made_ms().saturating_add(timing.appearing_ms());
                visible_ms > *now_ms || self.listing.has_inputs_of(name)
            }
        }
    }

    fn plan(&mut self) {
        let state = self.view.state();
        let known = Known { loaded: &state.loaded, matters: &self.matters };
        let mut needed = self.listing.needed(&known);
        needed.retain(|index| !self.read.contains(index));
        self.unread = needed;
    }
}

struct Known<'a, F> {
    loaded: &'a HashMap<String, Loaded>,
    matters: &'a F,
}

impl<F: Fn(&ObjectName) -> bool> Readability for Known<'_, F> {
    fn matters(&self, object: &ObjectName) -> bool {
        (self.matters)(object)
    }

    fn usable(&self, object: &Listed) -> bool {
        matches!(self.loaded.get(&object.text), None | Some(Loaded::Segment(_)))
    }
}
