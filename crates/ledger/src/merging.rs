//! Objects read side by side, in the order of keys: of each key the latest entry.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

use bytes::Bytes;

use crate::body::RangeTombstone;
use crate::key::{Key, Range};
use crate::query::{Direction, overlap};
use crate::segment::Segment;
use crate::stamp::Stamp;

/// The entries of some objects in a range. Objects can be added while it runs, as long as they have no key, and no range
/// tombstone over one, that was passed already.
pub(crate) struct Merging<'r> {
    range: &'r Range,
    direction: Direction,
    /// Entries that are not above this are left out.
    since: Option<Stamp>,
    cursors: BinaryHeap<Cursor>,
    ranges: Vec<RangeTombstone>,
}

/// The next entry of one object.
struct Cursor {
    segment: Arc<Segment>,
    direction: Direction,
    /// The entries that are left, this one included. Never empty.
    left: std::ops::Range<usize>,
}

/// The latest entry of a key.
pub(crate) struct Winner<'m> {
    segment: Arc<Segment>,
    index: usize,
    stamp: Stamp,
    ranges: &'m [RangeTombstone],
}

impl<'r> Merging<'r> {
    pub const fn new(range: &'r Range, direction: Direction) -> Self {
        Self { range, direction, since: None, cursors: BinaryHeap::new(), ranges: Vec::new() }
    }

    /// Leaves out entries that are not above a stamp.
    pub fn above(self, since: Stamp) -> Self {
        Self { since: Some(since), ..self }
    }

    pub fn add(&mut self, segment: Arc<Segment>) {
        let reaching = segment.ranges().iter().filter(|tombstone| overlap(&tombstone.range, self.range));
        self.ranges.extend(reaching.cloned());
        let left = segment.first_from(self.range.start())..segment.first_from(self.range.end());
        let cursor = Cursor { segment, direction: self.direction, left };
        self.cursors.extend(cursor.skipping(self.since));
    }

    /// The next key there is.
    pub fn next_key(&self) -> Option<&str> {
        self.cursors.peek().map(Cursor::key)
    }

    /// The latest entry of the next key.
    pub fn next(&mut self) -> Option<Winner<'_>> {
        let (mut segment, mut index) = self.advance()?;
        while self.next_key().is_some_and(|next| next == segment.key(index)) {
            let (other, other_index) = self.advance()?;
            if precedes(&segment, index, &other, other_index) {
                (segment, index) = (other, other_index);
            }
        }
        let stamp = segment.stamp(index);
        Some(Winner { segment, index, stamp, ranges: &self.ranges })
    }

    fn advance(&mut self) -> Option<(Arc<Segment>, usize)> {
        let mut first = self.cursors.peek_mut()?;
        let entry = (Arc::clone(&first.segment), first.index());
        first.step();
        if !first.skip(self.since) {
            PeekMut::pop(first);
        }
        Some(entry)
    }
}

impl Winner<'_> {
    pub fn key(&self) -> Key {
        Key::of_checked(self.segment.key(self.index))
    }

    pub const fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// The value; `None` is a tombstone.
    pub fn value(&self) -> Option<Bytes> {
        self.segment.value(self.index)
    }

    /// Whether a range tombstone hides it.
    pub fn is_hidden(&self) -> bool {
        let key = self.segment.key(self.index);
        self.ranges.iter().any(|tombstone| tombstone.hides(key, self.stamp))
    }
}

/// Whether the second of two entries of one key wins.
fn precedes(a: &Segment, a_index: usize, b: &Segment, b_index: usize) -> bool {
    match a.stamp(a_index).cmp(&b.stamp(b_index)) {
        Ordering::Less => true,
        Ordering::Greater => false,
        Ordering::Equal => {
            let (a, b) = (a.value(a_index), b.value(b_index));
            (a.is_none(), a) < (b.is_none(), b)
        }
    }
}

impl Cursor {
    fn index(&self) -> usize {
        match self.direction {
            Direction::Forward => self.left.start,
            Direction::Backward => self.left.end - 1,
        }
    }

    fn key(&self) -> &str {
        self.segment.key(self.index())
    }

    fn step(&mut self) {
        match self.direction {
            Direction::Forward => self.left.start += 1,
            Direction::Backward => self.left.end -= 1,
        }
    }

    /// Goes on to the first entry above `since`, if it is not there yet. Whether there is one.
    fn skip(&mut self, since: Option<Stamp>) -> bool {
        while !self.left.is_empty() && since.is_some_and(|since| self.segment.stamp(self.index()) <= since) {
            self.step();
        }
        !self.left.is_empty()
    }

    fn skipping(mut self, since: Option<Stamp>) -> Option<Self> {
        self.skip(since).then_some(self)
    }
}

/// The greatest cursor is the one whose key comes next. Of equal keys any.
impl Ord for Cursor {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.direction {
            Direction::Forward => other.key().cmp(self.key()),
            Direction::Backward => self.key().cmp(other.key()),
        }
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Cursor {}
