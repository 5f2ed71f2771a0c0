//! The union of some objects, as new ones: a pure function, so that two who compact the same at once write the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3Default;

use crate::body::{Contents, Identity, RangeTombstone, Record, TooLarge, encode, range_order};
use crate::key::Key;
use crate::limits::{MAX_OBJECT_BYTES, MAX_PARTS};
use crate::name::{ObjectId, ObjectName};
use crate::query::precedence;
use crate::stamp::Stamp;

/// What an object takes besides its entries: header, shared stamp, two numbers.
const OVERHEAD_BYTES: usize = 64;
/// What an entry takes at most besides key and value: three lengths, kind, stamp.
const ENTRY_OVERHEAD_BYTES: usize = 3 * 3 + 1 + Stamp::BYTES;
/// Outputs below this are level 1; each further level is for four times as much.
const LEVEL_ONE_BYTES: usize = 16 * 1024;
/// Up to how many range tombstones those that another makes superfluous are looked for, each against each.
const MAX_RANGES_COMPARED: usize = 512;

/// An object that is ready to be written.
#[derive(Debug)]
pub(crate) struct Output {
    pub name: String,
    pub body: Vec<u8>,
    pub contents: Arc<Contents>,
}

/// An object to be merged.
pub(crate) struct Input {
    pub name: ObjectName,
    pub contents: Arc<Contents>,
}

/// Writes the union of `inputs`: of each key the latest entry, unless a range tombstone hides it, and all tombstones.
///
/// `None` when it cannot be written: inputs that share an identifier, or an entry that fits into an object only beside
/// the entries it came with. Such inputs stay what they are.
pub(crate) fn merge(inputs: &[Input], made_ms: u64) -> Option<Vec<Output>> {
    let mut ids: Vec<ObjectId> = inputs.iter().map(|input| input.name.id).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    let greatest = inputs.iter().map(|input| input.name.greatest).max()?;
    let parts = cut(union(inputs));
    if parts.len() > MAX_PARTS {
        return None;
    }
    let bytes: usize = inputs.iter().map(|input| input.name.size_bytes as usize).sum();
    let group = hash_of(&ids, made_ms);
    let count = parts.len() as u8; // at most MAX_PARTS
    let outputs = (0_u8..).zip(parts).map(|(part, contents)| {
        let id = ObjectId::of_part(group, part);
        let identity =
            Identity { id, level: level_of(bytes), parts: count, inputs: ids.clone(), made_ms, greatest };
        let (name, body) = encode(identity, &contents)?;
        Ok(Output { name: name.to_string(), body, contents: Arc::new(contents) })
    });
    let outputs = outputs.collect::<Result<Vec<_>, TooLarge>>().ok()?;
    // A chance collision of identifiers would make a name that readers refuse.
    outputs.iter().all(|output| ObjectName::parse(&output.name).is_ok()).then_some(outputs)
}

/// What the outputs' identifiers have in common.
fn hash_of(ids: &[ObjectId], made_ms: u64) -> u64 {
    let mut hash = Xxh3Default::new();
    hash.update(&made_ms.to_le_bytes());
    ids.iter().for_each(|id| hash.update(&id.bits().to_le_bytes()));
    hash.digest()
}

/// The level tells how much was merged, not how often: else many small deletions from one large object would exhaust
/// the levels.
fn level_of(bytes: usize) -> u8 {
    (1..9).find(|level| bytes < LEVEL_ONE_BYTES << (2 * (level - 1))).unwrap_or(9)
}

fn union(inputs: &[Input]) -> Contents {
    let mut winners: BTreeMap<&Key, &Record> = BTreeMap::new();
    for record in inputs.iter().flat_map(|input| &input.contents.records) {
        let winner = winners.entry(&record.key).or_insert(record);
        if precedence(winner) < precedence(record) {
            *winner = record;
        }
    }
    let ranges = effective(inputs.iter().flat_map(|input| input.contents.ranges.iter().cloned()).collect());
    let hidden = |record: &Record| ranges.iter().any(|range| range.hides(record.key.as_str(), record.stamp));
    let records = winners.into_values().filter(|record| !hidden(record)).cloned().collect();
    Contents { ranges, records }
}

/// Leaves out range tombstones that hide nothing that another one, as late and as wide, does not.
fn effective(mut ranges: Vec<RangeTombstone>) -> Vec<RangeTombstone> {
    ranges.sort_by(|a, b| range_order(a).cmp(&range_order(b)));
    ranges.dedup();
    if ranges.len() > MAX_RANGES_COMPARED {
        return ranges;
    }
    let covers = |a: &RangeTombstone, b: &RangeTombstone| {
        a.stamp >= b.stamp && a.range.start() <= b.range.start() && a.range.end() >= b.range.end()
    };
    let superfluous = |tombstone: &RangeTombstone| {
        ranges.iter().any(|other| range_order(other) != range_order(tombstone) && covers(other, tombstone))
    };
    ranges.iter().filter(|tombstone| !superfluous(tombstone)).cloned().collect()
}

/// Cuts contents, in the order of keys, into parts that fit into an object each. Range tombstones are in the first:
/// its name tells how far they reach, so all who need them read it.
fn cut(contents: Contents) -> Vec<Contents> {
    let Contents { ranges, records } = contents;
    let range_bytes = |tombstone: &RangeTombstone| {
        tombstone.range.start().len() + tombstone.range.end().len() + ENTRY_OVERHEAD_BYTES
    };
    let mut bytes = OVERHEAD_BYTES + ranges.iter().map(range_bytes).sum::<usize>();
    let mut part = Contents { ranges, records: Vec::new() };
    let mut parts = Vec::new();
    for record in records {
        let value_bytes = record.value.as_ref().map_or(0, |value| value.len());
        let size = ENTRY_OVERHEAD_BYTES + value_bytes + own_key_bytes(part.records.last(), &record.key);
        if bytes + size > MAX_OBJECT_BYTES && !(part.records.is_empty() && part.ranges.is_empty()) {
            parts.push(std::mem::take(&mut part));
            bytes = OVERHEAD_BYTES + record.key.as_bytes().len();
        }
        bytes += size;
        part.records.push(record);
    }
    parts.push(part);
    parts
}

/// How many bytes of a key are not those of the one before.
fn own_key_bytes(previous: Option<&Record>, key: &Key) -> usize {
    let previous = previous.map(|record| record.key.as_bytes()).unwrap_or_default();
    let shared = key.as_bytes().iter().zip(previous).take_while(|(a, b)| a == b).count();
    key.as_bytes().len() - shared
}
