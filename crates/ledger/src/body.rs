//! The body of an object: the bytes under its name. `docs/storage.md` draws it byte by byte.

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3Default;

use crate::few::Few;
use crate::key::{Key, Range};
use crate::limits::MAX_OBJECT_BYTES;
use crate::name::{Kinds, ObjectId, ObjectName, outline};
use crate::segment::Stored;
use crate::stamp::Stamp;

pub(crate) const MAGIC: &[u8; 4] = b"TDL\x01";
const CHECKSUM_BYTES: usize = 8;
pub(crate) const HEADER_BYTES: usize = MAGIC.len() + CHECKSUM_BYTES;
/// Flags: the low four bits say how the payload is compressed; 0 is not at all, the others are not given out yet.
pub(crate) const COMPRESSION_MASK: u8 = 0x0f;
/// Flags: one stamp stands before the payload and is everything's.
pub(crate) const SHARED_STAMP: u8 = 0x10;
pub(crate) const KIND_PUT: u8 = 0;
pub(crate) const KIND_TOMBSTONE: u8 = 1;
/// The least bytes an entry takes: used to bound what is reserved before the entries are read.
pub(crate) const LEAST_ENTRY_BYTES: usize = 3;

/// One entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The key.
    pub key: Key,
    /// When it was committed.
    pub stamp: Stamp,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
}

/// A range of keys whose older entries are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeTombstone {
    /// The keys.
    pub range: Range,
    /// Entries with a lower stamp are hidden. Those of the same stamp, hence of the same commit, are not.
    pub stamp: Stamp,
}

impl RangeTombstone {
    /// Whether it hides an entry for `key` of that stamp.
    pub(crate) fn hides(&self, key: &str, stamp: Stamp) -> bool {
        stamp < self.stamp && self.range.contains(key)
    }
}

/// What an object holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Range tombstones, ascending by start, end, stamp.
    pub ranges: Vec<RangeTombstone>,
    /// Entries, one per key, ascending by key.
    pub records: Vec<Record>,
}

/// Which object the contents are for.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub id: ObjectId,
    pub level: u8,
    pub parts: u8,
    /// Ascending.
    pub inputs: Vec<ObjectId>,
    /// When it is written, in Unix milliseconds.
    pub made_ms: u64,
    /// No input has a stamp above.
    pub greatest: Stamp,
}

/// The contents do not fit into one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an object has at most {MAX_OBJECT_BYTES} bytes, got {bytes}")]
pub(crate) struct TooLarge {
    pub bytes: usize,
}

/// Names and writes an object. The same input always gives the same name and bytes.
pub(crate) fn encode(identity: Identity, contents: &Contents) -> Result<(ObjectName, Vec<u8>), TooLarge> {
    let mut body = Vec::with_capacity(HEADER_BYTES + 64);
    body.extend_from_slice(MAGIC);
    body.extend_from_slice(&[0; CHECKSUM_BYTES]);
    let shared = contents.only_stamp();
    body.push(if shared.is_some() { SHARED_STAMP } else { 0 });
    if let Some(stamp) = shared {
        body.extend_from_slice(&stamp.to_bytes());
    }
    contents.write_ranges(&mut body, shared.is_none());
    contents.write_records(&mut body, shared.is_none());
    if body.len() > MAX_OBJECT_BYTES {
        return Err(TooLarge { bytes: body.len() });
    }
    let name = name_of(identity, contents, body.len() as u32); // at most MAX_OBJECT_BYTES
    let checksum = checksum(&name.to_string(), &body);
    body[MAGIC.len()..HEADER_BYTES].copy_from_slice(&checksum);
    Ok((name, body))
}

fn name_of(identity: Identity, contents: &Contents, size_bytes: u32) -> ObjectName {
    let (partitions, low, high) = outline(
        contents.records.iter().map(|record| record.key.as_str()),
        contents.ranges.iter().map(|tombstone| &tombstone.range),
    );
    let Identity { id, level, parts, inputs, made_ms, greatest } = identity;
    let made_ms = Stamp::at_ms(made_ms).ms(); // a name has room for 48 bits
    let greatest = contents.stamps().fold(greatest, Stamp::max);
    let least_ms = contents.stamps().min().unwrap_or(greatest).ms();
    let kinds = contents.kinds();
    ObjectName {
        level,
        parts,
        kinds,
        size_bytes,
        id,
        made_ms,
        least_ms,
        greatest,
        partitions,
        low,
        high,
        inputs: Few::first_of(&inputs),
    }
}

/// xxh3-64 over the name, which has no zero byte, a zero byte, and the body without the checksum itself. The name is
/// part of it so that a body which got under another name is noticed.
pub(crate) fn checksum(name: &str, body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hash = Xxh3Default::new();
    hash.update(name.as_bytes());
    hash.update(&[0]);
    hash.update(&body[..MAGIC.len()]);
    hash.update(&body[HEADER_BYTES..]);
    hash.digest().to_le_bytes()
}

impl Contents {
    /// Bytes of the body that [`encode`] would write.
    pub(crate) fn encoded_bytes(&self) -> usize {
        let varint = |number: usize| {
            if number < 1 << 7 {
                1
            } else if number < 1 << 14 {
                2
            } else {
                3
            }
        };
        let slice = |bytes: usize| varint(bytes) + bytes;
        let shared = self.only_stamp().is_some();
        let stamp = if shared { 0 } else { Stamp::BYTES };
        let ranges: usize = self
            .ranges
            .iter()
            .map(|tombstone| {
                stamp + slice(tombstone.range.start().len()) + slice(tombstone.range.end().len())
            })
            .sum();
        let mut previous: &[u8] = &[];
        let mut records = 0;
        for Record { key, value, .. } in &self.records {
            let key = key.as_bytes();
            let common = key.iter().zip(previous).take_while(|(a, b)| a == b).count();
            records += varint(common) + slice(key.len() - common) + 1 + stamp;
            records += value.as_ref().map_or(0, |value| slice(value.len()));
            previous = key;
        }
        let head = HEADER_BYTES + 1 + if shared { Stamp::BYTES } else { 0 };
        head + varint(self.ranges.len()) + ranges + varint(self.records.len()) + records
    }

    /// Bytes of all values together.
    pub(crate) fn value_bytes(&self) -> u64 {
        self.records.iter().filter_map(|record| record.value.as_ref()).map(|value| value.len() as u64).sum()
    }

    fn stamps(&self) -> impl Iterator<Item = Stamp> {
        let ranges = self.ranges.iter().map(|tombstone| tombstone.stamp);
        ranges.chain(self.records.iter().map(|record| record.stamp))
    }

    fn kinds(&self) -> Kinds {
        Kinds {
            puts: self.records.iter().any(|record| record.value.is_some()),
            tombstones: self.records.iter().any(|record| record.value.is_none()),
            range_tombstones: !self.ranges.is_empty(),
        }
    }

    /// The stamp that all have, if it is one.
    fn only_stamp(&self) -> Option<Stamp> {
        let mut stamps = self.stamps();
        let first = stamps.next()?;
        stamps.all(|stamp| stamp == first).then_some(first)
    }

    fn write_ranges(&self, body: &mut Vec<u8>, with_stamps: bool) {
        push_varint(body, self.ranges.len());
        for RangeTombstone { range, stamp } in &self.ranges {
            if with_stamps {
                body.extend_from_slice(&stamp.to_bytes());
            }
            push_slice(body, range.start());
            push_slice(body, range.end());
        }
    }

    fn write_records(&self, body: &mut Vec<u8>, with_stamps: bool) {
        push_varint(body, self.records.len());
        let mut previous: &[u8] = &[];
        for Record { key, stamp, value } in &self.records {
            let key = key.as_bytes();
            let shared = key.iter().zip(previous).take_while(|(a, b)| a == b).count();
            push_varint(body, shared);
            push_slice(body, &key[shared..]);
            body.push(if value.is_some() { KIND_PUT } else { KIND_TOMBSTONE });
            if with_stamps {
                body.extend_from_slice(&stamp.to_bytes());
            }
            if let Some(value) = value {
                push_slice(body, value);
            }
            previous = key;
        }
    }
}

/// Reads the body stored under `name`. Values are slices of it.
///
/// # Errors
/// For any bytes that [`encode`] did not write under this name. Never panics.
pub(crate) fn decode(name: &ObjectName, body: Bytes) -> Result<Contents, BodyError> {
    Ok(Stored::open(name, &name.to_string(), body)?.contents())
}

/// Bytes that are no readable object of the name they are stored under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Cut short or grown.
    #[error("expected {expected} bytes, got {got}")]
    Size {
        /// What the name tells.
        expected: usize,
        /// What is there.
        got: usize,
    },
    /// Another kind of bytes, or another version.
    #[error("does not begin as an object of this version")]
    NotAnObject,
    /// Altered, or stored under another name.
    #[error("the checksum does not match")]
    Checksum,
    /// Written by a later version.
    #[error("unsupported flags {flags:#04x} (compression {compression})")]
    Unsupported {
        /// All flags.
        flags: u8,
        /// The part that tells the compression.
        compression: u8,
    },
    /// Not laid out as an object, although the checksum matches.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// Keys, partitions or stamps are not those that the name tells.
    #[error("does not hold what its name tells")]
    DisagreesWithName,
}

fn push_varint(body: &mut Vec<u8>, value: usize) {
    let mut rest = value;
    while rest >= 0x80 {
        body.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    body.push(rest as u8);
}

fn push_slice(body: &mut Vec<u8>, bytes: &[u8]) {
    push_varint(body, bytes.len());
    body.extend_from_slice(bytes);
}

/// The order of range tombstones in an object.
pub(crate) fn range_order(tombstone: &RangeTombstone) -> (&[u8], &[u8], Stamp) {
    (tombstone.range.start(), tombstone.range.end(), tombstone.stamp)
}

/// Makes the checksum right again after the bytes were changed on purpose.
#[cfg(test)]
pub(crate) fn tests_reseal(name: &ObjectName, body: &mut [u8]) {
    if body.len() >= HEADER_BYTES {
        let checksum = checksum(&name.to_string(), body);
        body[MAGIC.len()..HEADER_BYTES].copy_from_slice(&checksum);
    }
}
