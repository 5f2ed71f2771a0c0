//! An object as it was read: its entries are found in its bytes, and made only when somebody asks for them.
//!
//! Opening checks everything, checksum and layout and what the name promises, so that no answer comes from bytes that
//! are not sound. It allocates a few lists, nothing per entry.

use std::sync::Arc;

use bytes::Bytes;

use crate::body::{
    BodyError, COMPRESSION_MASK, Contents, HEADER_BYTES, KIND_PUT, KIND_TOMBSTONE, LEAST_ENTRY_BYTES, MAGIC,
    RangeTombstone, Record, SHARED_STAMP, checksum, range_order,
};
use crate::key::{Key, Range, SEPARATOR};
use crate::limits::MAX_KEY_BYTES;
use crate::name::{Kinds, ObjectName, outline};
use crate::stamp::Stamp;

/// The entries of one object, ascending by key, numbered from 0.
#[derive(Debug)]
pub(crate) enum Segment {
    /// Read from the store.
    Stored(Stored),
    /// Written just now.
    Own(Arc<Contents>),
}

/// Sound bytes, and where in them the entries are.
#[derive(Debug)]
pub(crate) struct Stored {
    body: Bytes,
    shared: Option<Stamp>,
    ranges: Vec<RangeTombstone>,
    /// All keys, one behind the other.
    keys: String,
    entries: Vec<Place>,
}

/// Where an entry is.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Where its key ends among the keys. It begins where the one before ends.
    key_end: u32,
    /// Where its kind is in the body. Stamp and value follow.
    kind_at: u32,
}

impl Segment {
    pub fn ranges(&self) -> &[RangeTombstone] {
        match self {
            Self::Stored(stored) => &stored.ranges,
            Self::Own(contents) => &contents.ranges,
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Stored(stored) => stored.entries.len(),
            Self::Own(contents) => contents.records.len(),
        }
    }

    pub fn key(&self, index: usize) -> &str {
        match self {
            Self::Stored(stored) => stored.key(index),
            Self::Own(contents) => contents.records[index].key.as_str(),
        }
    }

    pub fn stamp(&self, index: usize) -> Stamp {
        match self {
            Self::Stored(stored) => stored.entry(index).0,
            Self::Own(contents) => contents.records[index].stamp,
        }
    }

    /// The value; `None` is a tombstone.
    pub fn value(&self, index: usize) -> Option<Bytes> {
        match self {
            Self::Stored(stored) => stored.entry(index).1.map(|place| stored.body.slice(place)),
            Self::Own(contents) => contents.records[index].value.clone(),
        }
    }

    pub fn record(&self, index: usize) -> Record {
        match self {
            Self::Stored(stored) => stored.record(index),
            Self::Own(contents) => contents.records[index].clone(),
        }
    }

    /// The number of the first entry whose key is not below `key`.
    pub fn first_from(&self, key: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.key(middle).as_bytes() < key { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// All of it, entry by entry.
    pub fn contents(&self) -> Arc<Contents> {
        match self {
            Self::Stored(stored) => Arc::new(stored.contents()),
            Self::Own(contents) => Arc::clone(contents),
        }
    }
}

impl Stored {
    /// Reads the body stored under `name`, whose text is `text`.
    ///
    /// # Errors
    /// For any bytes that were not written under this name. Never panics.
    pub fn open(name: &ObjectName, text: &str, body: Bytes) -> Result<Self, BodyError> {
        if body.len() != name.size_bytes as usize {
            return Err(BodyError::Size { expected: name.size_bytes as usize, got: body.len() });
        }
        if body.len() <= HEADER_BYTES || !body.starts_with(MAGIC) {
            return Err(BodyError::NotAnObject);
        }
        if body[MAGIC.len()..HEADER_BYTES] != checksum(text, &body) {
            return Err(BodyError::Checksum);
        }
        let mut reader = Reader { bytes: &body, at: HEADER_BYTES };
        let flags = reader.byte()?;
        if flags & !SHARED_STAMP != 0 {
            let compression = flags & COMPRESSION_MASK;
            return Err(BodyError::Unsupported { flags, compression });
        }
        let shared = if flags & SHARED_STAMP != 0 { Some(reader.stamp()?) } else { None };
        let mut seen = Seen::default();
        let ranges = reader.ranges(shared, &mut seen)?;
        let (keys, entries) = reader.entries(shared, &mut seen)?;
        if reader.at != body.len() {
            return Err(BodyError::Malformed("bytes behind the end"));
        }
        let stored = Self { shared, ranges, keys, entries, body };
        if stored.is_as_told(name, &seen) { Ok(stored) } else { Err(BodyError::DisagreesWithName) }
    }

    /// What a name tells decides which objects are read at all, so a body that tells otherwise cannot be trusted.
    fn is_as_told(&self, name: &ObjectName, seen: &Seen) -> bool {
        let last = self.entries.len().checked_sub(1);
        let keys = seen.first_of_partitions.iter().copied().chain(last).map(|index| self.key(index));
        let (partitions, low, high) = outline(keys, self.ranges.iter().map(|tombstone| &tombstone.range));
        let stamps_inside = seen
            .stamps
            .is_none_or(|(least, greatest)| name.least_ms <= least.ms() && greatest <= name.greatest);
        stamps_inside
            && seen.kinds == name.kinds
            && partitions == name.partitions
            && low == name.low
            && high == name.high
    }

    fn key(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.entries[before].key_end);
        &self.keys[start as usize..self.entries[index].key_end as usize]
    }

    /// Stamp and place of the value. The layout was checked when the object was opened.
    fn entry(&self, index: usize) -> (Stamp, Option<std::ops::Range<usize>>) {
        let mut reader = Reader { bytes: &self.body, at: self.entries[index].kind_at as usize };
        let kind = reader.byte();
        let stamp = reader.stamp_or(self.shared).unwrap_or_default();
        let value = (kind == Ok(KIND_PUT)).then(|| reader.slice().map_or(0, <[u8]>::len));
        (stamp, value.map(|count| reader.at - count..reader.at))
    }

    fn record(&self, index: usize) -> Record {
        let (stamp, place) = self.entry(index);
        let value = place.map(|place| self.body.slice(place));
        Record { key: Key::of_checked(self.key(index)), stamp, value }
    }

    pub fn contents(&self) -> Contents {
        let records = (0..self.entries.len()).map(|index| self.record(index)).collect();
        Contents { ranges: self.ranges.clone(), records }
    }
}

/// What was seen while reading, to be compared with the name.
#[derive(Default)]
struct Seen {
    stamps: Option<(Stamp, Stamp)>,
    kinds: Kinds,
    /// The numbers of the entries whose partition is another than that of the one before.
    first_of_partitions: Vec<usize>,
}

impl Seen {
    fn note_stamp(&mut self, stamp: Stamp) {
        let (least, greatest) = self.stamps.unwrap_or((stamp, stamp));
        self.stamps = Some((least.min(stamp), greatest.max(stamp)));
    }
}

/// Reads a body from some place on.
struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

const NOT_UTF8: BodyError = BodyError::Malformed("key not UTF-8");
const CUT_SHORT: BodyError = BodyError::Malformed("cut short");

impl<'b> Reader<'b> {
    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn byte(&mut self) -> Result<u8, BodyError> {
        let byte = *self.bytes.get(self.at).ok_or(CUT_SHORT)?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], BodyError> {
        let taken = self.bytes.get(self.at..self.at + count).ok_or(CUT_SHORT)?;
        self.at += count;
        Ok(taken)
    }

    /// LEB128, in its shortest form, below 2^21: more than any object has of anything.
    fn varint(&mut self) -> Result<usize, BodyError> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(usize::from(first));
        }
        let mut value = usize::from(first & 0x7f);
        for place in 1..3 {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7f) << (7 * place);
            if byte == 0 {
                return Err(BodyError::Malformed("number not in shortest form"));
            }
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(BodyError::Malformed("number too large"))
    }

    fn slice(&mut self) -> Result<&'b [u8], BodyError> {
        let count = self.varint()?;
        self.take(count)
    }

    fn stamp(&mut self) -> Result<Stamp, BodyError> {
        let mut bytes = [0; Stamp::BYTES];
        bytes.copy_from_slice(self.take(Stamp::BYTES)?);
        Ok(Stamp::from_bytes(bytes))
    }

    fn stamp_or(&mut self, shared: Option<Stamp>) -> Result<Stamp, BodyError> {
        shared.map_or_else(|| self.stamp(), Ok)
    }

    fn ranges(&mut self, shared: Option<Stamp>, seen: &mut Seen) -> Result<Vec<RangeTombstone>, BodyError> {
        let count = self.varint()?;
        let mut ranges: Vec<RangeTombstone> = Vec::with_capacity(count.min(self.left() / LEAST_ENTRY_BYTES));
        for _ in 0..count {
            let stamp = self.stamp_or(shared)?;
            let (start, end) = (self.bound()?, self.bound()?);
            let next = RangeTombstone { range: Range::from_bounds(start, end), stamp };
            let ascends = ranges.last().is_none_or(|last| range_order(last) < range_order(&next));
            if next.range.is_empty() || !ascends {
                return Err(BodyError::Malformed("ranges empty or not ascending"));
            }
            seen.note_stamp(stamp);
            ranges.push(next);
        }
        seen.kinds.range_tombstones = count > 0;
        Ok(ranges)
    }

    fn bound(&mut self) -> Result<Vec<u8>, BodyError> {
        // A bound may be a key and one byte, the least that comes behind it.
        let bound = self.slice()?;
        if bound.len() > MAX_KEY_BYTES + 1 {
            return Err(BodyError::Malformed("range bound too long"));
        }
        Ok(bound.to_vec())
    }

    fn entries(&mut self, shared: Option<Stamp>, seen: &mut Seen) -> Result<(String, Vec<Place>), BodyError> {
        let count = self.varint()?;
        let mut entries = Vec::with_capacity(count.min(self.left() / LEAST_ENTRY_BYTES));
        let mut keys = Keys::default();
        for index in 0..count {
            if keys.push(self.varint()?, self.slice()?)? {
                seen.first_of_partitions.push(index);
            }
            // A body has less than 4 GB, and so have its keys: each is at most 512 bytes and takes at least 3.
            let place = Place { key_end: keys.bytes.len() as u32, kind_at: self.at as u32 };
            let kind = self.byte()?;
            if shared.is_none() || index == 0 {
                seen.note_stamp(self.stamp_or(shared)?);
            }
            match kind {
                KIND_PUT => {
                    self.slice()?;
                    seen.kinds.puts = true;
                }
                KIND_TOMBSTONE => seen.kinds.tombstones = true,
                _ => return Err(BodyError::Malformed("unknown kind of entry")),
            }
            entries.push(place);
        }
        let keys = String::from_utf8(keys.bytes).map_err(|_| NOT_UTF8)?;
        Ok((keys, entries))
    }
}

/// The keys of an object while they are read.
#[derive(Default)]
struct Keys {
    bytes: Vec<u8>,
    /// Where the last one starts.
    start: usize,
    /// How long the last one's partition is.
    partition_bytes: usize,
    /// Whether the last one has characters of several bytes: the next may share half of one.
    is_beyond_ascii: bool,
}

impl Keys {
    /// Adds a key that has its first bytes in common with the last one. Whether it is of another partition.
    ///
    /// Sharing as much as possible is the only spelling, so that the next key ascends exactly if its first own byte
    /// does, and is of the same partition exactly if it shares the separator.
    fn push(&mut self, shared: usize, own: &[u8]) -> Result<bool, BodyError> {
        let (start, is_first) = (self.bytes.len(), self.bytes.is_empty());
        let last = &self.bytes[self.start..];
        if shared > last.len() || shared + own.len() > MAX_KEY_BYTES {
            return Err(BodyError::Malformed("key prefix or length"));
        }
        let ascends = match (last.get(shared), own.first()) {
            (Some(old), Some(new)) => new > old,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if !ascends && !is_first {
            return Err(BodyError::Malformed("keys not ascending"));
        }
        self.bytes.extend_from_within(self.start..self.start + shared);
        self.bytes.extend_from_slice(own);
        self.start = start;
        if self.is_beyond_ascii || !own.is_ascii() {
            self.is_beyond_ascii =
                !std::str::from_utf8(&self.bytes[start..]).map_err(|_| NOT_UTF8)?.is_ascii();
        }
        if shared > self.partition_bytes {
            return Ok(false);
        }
        let separator = self.bytes[start..].iter().position(|byte| *byte == SEPARATOR as u8);
        self.partition_bytes = separator.filter(|at| *at > 0).ok_or(BodyError::Malformed("not a key"))?;
        Ok(true)
    }
}
