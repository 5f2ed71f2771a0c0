//! What changed since a cursor.

use std::sync::Arc;

use bytes::Bytes;

use crate::body::{RangeTombstone, range_order};
use crate::error::LedgerError;
use crate::key::{Key, Range};
use crate::merging::Merging;
use crate::name::ObjectName;
use crate::policy::level;
use crate::query::{Direction, overlap};
use crate::reach::Asked;
use crate::segment::Segment;
use crate::stamp::Stamp;
use crate::store::KeyValue;
use crate::view::{Sources, View};

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
    /// If there is more: everything up to this stamp is told, so that the next question goes on above it.
    pub until: Option<Stamp>,
}

impl<S: KeyValue> View<'_, S> {
    /// What changed in `partitions` with a stamp above `since`.
    ///
    /// # Errors
    /// When the store fails or an object is [unavailable](LedgerError::Unavailable).
    pub async fn changes(&self, partitions: &[&str], since: Stamp) -> Result<Changes, LedgerError> {
        self.changes_of(partitions, since, None).await
    }

    /// The oldest of what changed, for who can come back for more: at least `limit` changes if there are as many, but
    /// fewer where this view would have to read more than [`MAX_PAGE_GETS`](crate::limits::MAX_PAGE_GETS) objects in
    /// all, or more than [`MAX_PAGE_BYTES`](crate::limits::MAX_PAGE_BYTES).
    ///
    /// # Errors
    /// When the store fails or an object is [unavailable](LedgerError::Unavailable).
    pub async fn oldest_changes(
        &self,
        partitions: &[&str],
        since: Stamp,
        limit: usize,
    ) -> Result<Changes, LedgerError> {
        self.changes_of(partitions, since, Some(limit)).await
    }

    async fn changes_of(
        &self,
        partitions: &[&str],
        since: Stamp,
        limit: Option<usize>,
    ) -> Result<Changes, LedgerError> {
        let mut ranges: Vec<Range> = partitions.iter().map(|partition| Range::partition(partition)).collect();
        ranges.sort_unstable_by(|a, b| a.start().cmp(b.start()));
        ranges.dedup();
        let asked: Vec<Asked<'_>> = ranges.iter().map(Asked::new).collect();
        let matters =
            |name: &ObjectName| name.greatest() > since && asked.iter().any(|asked| asked.may_meet(name));
        loop {
            let mut sources = self.sources(matters);
            let mut segments: Vec<Arc<Segment>> = Vec::new();
            let changes = loop {
                let Some(index) = next_of(&sources) else {
                    break changes_in(&segments, &ranges, since);
                };
                if let Some(limit) = limit
                    && let Some(changes) = self.enough(&sources, index, &segments, &ranges, since, limit)
                {
                    break changes;
                }
                segments.extend(sources.read(index).await?);
            };
            if sources.complete().await? {
                return Ok(changes);
            }
        }
    }

    /// The changes that are known for good before the object `next` and all behind it are read, if these are enough.
    fn enough<F: Fn(&ObjectName) -> bool>(
        &self,
        sources: &Sources<'_, '_, S, F>,
        next: usize,
        segments: &[Arc<Segment>],
        ranges: &[Range],
        since: Stamp,
        limit: usize,
    ) -> Option<Changes> {
        let listing = sources.listing();
        let object = &listing.objects()[next];
        let until = Stamp::last_before_ms(object.name.least_ms)?;
        if object.name.level < level::BOTTOM || until <= since {
            return None;
        }
        let mut changes = changes_in(segments, ranges, since);
        changes.items.retain(|item| item.stamp <= until);
        changes.ranges.retain(|range| range.stamp <= until);
        changes.until = Some(until);
        // What was deleted or replaced later is not told once more, where that is not read yet.
        let unread = |range: &Range| {
            let partition = range.only_partition()?.to_owned();
            let spans = sources.unread().filter_map(|(_, name)| name.span(Some(&partition)));
            Some((partition.clone(), spans.collect::<Vec<_>>()))
        };
        let unread: Vec<_> = ranges.iter().filter_map(unread).collect();
        let may_be_elsewhere = |item: &Change| {
            let key = item.key.as_bytes();
            let same = unread.iter().filter(|(partition, _)| partition == item.key.partition());
            same.flat_map(|(_, spans)| spans)
                .any(|span| span.low.as_slice() <= key && key <= span.high.as_slice())
        };
        let is_dear = !self.is_loaded(&object.text) && (self.has_read_many() || self.would_read_much(object));
        let is_enough = is_dear || changes.items.len() >= limit;
        (is_enough && !changes.items.iter().any(may_be_elsewhere)).then_some(changes)
    }
}

/// What to read next: first what is on its way to the bottom, since it has the last word on what lies there; then the bottom
/// in the order of time.
fn next_of<S: KeyValue, F: Fn(&ObjectName) -> bool>(sources: &Sources<'_, '_, S, F>) -> Option<usize> {
    let rank = |name: &ObjectName| match name.level {
        level::BOTTOM.. => (1, name.least_ms),
        _ => (0, 0),
    };
    sources.unread().min_by_key(|(index, name)| (rank(name), *index)).map(|(index, _)| index)
}

/// What the entries of some objects tell of what changed above `since`.
fn changes_in(segments: &[Arc<Segment>], ranges: &[Range], since: Stamp) -> Changes {
    let mut changes = Changes::default();
    for range in ranges {
        let mut merging = Merging::new(range, Direction::Forward).above(since);
        segments.iter().for_each(|segment| merging.add(Arc::clone(segment)));
        while let Some(winner) = merging.next() {
            if !winner.is_hidden() {
                let (key, stamp, value) = (winner.key(), winner.stamp(), winner.value());
                changes.items.push(Change { key, stamp, value });
            }
        }
    }
    changes.items.sort_by(|a, b| (a.stamp, &a.key).cmp(&(b.stamp, &b.key)));
    let touches = |range: &Range| ranges.iter().any(|asked| overlap(asked, range));
    let tombstones = segments.iter().flat_map(|segment| segment.ranges());
    let recent = tombstones.filter(|tombstone| tombstone.stamp > since && touches(&tombstone.range));
    changes.ranges.extend(recent.cloned());
    // Whole, so that what was read first makes no difference.
    changes.ranges.sort_by(|a, b| a.stamp.cmp(&b.stamp).then_with(|| range_order(a).cmp(&range_order(b))));
    changes.ranges.dedup();
    changes
}
