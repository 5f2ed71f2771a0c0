//! The questions a view answers: one entry, a range of entries, what changed.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use bytes::Bytes;

use crate::body::Record;
use crate::error::LedgerError;
use crate::key::{Key, Range};
use crate::limits::{GETS_OF_A_PAGE, LEAST_GETS_OF_A_PAGE, MERGED_GETS_OF_A_PAGE, WAITING_OF_A_PAGE};
use crate::listing::{Listed, Listing};
use crate::merging::{Merging, Winner};
use crate::name::ObjectName;
use crate::reach::{Asked, Edge};
use crate::segment::Segment;
use crate::stamp::Stamp;
use crate::store::KeyValue;
use crate::view::View;

/// A live entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Bytes,
    /// When it was committed.
    pub stamp: Stamp,
}

/// The order in which a scan returns keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Lowest key first.
    Forward,
    /// Highest key first: the newest, where keys begin with a time.
    Backward,
}

/// Entries that follow each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// In the order asked for, without a gap.
    pub entries: Vec<Entry>,
    /// Whether there may be more behind the last one. `false`: there is none.
    pub more: bool,
}

impl<S: KeyValue> View<'_, S> {
    /// The entry of `key`, if it is there.
    ///
    /// Reads the objects that may have it, latest first, until no other can have a later one.
    ///
    /// # Errors
    /// When the store fails or an object is [unavailable](LedgerError::Unavailable).
    pub async fn get(&self, key: impl AsRef<str>) -> Result<Option<Entry>, LedgerError> {
        let Ok(key) = Key::parse(key.as_ref()) else { return Ok(None) };
        let range = Range::key(&key);
        let asked = Asked::new(&range);
        loop {
            let mut sources = self.sources(|name: &ObjectName| asked.may_meet(name));
            let mut latest = Latest::default();
            loop {
                let next = sources.unread().filter(|(_, name)| Some(name.greatest()) >= latest.stamp());
                let Some((index, _)) = next.max_by_key(|(_, name)| name.greatest()) else { break };
                if let Some(segment) = sources.read(index).await? {
                    latest.add(&segment, &key);
                }
            }
            if sources.complete().await? {
                return Ok(latest.live());
            }
        }
    }

    /// At most `limit` entries of `range` in that order.
    ///
    /// Reads only objects that may have keys before the last one returned.
    ///
    /// # Errors
    /// When the store fails or an object is [unavailable](LedgerError::Unavailable).
    pub async fn scan(
        &self,
        range: Range,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, LedgerError> {
        Ok(self.walk(&range, direction, limit, Frugality::None).await?.entries)
    }

    /// The same for who can come back for more: the page may end early, with at least one entry unless there is none.
    /// It does where this view would have to read more than [`MAX_PAGE_BYTES`](crate::limits::MAX_PAGE_BYTES) in all, or more
    /// than [`MAX_PAGE_GETS`](crate::limits::MAX_PAGE_GETS) objects, but for those not before the page has read
    /// [`LEAST_GETS_OF_A_PAGE`] itself; where it is half full and would have to read more than
    /// [`MERGED_GETS_OF_A_PAGE`] merged objects; and where it would have to read more than [`GETS_OF_A_PAGE`] objects, and one
    /// for each beyond [`WAITING_OF_A_PAGE`] that waits to be merged.
    ///
    /// While many commits follow each other faster than all can see them, each has to be read by itself; a short page
    /// of the latest keeps the request short.
    ///
    /// # Errors
    /// When the store fails or an object is [unavailable](LedgerError::Unavailable).
    pub async fn page(&self, range: Range, direction: Direction, limit: usize) -> Result<Page, LedgerError> {
        self.walk(&range, direction, limit, Frugality::Page).await
    }

    async fn walk(
        &self,
        range: &Range,
        direction: Direction,
        limit: usize,
        frugality: Frugality,
    ) -> Result<Page, LedgerError> {
        if range.is_empty() || limit == 0 {
            return Ok(Page::default());
        }
        let asked = Asked::new(range);
        loop {
            let mut sources = self.sources(|name: &ObjectName| asked.may_meet(name));
            let listing = sources.listing();
            let mut segments: Vec<Arc<Segment>> = Vec::new();
            let mut thrift = Thrift { frugality, limit, fetched: 0, merged: 0, waiting: 0 };
            // Once, and once more for each object that cannot be read: what is read in its place may come before what
            // was found already.
            let page = 'page: loop {
                let mut merging = Merging::new(range, direction);
                segments.iter().for_each(|segment| merging.add(Arc::clone(segment)));
                let reaches = sources.unread().filter_map(|(index, _)| {
                    let reach = asked.reach(&listing.objects()[index].name)?;
                    Some(Unread { index, direction, edge: reach.first(direction) })
                });
                let mut unread: BinaryHeap<Unread<'_>> = reaches.collect();
                let mut page = Page { entries: Vec::with_capacity(limit.min(MOST_RESERVED)), more: false };
                loop {
                    // Whatever may have a key as early as the next one, or a range that hides it, is read before.
                    while let Some(next) = unread.peek().filter(|next| next.comes_with(merging.next_key())) {
                        let object = &listing.objects()[next.index];
                        if thrift.is_enough(self, &listing, object, page.entries.len()) {
                            page.more = true;
                            break 'page page;
                        }
                        let Some(segment) = sources.read(next.index).await? else { continue 'page };
                        unread.pop();
                        segments.push(Arc::clone(&segment));
                        merging.add(segment);
                    }
                    match merging.next() {
                        Some(winner) => page.entries.extend(winner.live()),
                        None => break 'page page,
                    }
                    if page.entries.len() == limit {
                        page.more = merging.next_key().is_some() || !unread.is_empty();
                        break 'page page;
                    }
                }
            };
            if sources.complete().await? {
                return Ok(page);
            }
        }
    }
}

/// Whether a walk may end early to spare reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frugality {
    None,
    Page,
}

/// What a walk has read so far, and when that is enough.
struct Thrift {
    frugality: Frugality,
    limit: usize,
    /// Objects that were fetched for it.
    fetched: usize,
    /// Of them those that were merged.
    merged: usize,
    /// Of them those that cannot be merged yet, or were not.
    waiting: usize,
}

impl Thrift {
    /// Whether to end with the entries that there are, rather than read `object`.
    fn is_enough<S: KeyValue>(
        &mut self,
        view: &View<'_, S>,
        listing: &Listing,
        object: &Listed,
        entries: usize,
    ) -> bool {
        if self.frugality == Frugality::None || view.is_loaded(&object.text) {
            return false;
        }
        let is_merged = object.name.level() > 0;
        let is_dear = is_merged && self.merged >= MERGED_GETS_OF_A_PAGE && entries * 2 >= self.limit;
        let is_waiting = !is_merged || object.name.inputs.iter().any(|input| listing.has(*input));
        self.merged += usize::from(is_merged);
        self.waiting += usize::from(is_waiting);
        self.fetched += 1;
        let is_full = self.fetched > GETS_OF_A_PAGE + self.waiting.saturating_sub(WAITING_OF_A_PAGE);
        let has_share = self.fetched > LEAST_GETS_OF_A_PAGE;
        is_dear
            || entries > 0 && (is_full || view.would_read_much(object) || has_share && view.has_read_many())
    }
}

/// How many entries of a page room is made for before they are found.
const MOST_RESERVED: usize = 64;

/// An object that a scan has not read yet. The greatest is the one that it meets first.
struct Unread<'n> {
    index: usize,
    direction: Direction,
    /// The bound that the scan meets.
    edge: Edge<'n>,
}

impl Unread<'_> {
    /// Whether it may have keys at or before the next one that is known.
    fn comes_with(&self, next: Option<&str>) -> bool {
        next.is_none_or(|key| match self.direction {
            Direction::Forward => self.edge.cmp_key(key.as_bytes()).is_le(),
            Direction::Backward => self.edge.cmp_key(key.as_bytes()).is_ge(),
        })
    }
}

impl Ord for Unread<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let met_later = match self.direction {
            Direction::Forward => self.edge.cmp(&other.edge),
            Direction::Backward => other.edge.cmp(&self.edge),
        };
        met_later.reverse().then_with(|| Reverse(self.index).cmp(&Reverse(other.index)))
    }
}

impl PartialOrd for Unread<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Unread<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Unread<'_> {}

/// The latest that was seen of one key.
#[derive(Default)]
struct Latest {
    record: Option<Record>,
    /// The latest range tombstone that covers it.
    hidden: Option<Stamp>,
}

impl Latest {
    fn add(&mut self, segment: &Segment, key: &Key) {
        let covering = segment.ranges().iter().filter(|tombstone| tombstone.range.contains(key.as_str()));
        self.hidden = covering.map(|tombstone| tombstone.stamp).max().max(self.hidden);
        let index = segment.first_from(key.as_bytes());
        if index < segment.len() && segment.key(index) == key.as_str() {
            let record = segment.record(index);
            if self.record.as_ref().is_none_or(|known| precedence(known) < precedence(&record)) {
                self.record = Some(record);
            }
        }
    }

    /// The stamp from which on an object must be to tell anything new.
    fn stamp(&self) -> Option<Stamp> {
        self.record.as_ref().map(|record| record.stamp).max(self.hidden)
    }

    fn live(self) -> Option<Entry> {
        let Record { key, stamp, value } = self.record?;
        let is_hidden = self.hidden.is_some_and(|hidden| stamp < hidden);
        value.filter(|_| !is_hidden).map(|value| Entry { key, value, stamp })
    }
}

impl Winner<'_> {
    fn live(&self) -> Option<Entry> {
        let value = if self.is_hidden() { None } else { self.value() }?;
        Some(Entry { key: self.key(), value, stamp: self.stamp() })
    }
}

/// The greatest stamp wins. Two different entries of one stamp cannot be, but if they are, all readers must agree.
pub(crate) fn precedence(record: &Record) -> (Stamp, bool, Option<&Bytes>) {
    (record.stamp, record.value.is_none(), record.value.as_ref())
}

pub(crate) fn overlap(a: &Range, b: &Range) -> bool {
    a.start() < b.end() && b.start() < a.end()
}
