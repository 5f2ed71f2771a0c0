//! The name of an object: all that a listing tells about it. `docs/storage.md` draws it byte by byte.

use std::fmt;

use crate::digits;
use crate::key::{Range, partition_of};
use crate::limits::{
    BOUND_BYTES, MAX_INPUTS, MAX_LEVEL, MAX_NAME_BYTES, MAX_OBJECT_BYTES, MAX_PARTS, MAX_TAGS,
};
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u32);

impl Tag {
    /// The tag of a partition.
    pub fn of(partition: &str) -> Self {
        Self((xxhash_rust::xxh3::xxh3_64(partition.as_bytes()) >> (64 - TAG_BITS)) as u32)
    }
}

/// Which partitions an object touches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Partitions {
    /// It may touch any.
    Any,
    /// It touches these alone, ascending, at most [`MAX_TAGS`]. None at all when the object is empty.
    Only(Vec<Tag>),
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

    fn from_bits(bits: u128) -> Option<Self> {
        let has = |bit: u128| bits & bit != 0;
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
    pub(crate) low: Vec<u8>,
    /// The first bytes of the highest key; within the partition if it is only one.
    pub(crate) high: Vec<u8>,
    /// Ascending.
    pub(crate) inputs: Vec<ObjectId>,
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
        let mut fields = bytes.split(|byte| *byte == b'.');
        let mut next = |field| fields.next().ok_or(NameError::Malformed(field));
        let fixed = next("fixed part")?;
        let partitions = parse_partitions(next("partitions")?)?;
        let low = parse_bound(next("low bound")?)?;
        let high = parse_bound(next("high bound")?)?;
        let inputs = parse_inputs(next("inputs")?)?;
        if fields.next().is_some() {
            return Err(NameError::Malformed("end"));
        }
        let name = parse_fixed(fixed, partitions, low, high, inputs)?;
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
        self.partitions == Partitions::Only(Vec::new())
    }

    /// Whether it may touch `partition`.
    pub fn touches(&self, partition: &str) -> bool {
        self.partitions.may_contain(Tag::of(partition))
    }

    /// Whether it may have a key of `range`, or a range tombstone that reaches into it.
    pub fn overlaps(&self, range: &Range) -> bool {
        self.span(range.only_partition())
            .is_some_and(|span| span.low.as_slice() < range.end() && span.high.as_slice() >= range.start())
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
) -> (Partitions, Vec<u8>, Vec<u8>) {
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
        None => vec![u8::MAX],
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
fn distinct_tags(partitions: &[&str]) -> Option<Vec<Tag>> {
    if partitions.len() > MAX_TAGS {
        return None;
    }
    let mut tags: Vec<Tag> = partitions.iter().map(|partition| Tag::of(partition)).collect();
    tags.sort_unstable();
    tags.dedup();
    (tags.len() == partitions.len()).then_some(tags)
}

fn partition_prefix(partition: &str) -> Vec<u8> {
    let mut prefix = partition.as_bytes().to_vec();
    prefix.push(b':');
    prefix
}

fn cut(bound: &[u8]) -> Vec<u8> {
    bound.get(..BOUND_BYTES).unwrap_or(bound).to_vec()
}

fn parse_fixed(
    bytes: &[u8],
    partitions: Partitions,
    low: Vec<u8>,
    high: Vec<u8>,
    inputs: Vec<ObjectId>,
) -> Result<ObjectName, NameError> {
    if bytes.len() != FIXED_BYTES {
        return Err(NameError::Malformed("length of the fixed part"));
    }
    let (_, bytes) = bytes.split_at(MAGIC.len());
    let (level, bytes) = bytes.split_at(1);
    let (parts, bytes) = bytes.split_at(1);
    let (kinds, bytes) = bytes.split_at(1);
    let (size, bytes) = bytes.split_at(SIZE_DIGITS);
    let (id, bytes) = bytes.split_at(ObjectId::TEXT_BYTES);
    let (made, bytes) = bytes.split_at(TIME_DIGITS);
    let (least, greatest) = bytes.split_at(TIME_DIGITS);
    Ok(ObjectName {
        // One digit is at most 63, four are 24 bits, eight 48, nine 54: the casts keep all of them.
        level: parse_number(level, "level")? as u8,
        parts: parse_number(parts, "parts")? as u8 + 1,
        kinds: Kinds::from_bits(parse_number(kinds, "kinds")?).ok_or(NameError::Malformed("kinds"))?,
        size_bytes: parse_number(size, "size")? as u32,
        id: parse_id(id)?,
        made_ms: parse_number(made, "time of writing")? as u64,
        least_ms: parse_number(least, "least stamp")? as u64,
        greatest: Stamp::parse_bytes(greatest).ok_or(NameError::Malformed("greatest stamp"))?,
        partitions,
        low,
        high,
        inputs,
    })
}

fn parse_number(text: &[u8], field: &'static str) -> Result<u128, NameError> {
    digits::parse_number(text).ok_or(NameError::Malformed(field))
}

fn parse_id(text: &[u8]) -> Result<ObjectId, NameError> {
    Ok(ObjectId(parse_number(text, "identifier")? as u64))
}

fn parse_partitions(text: &[u8]) -> Result<Partitions, NameError> {
    if text == ANY.as_bytes() {
        return Ok(Partitions::Any);
    }
    let tags = parse_ascending(text, TAG_DIGITS, MAX_TAGS, "partitions", |text| {
        Ok(Tag(parse_number(text, "partitions")? as u32)) // three digits are 18 bits
    })?;
    Ok(Partitions::Only(tags))
}

fn parse_inputs(text: &[u8]) -> Result<Vec<ObjectId>, NameError> {
    parse_ascending(text, ObjectId::TEXT_BYTES, MAX_INPUTS, "inputs", parse_id)
}

fn parse_ascending<T: Ord>(
    text: &[u8],
    width: usize,
    max: usize,
    field: &'static str,
    parse: impl Fn(&[u8]) -> Result<T, NameError>,
) -> Result<Vec<T>, NameError> {
    if !text.len().is_multiple_of(width) || text.len() > max * width {
        return Err(NameError::Malformed(field));
    }
    let items = text.chunks(width).map(parse).collect::<Result<Vec<_>, _>>()?;
    match items.windows(2).all(|pair| pair[0] < pair[1]) {
        true => Ok(items),
        false => Err(NameError::Malformed(field)),
    }
}

fn parse_bound(text: &[u8]) -> Result<Vec<u8>, NameError> {
    digits::parse_bytes(text)
        .filter(|bound| bound.len() <= BOUND_BYTES)
        .ok_or(NameError::Malformed("key bound"))
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
