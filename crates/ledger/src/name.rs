//! The name of an object: all that a listing tells about it. `docs/storage.md` draws it byte by byte.

use std::fmt;

use crate::digits;
use crate::few::Few;
use crate::key::{Range, partition_of};
use crate::limits::{
    BOUND_BYTES, MAX_INPUTS, MAX_LEVEL, MAX_NAME_BYTES, MAX_OBJECT_BYTES, MAX_PARTS, MAX_TAGS,
};
use crate::reach::Asked;
use crate::stamp::Stamp;

/// What the name of every object of this version begins with.
pub(crate) const MAGIC: &str = "t1";

const SIZE_DIGITS: usize = 4;
const TIME_DIGITS: usize = 8;
const TAG_DIGITS: usize = 3;
const TAG_BITS: u32 = 18;
/// Everything before the first dot.
const FIXED_BYTES: usize =
    MAGIC.len() + 3 + SIZE_DIGITS + ObjectId::TEXT_BYTES + 2 * TIME_DIGITS + Stamp::TEXT_BYTES;
/// What stands for "may touch any partition".
const ANY: &str = "*";

/// The short identifier of an object, 54 bits.
///
/// A commit draws all of them; a compaction's are 48 bits of a hash, common to all its parts, and the part's number.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(u64);

impl ObjectId {
    /// Characters of an identifier's text form.
    pub const TEXT_BYTES: usize = 9;
    const MASK: u64 = (1 << 54) - 1;

    /// The identifier of the lowest 54 bits.
    pub const fn new(bits: u64) -> Self {
        Self(bits & Self::MASK)
    }

    /// The identifier of a part of a compaction: the lowest 48 bits of `group`, and which part it is.
    pub const fn of_part(group: u64, part: u8) -> Self {
        Self::new(group << 6 | (part & 63) as u64)
    }

    /// The identifier's bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// What all parts of one compaction have in common.
    pub(crate) const fn group(self) -> u64 {
        self.0 >> 6
    }

    pub(crate) const fn part(self) -> usize {
        (self.0 & 63) as usize
    }

    pub(crate) const fn next(self) -> Self {
        Self::new(self.0 + 1)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(Self::TEXT_BYTES);
        digits::push_number(&mut text, u128::from(self.0), Self::TEXT_BYTES);
        f.write_str(&text)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

/// The short hash of a partition's name, 18 bits. Two partitions may share one: that costs a get, never an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u32);

impl Tag {
    /// The tag of a partition.
    pub fn of(partition: &str) -> Self {
        Self((xxhash_rust::xxh3::xxh3_64(partition.as_bytes()) >> (64 - TAG_BITS)) as u32)
    }
}

/// Tags that a name lists one by one.
pub type Tags = Few<Tag, MAX_TAGS>;

/// The first bytes of a key, as a name tells them.
pub(crate) type Bound = Few<u8, BOUND_BYTES>;

/// Which partitions an object touches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Partitions {
    /// It may touch any.
    Any,
    /// It touches these alone, ascending, at most [`MAX_TAGS`]. None at all when the object is empty.
    Only(Tags),
}

impl Partitions {
    /// Whether a partition with this tag may be touched.
    pub fn may_contain(&self, tag: Tag) -> bool {
        match self {
            Self::Any => true,
            Self::Only(tags) => tags.contains(&tag),
        }
    }
}

/// Which kinds of entries an object has, so that what waits to be dropped is found without reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Kinds {
    /// It has values.
    pub puts: bool,
    /// It has tombstones of single keys.
    pub tombstones: bool,
    /// It has tombstones of ranges.
    pub range_tombstones: bool,
}

impl Kinds {
    fn bits(self) -> u128 {
        u128::from(self.puts) | u128::from(self.tombstones) << 1 | u128::from(self.range_tombstones) << 2
    }

    fn from_bits(bits: u64) -> Option<Self> {
        let has = |bit: u64| bits & bit != 0;
        (bits < 8).then(|| Self { puts: has(1), tombstones: has(2), range_tombstones: has(4) })
    }
}

/// The parsed name of an object.
///
/// Invariant: [`fmt::Display`] writes at most [`MAX_NAME_BYTES`] bytes, which [`Self::parse`] reads back to an equal
/// name; one object has one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectName {
    /// 0 for a commit, more for what compaction wrote.
    pub(crate) level: u8,
    /// How many objects the compaction wrote together; 1 for a commit.
    pub(crate) parts: u8,
    pub(crate) kinds: Kinds,
    pub(crate) size_bytes: u32,
    pub(crate) id: ObjectId,
    pub(crate) made_ms: u64,
    pub(crate) least_ms: u64,
    pub(crate) greatest: Stamp,
    pub(crate) partitions: Partitions,
    /// The first bytes of the lowest key; within the partition if it is only one.
    pub(crate) low: Bound,
    /// The first bytes of the highest key; within the partition if it is only one.
    pub(crate) high: Bound,
    /// Ascending.
    pub(crate) inputs: Few<ObjectId, MAX_INPUTS>,
}

impl ObjectName {
    /// Reads a store key that begins with `t1`.
    ///
    /// # Errors
    /// When it is not exactly what [`fmt::Display`] writes for some name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let bytes = text.as_bytes();
        if !text.starts_with(MAGIC) {
            let ours = matches!(bytes, [b't', version, ..] if version.is_ascii_digit());
            return Err(if ours { NameError::OtherVersion } else { NameError::Foreign });
        }
        if bytes.len() > MAX_NAME_BYTES {
            return Err(NameError::TooLong { bytes: bytes.len() });
        }
        let (fixed, rest) = bytes
            .split_first_chunk::<FIXED_BYTES>()
            .ok_or(NameError::Malformed("length of the fixed part"))?;
        let ends = if rest.is_empty() { "partitions" } else { "length of the fixed part" };
        let rest = rest.strip_prefix(b".").ok_or(NameError::Malformed(ends))?;
        let (partitions, rest) = next_field(rest).ok_or(NameError::Malformed("low bound"))?;
        let (low, rest) = next_field(rest).ok_or(NameError::Malformed("high bound"))?;
        let (high, inputs) = next_field(rest).ok_or(NameError::Malformed("inputs"))?;
        let mut name = parse_fixed(fixed)?;
        // In place: moving lists about costs more than reading them.
        name.partitions = parse_partitions(partitions)?;
        digits::parse_bytes(low, &mut name.low).ok_or(NameError::Malformed("key bound"))?;
        digits::parse_bytes(high, &mut name.high).ok_or(NameError::Malformed("key bound"))?;
        match parse_ascending::<_, { ObjectId::TEXT_BYTES }, _>(inputs, &mut name.inputs, ObjectId) {
            None if inputs.contains(&b'.') => return Err(NameError::Malformed("end")),
            None => return Err(NameError::Malformed("inputs")),
            Some(()) => {}
        }
        name.check()?;
        Ok(name)
    }

    /// What no well-formed name contradicts.
    fn check(&self) -> Result<(), NameError> {
        let problem = if self.size_bytes as usize > MAX_OBJECT_BYTES {
            "size"
        } else if self.least_ms > self.greatest.ms() {
            "stamps"
        } else if self.level == 0 && (!self.inputs.is_empty() || self.parts != 1) {
            "commit with inputs or parts"
        } else if self.level > 0 && (self.inputs.is_empty() || self.id.part() >= usize::from(self.parts)) {
            "compaction without inputs or outside its parts"
        } else if self.inputs.binary_search(&self.id).is_ok() {
            "input of itself"
        } else if self.is_empty() && (self.level == 0 || !self.low.is_empty() || !self.high.is_empty()) {
            "empty object with keys"
        } else if self.is_empty() != (self.kinds == Kinds::default()) {
            "kinds of an empty object"
        } else if self.low > self.high {
            "range"
        } else {
            return Ok(());
        };
        Err(NameError::Malformed(problem))
    }

    /// 0 for a commit; compaction writes higher ones.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// How many objects were written together by the compaction that wrote this one.
    pub fn parts(&self) -> u8 {
        self.parts
    }

    /// Size of the object's body in bytes.
    pub fn size_bytes(&self) -> u32 {
        self.size_bytes
    }

    /// The short identifier.
    pub fn id(&self) -> ObjectId {
        self.id
    }

    /// Which kinds of entries it has.
    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// When it was written, by its writer's clock: Unix milliseconds. Two that compact the same at once may agree on a
    /// coarser time, so that they write the same.
    pub fn made_ms(&self) -> u64 {
        self.made_ms
    }

    /// No entry has a stamp with fewer milliseconds.
    pub fn least_ms(&self) -> u64 {
        self.least_ms
    }

    /// No entry, of this object or of any it replaces, has a stamp above.
    pub fn greatest(&self) -> Stamp {
        self.greatest
    }

    /// Which partitions have entries here.
    pub fn partitions(&self) -> &Partitions {
        &self.partitions
    }

    /// The objects that this one replaces.
    pub fn inputs(&self) -> &[ObjectId] {
        &self.inputs
    }

    /// Whether the object has no entry: it only says that its inputs have none worth keeping.
    pub fn is_empty(&self) -> bool {
        matches!(&self.partitions, Partitions::Only(tags) if tags.is_empty())
    }

    /// Whether it may touch `partition`.
    pub fn touches(&self, partition: &str) -> bool {
        self.partitions.may_contain(Tag::of(partition))
    }

    /// Whether it may have a key of `range`, or a range tombstone that reaches into it.
    pub fn overlaps(&self, range: &Range) -> bool {
        Asked::new(range).may_meet(self)
    }

    /// Where its keys lie, as seen by someone who asks for `partition`, or for more than one. `None` when nowhere.
    pub(crate) fn span(&self, partition: Option<&str>) -> Option<Span> {
        match (&self.partitions, partition) {
            (Partitions::Only(tags), _) if tags.is_empty() => None,
            (partitions, Some(partition)) if !partitions.may_contain(Tag::of(partition)) => None,
            (Partitions::Only(tags), None) if tags.len() == 1 => Some(Span::unknown()),
            (Partitions::Only(tags), Some(partition)) if tags.len() == 1 => {
                Some(Span::new(&partition_prefix(partition), &self.low, &self.high))
            }
            _ => Some(Span::new(&[], &self.low, &self.high)),
        }
    }
}

/// Where the keys of an object lie, as far as its name tells, in terms of whole keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// No key is lower.
    pub low: Vec<u8>,
    /// No key is higher. Where the name cuts the highest key off, a byte follows that is above all of UTF-8.
    pub high: Vec<u8>,
}

impl Span {
    pub(crate) fn new(prefix: &[u8], low: &[u8], high: &[u8]) -> Self {
        let above: &[u8] = if high.len() == BOUND_BYTES { &[u8::MAX] } else { &[] };
        Self { low: [prefix, low].concat(), high: [prefix, high, above].concat() }
    }

    fn unknown() -> Self {
        Self { low: Vec::new(), high: vec![u8::MAX] }
    }
}

/// The partitions and the key bounds that the name of an object with these contents tells. Keys ascend; ranges are
/// those of range tombstones.
pub(crate) fn outline<'a>(
    keys: impl Iterator<Item = &'a str>,
    ranges: impl Iterator<Item = &'a Range>,
) -> (Partitions, Bound, Bound) {
    let mut partitions: Vec<&str> = Vec::new();
    let mut everywhere = false;
    let mut bounds: Option<(&[u8], &[u8])> = None;
    let mut include = |low: &'a [u8], high: &'a [u8]| {
        let (least, greatest) = bounds.unwrap_or((low, high));
        bounds = Some((least.min(low), greatest.max(high)));
    };
    for key in keys {
        include(key.as_bytes(), key.as_bytes());
        let partition = partition_of(key);
        if partitions.last() != Some(&partition) {
            partitions.push(partition);
        }
    }
    for range in ranges {
        include(range.start(), range.end());
        match range.evident_partition() {
            Some(partition) => partitions.push(partition),
            None => everywhere = true,
        }
    }
    partitions.sort_unstable();
    partitions.dedup();
    let (low, high) = bounds.unwrap_or_default();
    let tags = distinct_tags(&partitions);
    // A range without end in a partition ends at the partition's successor: in terms of the rest, above everything.
    let within = |bound: &[u8], prefix: &[u8]| match bound.strip_prefix(prefix) {
        Some(rest) => cut(rest),
        None => cut(&[u8::MAX]),
    };
    match (tags, partitions.as_slice()) {
        (_, _) if everywhere => (Partitions::Any, cut(low), cut(high)),
        (Some(tags), [partition]) => {
            let prefix = partition_prefix(partition);
            (Partitions::Only(tags), within(low, &prefix), within(high, &prefix))
        }
        (Some(tags), _) => (Partitions::Only(tags), cut(low), cut(high)),
        (None, _) => (Partitions::Any, cut(low), cut(high)),
    }
}

/// One tag per partition, ascending. `None` when there are too many, or when two share one: a single tag promises
/// that all keys lie in a single partition.
fn distinct_tags(partitions: &[&str]) -> Option<Tags> {
    if partitions.len() > MAX_TAGS {
        return None;
    }
    let mut tags: Vec<Tag> = partitions.iter().map(|partition| Tag::of(partition)).collect();
    tags.sort_unstable();
    tags.dedup();
    (tags.len() == partitions.len()).then(|| Tags::first_of(&tags))
}

fn partition_prefix(partition: &str) -> Vec<u8> {
    let mut prefix = partition.as_bytes().to_vec();
    prefix.push(b':');
    prefix
}

fn cut(bound: &[u8]) -> Bound {
    Bound::first_of(bound)
}

/// What stands before the next dot, and what behind it.
fn next_field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = text.iter().position(|byte| *byte == b'.')?;
    Some((&text[..dot], &text[dot + 1..]))
}

/// The name as far as its fixed part tells it.
#[inline]
fn parse_fixed(bytes: &[u8; FIXED_BYTES]) -> Result<ObjectName, NameError> {
    let mut rest = &bytes[MAGIC.len()..];
    Ok(ObjectName {
        // One digit is at most 63, four are 24 bits, eight 48, nine 54: the casts keep all of them.
        level: next_number::<1>(&mut rest, "level")? as u8,
        parts: next_number::<1>(&mut rest, "parts")? as u8 + 1,
        kinds: Kinds::from_bits(next_number::<1>(&mut rest, "kinds")?)
            .ok_or(NameError::Malformed("kinds"))?,
        size_bytes: next_number::<SIZE_DIGITS>(&mut rest, "size")? as u32,
        id: ObjectId(next_number::<{ ObjectId::TEXT_BYTES }>(&mut rest, "identifier")?),
        made_ms: next_number::<TIME_DIGITS>(&mut rest, "time of writing")?,
        least_ms: next_number::<TIME_DIGITS>(&mut rest, "least stamp")?,
        greatest: Stamp::parse_bytes(rest).ok_or(NameError::Malformed("greatest stamp"))?,
        partitions: Partitions::Any,
        low: Bound::new(),
        high: Bound::new(),
        inputs: Few::new(),
    })
}

#[inline]
fn next_number<const N: usize>(text: &mut &[u8], field: &'static str) -> Result<u64, NameError> {
    let (number, rest) = text.split_first_chunk::<N>().ok_or(NameError::Malformed(field))?;
    *text = rest;
    digits::parse_number(number).ok_or(NameError::Malformed(field))
}

fn parse_partitions(text: &[u8]) -> Result<Partitions, NameError> {
    if text == ANY.as_bytes() {
        return Ok(Partitions::Any);
    }
    let mut tags = Tags::new();
    // Three digits are 18 bits.
    parse_ascending::<_, TAG_DIGITS, _>(text, &mut tags, |number| Tag(number as u32))
        .ok_or(NameError::Malformed("partitions"))?;
    Ok(Partitions::Only(tags))
}

/// Adds numbers of `W` digits each to an empty list.
#[inline]
fn parse_ascending<T: Copy + Default + Ord, const W: usize, const N: usize>(
    text: &[u8],
    items: &mut Few<T, N>,
    make: impl Fn(u64) -> T,
) -> Option<()> {
    let (numbers, rest) = text.as_chunks::<W>();
    for number in numbers {
        let item = make(digits::parse_number(number)?);
        if items.last().is_some_and(|last| *last >= item) {
            return None;
        }
        items.push(item)?;
    }
    rest.is_empty().then_some(())
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(MAX_NAME_BYTES);
        text.push_str(MAGIC);
        digits::push_number(&mut text, u128::from(self.level), 1);
        digits::push_number(&mut text, u128::from(self.parts.saturating_sub(1)), 1);
        digits::push_number(&mut text, self.kinds.bits(), 1);
        digits::push_number(&mut text, u128::from(self.size_bytes), SIZE_DIGITS);
        digits::push_number(&mut text, u128::from(self.id.0), ObjectId::TEXT_BYTES);
        digits::push_number(&mut text, u128::from(self.made_ms), TIME_DIGITS);
        digits::push_number(&mut text, u128::from(self.least_ms), TIME_DIGITS);
        self.greatest.push_text(&mut text);
        text.push('.');
        match &self.partitions {
            Partitions::Any => text.push_str(ANY),
            Partitions::Only(tags) => {
                tags.iter().for_each(|tag| digits::push_number(&mut text, u128::from(tag.0), TAG_DIGITS));
            }
        }
        text.push('.');
        digits::push_bytes(&mut text, &self.low);
        text.push('.');
        digits::push_bytes(&mut text, &self.high);
        text.push('.');
        self.inputs
            .iter()
            .for_each(|input| digits::push_number(&mut text, u128::from(input.0), ObjectId::TEXT_BYTES));
        f.write_str(&text)
    }
}

// Compile-time proof that the longest name fits: the fixed part, four dots, all tags, both bounds, all inputs.
const _: () = assert!(
    FIXED_BYTES
        + 4
        + MAX_TAGS * TAG_DIGITS
        + 2 * (BOUND_BYTES * 4).div_ceil(3)
        + MAX_INPUTS * ObjectId::TEXT_BYTES
        <= MAX_NAME_BYTES
);
const _: () = assert!(MAX_LEVEL < 64 && MAX_PARTS <= 64 && MAX_OBJECT_BYTES < 1 << (6 * SIZE_DIGITS));

/// A store key that is no object's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not named like an object at all: somebody else's.
    #[error("not an object's name: expected it to begin with {MAGIC}")]
    Foreign,
    /// It begins as the names of another version do.
    #[error("an object of another version: expected its name to begin with {MAGIC}")]
    OtherVersion,
    /// Longer than any name.
    #[error("an object's name has at most {MAX_NAME_BYTES} bytes, got {bytes}")]
    TooLong {
        /// Bytes of the refused name.
        bytes: usize,
    },
    /// One field is not what this version writes.
    #[error("malformed object's name: {0}")]
    Malformed(&'static str),
}
