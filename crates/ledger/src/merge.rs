//! The union of some objects, as new ones: a pure function, so that two who compact the same at once write the same.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3Default;

use crate::body::{Contents, Identity, RangeTombstone, Record, TooLarge, encode, range_order};
use crate::cut::{Cutter, cut_at};
use crate::key::{Key, Range};
use crate::limits::MAX_PARTS;
use crate::name::{ObjectId, ObjectName};
use crate::overlap::{range_may_hide, record_may_hide};
use crate::policy::{Policy, level};
use crate::query::precedence;
use crate::stamp::Stamp;

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

/// What the union is to become.
#[derive(Debug)]
pub(crate) struct Shape<'a> {
    pub made_ms: u64,
    pub level: u8,
    /// What stands below that level. Copies of new tombstones that may hide some of it are sent on down at once.
    pub below: Vec<&'a ObjectName>,
    /// Keys before which it is cut, ascending, besides where it must be.
    pub cuts: Vec<Vec<u8>>,
    pub policy: Policy,
}

/// Writes the union of `inputs`: of each key the latest entry, unless a range tombstone hides it, and all tombstones.
///
/// `None` when it cannot be written: inputs that share an identifier, or an entry that fits into an object only beside
/// the entries it came with. Such inputs stay what they are.
pub(crate) fn merge(inputs: &[Input], shape: &Shape<'_>) -> Option<Vec<Output>> {
    let mut ids: Vec<ObjectId> = inputs.iter().map(|input| input.name.id).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    let greatest = inputs.iter().map(|input| input.name.greatest).max()?;
    let parts = parts(inputs, shape);
    if parts.len() > MAX_PARTS {
        return None;
    }
    let group = hash_of(&ids, shape.made_ms, &parts);
    let count = parts.len() as u8; // at most MAX_PARTS
    let outputs = (0_u8..).zip(parts).map(|(part, (level, contents))| {
        let id = ObjectId::of_part(group, part);
        let (inputs, made_ms) = (ids.clone(), shape.made_ms);
        let identity = Identity { id, level, parts: count, inputs, made_ms, greatest };
        let (name, body) = encode(identity, &contents)?;
        Ok(Output { name: name.to_string(), body, contents: Arc::new(contents) })
    });
    let outputs = outputs.collect::<Result<Vec<_>, TooLarge>>().ok()?;
    // A chance collision of identifiers would make a name that readers refuse.
    outputs.iter().all(|output| ObjectName::parse(&output.name).is_ok()).then_some(outputs)
}

/// The contents of what is to be written, with the level of each.
fn parts(inputs: &[Input], shape: &Shape<'_>) -> Vec<(u8, Contents)> {
    // What lies at its level already was put together on purpose.
    let comes = inputs.iter().any(|input| input.name.level != shape.level);
    let cutter = Cutter::new(&shape.policy, shape.level, comes);
    let staying: Vec<Contents> =
        cut_at(union(inputs), &shape.cuts).into_iter().flat_map(|piece| cutter.cut(piece)).collect();
    // What is too much for one young object would be merged again and again without becoming less.
    let stays = shape.level != level::YOUNG || staying.len() < 2;
    let level = if stays { shape.level } else { level::TO_MIDDLE };
    let mut parts: Vec<_> = staying.into_iter().map(|contents| (level, contents)).collect();
    let falling = cutter.cut(sift(inputs, shape)).into_iter().map(|contents| (shape.level + 1, contents));
    parts.extend(falling.filter(|(_, contents)| *contents != Contents::default()));
    if parts.is_empty() {
        parts.push((shape.level, Contents::default()));
    }
    parts
}

/// Tombstones that came to this level just now and may hide what lies below.
fn sift(inputs: &[Input], shape: &Shape<'_>) -> Contents {
    let mut found = Contents::default();
    if !matches!(shape.level, level::YOUNG | level::MIDDLE) {
        return found;
    }
    let came = |input: &&Input| matches!(input.name.level, level::COMMIT | level::TO_MIDDLE);
    let mut tombstones: BTreeMap<&Key, &Record> = BTreeMap::new();
    for contents in inputs.iter().filter(came).map(|input| &input.contents) {
        for record in contents.records.iter().filter(|record| record.value.is_none()) {
            let latest = tombstones.entry(&record.key).or_insert(record);
            if latest.stamp < record.stamp {
                *latest = record;
            }
        }
        found.ranges.extend(contents.ranges.iter().cloned());
    }
    found.records.extend(
        tombstones
            .into_values()
            .filter(|record| shape.below.iter().any(|name| record_may_hide(record, name)))
            .cloned(),
    );
    found.ranges.retain(|tombstone| shape.below.iter().any(|name| range_may_hide(tombstone, name)));
    found.ranges = effective(found.ranges);
    found
}

/// What the outputs' identifiers have in common: it stands for all that they hold, since that depends on what else was
/// listed.
fn hash_of(ids: &[ObjectId], made_ms: u64, parts: &[(u8, Contents)]) -> u64 {
    let mut hash = Xxh3Default::new();
    hash.update(&made_ms.to_le_bytes());
    ids.iter().for_each(|id| hash.update(&id.bits().to_le_bytes()));
    for (level, contents) in parts {
        hash.update(&[*level]);
        for RangeTombstone { range, stamp } in &contents.ranges {
            hash.update(&stamp.to_bytes());
            hash.update(&(range.start().len() as u64).to_le_bytes());
            hash.update(range.start());
            hash.update(range.end());
        }
        for record in &contents.records {
            hash.update(&record.stamp.to_bytes());
            hash.update(record.key.as_bytes());
        }
    }
    hash.digest()
}

/// Of each key the latest entry, unless a range tombstone hides it, and all tombstones.
pub(crate) fn union(inputs: &[Input]) -> Contents {
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

/// Range tombstones that hide the same and do not overlap: where several lie above each other only the latest counts.
fn effective(mut ranges: Vec<RangeTombstone>) -> Vec<RangeTombstone> {
    ranges.sort_by(|a, b| range_order(a).cmp(&range_order(b)));
    let bounds = ranges.iter().flat_map(|tombstone| [tombstone.range.start(), tombstone.range.end()]);
    let bounds: BTreeSet<&[u8]> = bounds.collect();
    let mut ahead = ranges.iter().peekable();
    // Those that began and may not have ended yet.
    let mut open: BinaryHeap<(Stamp, &[u8])> = BinaryHeap::new();
    let mut found: Vec<RangeTombstone> = Vec::new();
    for (start, end) in bounds.iter().zip(bounds.iter().skip(1)) {
        while let Some(tombstone) = ahead.next_if(|tombstone| tombstone.range.start() <= *start) {
            open.push((tombstone.stamp, tombstone.range.end()));
        }
        while open.peek().is_some_and(|(_, ends)| ends <= start) {
            open.pop();
        }
        let Some((stamp, _)) = open.peek().copied() else { continue };
        match found.last_mut() {
            Some(last) if last.stamp == stamp && last.range.end() == *start => {
                last.range = last.range.until(end);
            }
            _ => {
                found.push(RangeTombstone { range: Range::from_bounds(start.to_vec(), end.to_vec()), stamp })
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tombstone(start: u8, end: u8, ms: u64) -> RangeTombstone {
        RangeTombstone { range: Range::from_bounds(vec![start], vec![end]), stamp: Stamp::at_ms(ms) }
    }

    proptest! {
        #[test]
        fn effective_ranges_hide_the_same_and_do_not_overlap(
            drawn in prop::collection::vec((b'a'..b'k', 1..6_u8, 0..4_u64), 0..8)
        ) {
            let ranges: Vec<_> =
                drawn.iter().map(|(start, length, ms)| tombstone(*start, start + length, *ms)).collect();
            let found = effective(ranges.clone());
            for key in b'a'..=b'z' {
                let key = char::from(key).to_string();
                for stamp in (0..5).map(Stamp::at_ms) {
                    let hides = |ranges: &[RangeTombstone]| ranges.iter().any(|range| range.hides(&key, stamp));
                    prop_assert_eq!(hides(&ranges), hides(&found));
                }
            }
            prop_assert!(found.windows(2).all(|pair| pair[0].range.end() <= pair[1].range.start()));
            prop_assert_eq!(effective(found.clone()), found);
        }
    }
}
