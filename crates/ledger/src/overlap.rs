//! Which objects may have a key in common: by their names alone, and between what was read and a name.

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::body::{Contents, RangeTombstone, Record};
use crate::limits::{BOUND_BYTES, MAX_TAGS};
use crate::name::{ObjectName, Partitions};

/// Whether two objects may share a key, as far as their names tell.
pub(crate) fn may_share_keys(a: &ObjectName, b: &ObjectName) -> bool {
    share_partitions(a, b)
        // Bounds within a partition and bounds of whole keys do not compare.
        && (has_one_partition(a) != has_one_partition(b) || (reaches_up_to(&a.high, &b.low) && reaches_up_to(&b.high, &a.low)))
}

/// Whether two objects lie across each other and do not just touch, as far as their names tell. Keys that the names cut
/// off at the same bytes count as touching.
pub(crate) fn lie_across(a: &ObjectName, b: &ObjectName) -> bool {
    share_partitions(a, b)
        && has_one_partition(a) == has_one_partition(b)
        && (same_bounds(a, b) || (a.high > b.low && b.high > a.low))
}

/// Whether tombstones of one object may hide values of the other. Parts of one compaction hide nothing of each other.
pub(crate) fn may_hide(tombstones: &ObjectName, other: &ObjectName) -> bool {
    has_tombstones(tombstones)
        && other.kinds.puts
        && tombstones.id != other.id
        && other.least_ms <= tombstones.greatest.ms()
        && !are_siblings(tombstones, other)
        && may_share_keys(tombstones, other)
}

/// Whether one of two objects may have what the other replaces or hides. Parts of one compaction do not.
pub(crate) fn may_concern(a: &ObjectName, b: &ObjectName) -> bool {
    a.id != b.id && !are_siblings(a, b) && may_share_keys(a, b)
}

/// Whether two objects have a key in common, or one hides something of the other.
pub(crate) fn concern(a: &Contents, b: &Contents) -> bool {
    let hides = |a: &Contents, b: &Contents| {
        a.ranges
            .iter()
            .any(|range| b.records.iter().any(|record| range.hides(record.key.as_str(), record.stamp)))
    };
    let shares =
        a.records.iter().any(|record| b.records.binary_search_by(|other| other.key.cmp(&record.key)).is_ok());
    shares || hides(a, b) || hides(b, a)
}

pub(crate) fn has_tombstones(name: &ObjectName) -> bool {
    name.kinds.tombstones || name.kinds.range_tombstones
}

/// Whether all keys lie in one partition, which the bounds then leave out.
pub(crate) fn has_one_partition(name: &ObjectName) -> bool {
    matches!(&name.partitions, Partitions::Only(tags) if tags.len() == 1)
}

fn are_siblings(a: &ObjectName, b: &ObjectName) -> bool {
    !a.inputs.is_empty() && a.inputs == b.inputs && a.id.group() == b.id.group()
}

fn share_partitions(a: &ObjectName, b: &ObjectName) -> bool {
    match (&a.partitions, &b.partitions) {
        (Partitions::Only(of_a), Partitions::Only(of_b)) => of_a.iter().any(|tag| of_b.contains(tag)),
        _ => !a.is_empty() && !b.is_empty(),
    }
}

fn same_bounds(a: &ObjectName, b: &ObjectName) -> bool {
    a.low == b.low && a.high == b.high
}

/// Whether a highest key, of which the name tells a beginning, may be at or above a lowest one.
fn reaches_up_to(high: &[u8], low: &[u8]) -> bool {
    high >= low || (high.len() == BOUND_BYTES && low.starts_with(high))
}

/// The lowest of these entries' keys that `name` says its object may have as well: exact on one side.
pub(crate) fn meeting_point(contents: &Contents, name: &ObjectName) -> Option<Vec<u8>> {
    let mut lowest: Option<Vec<u8>> = None;
    let mut include = |key: &[u8]| {
        if lowest.as_deref().is_none_or(|lowest| key < lowest) {
            lowest = Some(key.to_vec());
        }
    };
    let _ = each_run(&contents.records, |partition, records| {
        let Some(span) = name.span(Some(partition)) else { return ControlFlow::Continue(()) };
        let first = records.partition_point(|record| record.key.as_bytes() < span.low.as_slice());
        match records.get(first).filter(|record| record.key.as_bytes() <= span.high.as_slice()) {
            // Runs ascend, so no later one has a lower key.
            Some(record) => {
                include(record.key.as_bytes());
                ControlFlow::Break(())
            }
            None => ControlFlow::Continue(()),
        }
    });
    for tombstone in contents.ranges.iter().filter(|tombstone| name.overlaps(&tombstone.range)) {
        let span = name.span(tombstone.range.evident_partition());
        include(tombstone.range.start().max(span.as_ref().map_or(&[], |span| span.low.as_slice())));
    }
    lowest
}

/// The beginning of an object's lowest key, if its name tells it, or if its partition is that of the last of these entries.
pub(crate) fn lowest_key_of(name: &ObjectName, contents: &Contents) -> Option<Vec<u8>> {
    if has_one_partition(name) {
        let partition = contents.records.last()?.key.partition();
        return Some(name.span(Some(partition))?.low);
    }
    Some(name.span(None)?.low)
}

/// Whether a tombstone of that stamp may hide a value of an object.
fn is_older(name: &ObjectName, stamp_ms: u64) -> bool {
    name.kinds.puts && name.least_ms <= stamp_ms
}

/// Whether tombstones among `contents` may hide values of an object.
pub(crate) fn may_hide_some(contents: &Contents, name: &ObjectName) -> bool {
    contents.records.iter().any(|record| record_may_hide(record, name))
        || contents.ranges.iter().any(|tombstone| range_may_hide(tombstone, name))
}

/// Whether an entry is a tombstone that may hide a value of an object.
pub(crate) fn record_may_hide(record: &Record, name: &ObjectName) -> bool {
    let key = record.key.as_bytes();
    let inside = || {
        let span = name.span(Some(record.key.partition()));
        span.is_some_and(|span| span.low.as_slice() <= key && key <= span.high.as_slice())
    };
    record.value.is_none() && is_older(name, record.stamp.ms()) && inside()
}

/// Whether a range tombstone may hide a value of an object.
pub(crate) fn range_may_hide(tombstone: &RangeTombstone, name: &ObjectName) -> bool {
    is_older(name, tombstone.stamp.ms()) && name.overlaps(&tombstone.range)
}

/// Shows the entries of each partition, in the order of keys, until told to stop.
fn each_run<'r>(
    records: &'r [Record],
    mut show: impl FnMut(&'r str, &'r [Record]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut rest = records;
    while let Some(first) = rest.first() {
        let partition = first.key.partition();
        // A partition's keys lie next to each other.
        let (run, others) = rest.split_at(rest.partition_point(|record| record.key.partition() == partition));
        show(partition, run)?;
        rest = others;
    }
    ControlFlow::Continue(())
}

/// Whether all keys of some objects lie in one partition, or in partitions of one family, so that their union is not cut
/// between families.
pub(crate) fn are_one_family<'n>(mut names: impl Iterator<Item = &'n ObjectName>) -> bool {
    let Some(first) = names.next() else { return true };
    let family = |bound: &[u8]| bound.iter().position(|byte| *byte == b'/').map(|at| bound[..=at].to_vec());
    if has_one_partition(first) {
        return names.all(|name| name.partitions == first.partitions);
    }
    let Some(expected) = family(&first.low) else { return false };
    let is_expected = |bound: &[u8]| family(bound).as_ref() == Some(&expected);
    is_expected(&first.high)
        && names.all(|name| !has_one_partition(name) && is_expected(&name.low) && is_expected(&name.high))
}

/// Whether a name could list all partitions that some objects touch together.
pub(crate) fn name_tells_all<'n>(names: impl Iterator<Item = &'n ObjectName>) -> bool {
    let mut all = HashSet::new();
    for name in names {
        let Partitions::Only(tags) = &name.partitions else { return false };
        all.extend(tags.iter().copied());
    }
    all.len() <= MAX_TAGS
}
