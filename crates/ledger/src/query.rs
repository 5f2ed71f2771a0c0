//! The questions a view answers: one entry, a range of entries, what changed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use bytes::Bytes;

use crate::body::{Contents, RangeTombstone, Record};
use crate::error::LedgerError;
use crate::key::{Key, Range};
use crate::name::{ObjectName, Span};
use crate::stamp::Stamp;
use crate::store::KeyValue;
use crate::view::{View, tags_of, touches_any};

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

/// The latest state of a key that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Key,
    /// When it changed.
    pub stamp: Stamp,
    /// The value; `None` when it was deleted.
    pub value: Option<Bytes>,
}

/// What changed in some partitions since a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The latest state of each key that changed, ascending by stamp, then key.
    pub items: Vec<Change>,
    /// Ranges that were deleted as a whole, ascending by stamp: entries inside with a lower stamp are gone.
    pub ranges: Vec<RangeTombstone>,
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
        loop {
            let mut sources = self.sources(|name: &ObjectName| name.overlaps(&range));
            let mut winners = Winners::default();
            loop {
                let latest = winners.latest(&key);
                let next = sources.unread().filter(|(_, name)| Some(name.greatest()) >= latest);
                let Some((index, _)) = next.max_by_key(|(_, name)| name.greatest()) else { break };
                if let Some(contents) = sources.read(index).await? {
                    winners.add(&contents, &range, |_| true);
                }
            }
            if sources.complete().await? {
                return Ok(winners.live(&key));
            }
        }
    }

    /// The first `limit` entries of `range` in `direction`.
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
        if range.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let partition = range.only_partition();
        loop {
            let mut sources = self.sources(|name: &ObjectName| name.overlaps(&range));
            let mut winners = Winners::default();
            let mut page;
            loop {
                let unread =
                    sources.unread().filter_map(|(index, name)| Some((index, name.span(partition)?)));
                let next = unread.min_by(|(_, a), (_, b)| reached_first(a, b, direction));
                page = winners.page(direction, limit, next.as_ref().map(|(_, span)| span));
                let Some((index, _)) = next.filter(|_| page.len() < limit) else { break };
                if let Some(contents) = sources.read(index).await? {
                    winners.add(&contents, &range, |_| true);
                }
            }
            if sources.complete().await? {
                return Ok(page);
            }
        }
    }

    /// What changed in `partitions` with a stamp above `since`.
    ///
    /// # Errors
    /// When the store fails or an object is [unavailable](LedgerError::Unavailable).
    pub async fn changes(&self, partitions: &[&str], since: Stamp) -> Result<Changes, LedgerError> {
        let tags = tags_of(partitions);
        let asked: Vec<Range> = partitions.iter().map(|partition| Range::partition(partition)).collect();
        let matters = |name: &ObjectName| name.greatest() > since && touches_any(name, &tags);
        loop {
            let mut sources = self.sources(matters);
            let mut winners = Winners::default();
            loop {
                let Some(index) = sources.unread().next().map(|(index, _)| index) else { break };
                if let Some(contents) = sources.read(index).await? {
                    winners.add(&contents, &Range::all(), |key| partitions.contains(&key.partition()));
                }
            }
            if sources.complete().await? {
                return Ok(winners.changes(&asked, since));
            }
        }
    }
}

/// Which of two objects a scan meets first. An object that is met first is read first.
fn reached_first(a: &Span, b: &Span, direction: Direction) -> Ordering {
    match direction {
        Direction::Forward => a.low.cmp(&b.low),
        Direction::Backward => b.high.cmp(&a.high),
    }
}

/// The latest of all entries seen.
#[derive(Default)]
struct Winners {
    records: BTreeMap<Key, Record>,
    ranges: Vec<RangeTombstone>,
}

impl Winners {
    fn add(&mut self, contents: &Contents, range: &Range, wanted: impl Fn(&Key) -> bool) {
        let start = contents.records.partition_point(|record| record.key.as_bytes() < range.start());
        let inside =
            contents.records[start..].iter().take_while(|record| range.contains(record.key.as_str()));
        for record in inside.filter(|record| wanted(&record.key)) {
            let later =
                self.records.get(&record.key).is_none_or(|known| precedence(known) < precedence(record));
            if later {
                self.records.insert(record.key.clone(), record.clone());
            }
        }
        self.ranges
            .extend(contents.ranges.iter().filter(|tombstone| overlap(&tombstone.range, range)).cloned());
    }

    /// The stamp from which on a source must be to tell anything new about `key`.
    fn latest(&self, key: &Key) -> Option<Stamp> {
        let ranges = self.ranges.iter().filter(|tombstone| tombstone.range.contains(key.as_str()));
        let records = self.records.get(key).map(|record| record.stamp);
        ranges.map(|tombstone| tombstone.stamp).max().max(records)
    }

    fn is_hidden(&self, record: &Record) -> bool {
        self.ranges.iter().any(|tombstone| tombstone.hides(record.key.as_str(), record.stamp))
    }

    fn live(&self, key: &Key) -> Option<Entry> {
        self.records.get(key).and_then(|record| self.entry(record))
    }

    fn entry(&self, record: &Record) -> Option<Entry> {
        let value = record.value.clone().filter(|_| !self.is_hidden(record))?;
        Some(Entry { key: record.key.clone(), value, stamp: record.stamp })
    }

    /// The first live entries that lie before everything that the unread objects may still bring.
    fn page(&self, direction: Direction, limit: usize, unread: Option<&Span>) -> Vec<Entry> {
        let settled = |record: &&Record| match (unread, direction) {
            (None, _) => true,
            (Some(span), Direction::Forward) => record.key.as_bytes() < span.low.as_slice(),
            (Some(span), Direction::Backward) => record.key.as_bytes() > span.high.as_slice(),
        };
        let live = |record: &Record| self.entry(record);
        match direction {
            Direction::Forward => {
                self.records.values().take_while(settled).filter_map(live).take(limit).collect()
            }
            Direction::Backward => {
                self.records.values().rev().take_while(settled).filter_map(live).take(limit).collect()
            }
        }
    }

    fn changes(mut self, asked: &[Range], since: Stamp) -> Changes {
        let records = std::mem::take(&mut self.records);
        let changed = |record: &Record| record.stamp > since && !self.is_hidden(record);
        let mut items: Vec<_> = records
            .into_values()
            .filter(changed)
            .map(|Record { key, stamp, value }| Change { key, stamp, value })
            .collect();
        items.sort_by(|a, b| (a.stamp, &a.key).cmp(&(b.stamp, &b.key)));
        let touches = |range: &Range| asked.iter().any(|asked| overlap(asked, range));
        let mut ranges = self.ranges;
        ranges.retain(|tombstone| tombstone.stamp > since && touches(&tombstone.range));
        ranges.sort_by(|a, b| (a.stamp, a.range.start()).cmp(&(b.stamp, b.range.start())));
        ranges.dedup();
        Changes { items, ranges }
    }
}

/// The greatest stamp wins. Two different entries of one stamp cannot be, but if they are, all readers must agree.
pub(crate) fn precedence(record: &Record) -> (Stamp, bool, Option<&Bytes>) {
    (record.stamp, record.value.is_none(), record.value.as_ref())
}

fn overlap(a: &Range, b: &Range) -> bool {
    a.start() < b.end() && b.start() < a.end()
}
