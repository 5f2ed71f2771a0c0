//! Where contents are cut into objects.

use std::collections::HashSet;

use crate::body::{Contents, RangeTombstone, Record};
use crate::limits::PAGE_ENTRIES;
use crate::policy::{Policy, level};
use crate::stamp::Stamp;

/// What an object takes besides its entries: header, shared stamp, two numbers.
const OVERHEAD_BYTES: usize = 64;
/// What an entry takes at most besides key and value: three lengths, kind, stamp.
const ENTRY_OVERHEAD_BYTES: usize = 3 * 3 + 1 + Stamp::BYTES;

/// Cuts contents into parts that fit into an object each, in the order of keys.
pub(crate) struct Cutter {
    part_bytes: usize,
    /// The same for parts with several partitions.
    shared_bytes: usize,
    bulk_bytes: usize,
    /// Whether families of partitions are kept apart.
    by_family: bool,
    /// Whether the newest entries of a partition are kept together.
    keeps_pages: bool,
}

/// Something that lies at a key: an entry, or where a range tombstone begins.
struct Item<'c> {
    key: &'c [u8],
    partition: &'c str,
    bytes: usize,
}

impl Cutter {
    pub fn new(policy: &Policy, level: u8, by_family: bool) -> Self {
        Self {
            part_bytes: policy.object_bytes_at(level),
            shared_bytes: policy.shared_bytes_at(level),
            bulk_bytes: policy.bulk_bytes,
            by_family: by_family && level >= level::MIDDLE,
            keeps_pages: level >= level::BOTTOM,
        }
    }

    /// The parts. Range tombstones, which must not overlap, are cut as well, so that parts do not lie across each other.
    /// None of nothing.
    pub fn cut(&self, contents: Contents) -> Vec<Contents> {
        // One of them may reach into each part from the one before.
        let reaching = contents.ranges.iter().map(bytes_of_range).max().unwrap_or(0);
        // Sizes of entries are estimates from above, good enough unless all of it just fits.
        let bytes = contents.encoded_bytes();
        let room = |part_bytes: usize| {
            if bytes <= part_bytes { usize::MAX } else { part_bytes.saturating_sub(reaching) }
        };
        let keys = self.cuts(&items_of(&contents), room(self.part_bytes), room(self.shared_bytes));
        cut_at(contents, &keys)
    }

    /// The keys that a part begins with, but for the first. Parts with several partitions have less room.
    fn cuts(&self, items: &[Item<'_>], own_room: usize, shared_room: usize) -> Vec<Vec<u8>> {
        let bulky = self.bulky_boundaries(items);
        let mut cuts = Vec::new();
        let mut start = 0;
        let mut bytes = OVERHEAD_BYTES;
        // The last place in this part at which a partition began, and the bytes before.
        let mut boundary = None;
        let mut index = 0;
        while let Some(item) = items.get(index) {
            let begins = index > start && items[index - 1].partition != item.partition;
            let room = if begins || boundary.is_some() { shared_room } else { own_room };
            let is_full = index > start && bytes + item.bytes > room;
            if begins && bulky.contains(&index) || is_full {
                let at = match boundary {
                    _ if !is_full || begins => index,
                    // Most partitions are in fewer objects so. Bounds say nothing of a partition among several.
                    Some((boundary, before)) if before >= room / 2 => boundary,
                    _ if self.keeps_pages => keep_page_together(items, start, index, room),
                    _ => index,
                };
                cuts.push(items[at].key.to_vec());
                // The first key of an object is not shortened.
                (start, bytes, boundary, index) = (at, OVERHEAD_BYTES + items[at].key.len(), None, at);
                bytes += items[at].bytes;
                index += 1;
                continue;
            }
            if begins {
                boundary = Some((index, bytes));
            }
            bytes += item.bytes;
            index += 1;
        }
        cuts
    }

    /// Where a family of partitions with much in it begins or ends, so that what is small and often read does not lie in
    /// the same object.
    fn bulky_boundaries(&self, items: &[Item<'_>]) -> HashSet<usize> {
        let mut boundaries = HashSet::new();
        if !self.by_family {
            return boundaries;
        }
        let (mut start, mut was_bulky) = (0, false);
        for run in items.chunk_by(|a, b| family_of(a.partition) == family_of(b.partition)) {
            let is_bulky = run.iter().map(|item| item.bytes).sum::<usize>() >= self.bulk_bytes;
            if start > 0 && (is_bulky || was_bulky) {
                boundaries.insert(start);
            }
            (start, was_bulky) = (start + run.len(), is_bulky);
        }
        boundaries
    }
}

/// Entries and range tombstones in the order of keys. A range tombstone counts to the partition of what comes before.
fn items_of(contents: &Contents) -> Vec<Item<'_>> {
    let mut items: Vec<Item<'_>> = Vec::with_capacity(contents.records.len() + contents.ranges.len());
    let mut ranges = contents.ranges.iter().peekable();
    let mut previous: &[u8] = &[];
    let mut partition = "";
    for Record { key, value, .. } in &contents.records {
        while let Some(tombstone) = ranges.next_if(|tombstone| tombstone.range.start() <= key.as_bytes()) {
            items.push(Item { key: tombstone.range.start(), partition, bytes: bytes_of_range(tombstone) });
        }
        partition = key.partition();
        let shared = previous.iter().zip(key.as_bytes()).take_while(|(a, b)| a == b).count();
        previous = key.as_bytes();
        let bytes =
            ENTRY_OVERHEAD_BYTES + previous.len() - shared + value.as_ref().map_or(0, |value| value.len());
        items.push(Item { key: previous, partition, bytes });
    }
    items.extend(ranges.map(|tombstone| Item {
        key: tombstone.range.start(),
        partition,
        bytes: bytes_of_range(tombstone),
    }));
    items
}

/// Cuts contents before each of some ascending keys. Parts without anything are left out.
pub(crate) fn cut_at(contents: Contents, keys: &[Vec<u8>]) -> Vec<Contents> {
    let mut parts = Vec::with_capacity(keys.len() + 1);
    let mut rest = contents;
    for key in keys {
        let index = rest.records.partition_point(|record| record.key.as_bytes() < key.as_slice());
        let records = rest.records.split_off(index);
        let mut ranges = Vec::new();
        for tombstone in &mut rest.ranges {
            if let Some(beyond) = split_range(tombstone, key) {
                ranges.push(beyond);
            }
        }
        rest.ranges.retain(|tombstone| !tombstone.range.is_empty());
        parts.push(std::mem::replace(&mut rest, Contents { ranges, records }));
    }
    parts.push(rest);
    parts.retain(|part| *part != Contents::default());
    parts
}

/// Ends a range tombstone before `key`, and returns what lies beyond.
fn split_range(tombstone: &mut RangeTombstone, key: &[u8]) -> Option<RangeTombstone> {
    if tombstone.range.end() <= key {
        return None;
    }
    let (below, beyond) = tombstone.range.split_before(key);
    let stamp = tombstone.stamp;
    tombstone.range = below;
    Some(RangeTombstone { range: beyond, stamp })
}

/// The cut that is nearest to `index` and does not leave the newest page of a partition on two sides, unless that would
/// leave much room unused: then there is no use in leaving some of it.
fn keep_page_together(items: &[Item<'_>], start: usize, index: usize, room: usize) -> usize {
    let partition = items[index].partition;
    let same = |item: &&Item<'_>| item.partition == partition;
    let after = items[index..].iter().take(PAGE_ENTRIES).take_while(same).count();
    let before: Vec<_> =
        items[start + 1..index].iter().rev().take(PAGE_ENTRIES - after).take_while(same).collect();
    let bytes: usize = before.iter().map(|item| item.bytes).sum();
    if bytes <= room / 8 { index - before.len() } else { index }
}

/// The partition up to the first slash: partitions of one kind, such as one for each friend, are a family.
fn family_of(partition: &str) -> &str {
    partition.split_once('/').map_or(partition, |(family, _)| family)
}

fn bytes_of_range(tombstone: &RangeTombstone) -> usize {
    tombstone.range.start().len() + tombstone.range.end().len() + ENTRY_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Key, Range};

    fn record(key: &str, bytes: usize) -> Record {
        Record {
            key: Key::parse(key).unwrap(),
            stamp: Stamp::at_ms(1),
            value: Some(vec![b'x'; bytes].into()),
        }
    }

    fn cut(records: Vec<Record>, ranges: Vec<RangeTombstone>, policy: Policy) -> Vec<Vec<String>> {
        let parts = Cutter::new(&policy, level::BOTTOM, true).cut(Contents { ranges, records });
        let keys = |part: &Contents| part.records.iter().map(|record| record.key.to_string()).collect();
        parts.iter().map(keys).collect()
    }

    #[test]
    fn families_with_much_in_them_lie_apart_from_small_ones() {
        let policy = Policy { object_bytes: 10_000, bulk_bytes: 500, ..Policy::new() };
        let records = ["access:", "dm/a:1", "dm/b:1", "friend:1", "friend:2", "post:1"];
        let bytes = [10, 400, 400, 10, 10, 900];
        let records = records.iter().zip(bytes).map(|(key, bytes)| record(key, bytes)).collect();
        let parts = cut(records, Vec::new(), policy);
        assert_eq!(
            parts,
            [vec!["access:"], vec!["dm/a:1", "dm/b:1"], vec!["friend:1", "friend:2"], vec!["post:1"]]
        );
    }

    #[test]
    fn a_partition_that_begins_late_in_a_full_object_begins_the_next() {
        let policy = Policy { object_bytes: 1_000, bulk_bytes: usize::MAX, ..Policy::new() };
        let records = vec![record("a:1", 880), record("b:1", 40), record("b:2", 300)];
        assert_eq!(cut(records, Vec::new(), policy), [vec!["a:1"], vec!["b:1", "b:2"]]);
    }

    #[test]
    fn objects_with_several_partitions_are_smaller_and_leave_small_partitions_whole() {
        let policy = Policy { object_bytes: 30_000, bulk_bytes: usize::MAX, ..Policy::new() };
        let records = (0..6)
            .flat_map(|friend| (0..70).map(move |number| record(&format!("dm/{friend}:{number:04}"), 70)))
            .collect();
        let parts = cut(records, Vec::new(), policy);
        let partitions =
            |part: &Vec<String>| part.iter().map(|key| key[..4].to_owned()).collect::<HashSet<_>>();
        assert_eq!(parts.iter().map(|part| partitions(part).len()).collect::<Vec<_>>(), [3, 3]);
    }

    #[test]
    fn the_newest_entries_of_a_partition_stay_together() {
        let policy = Policy { object_bytes: 20_000, bulk_bytes: usize::MAX, ..Policy::new() };
        let records: Vec<_> = (0..270).map(|number| record(&format!("post:{number:04}"), 70)).collect();
        let parts = cut(records, Vec::new(), policy);
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[1].len(), PAGE_ENTRIES);
    }

    #[test]
    fn entries_too_large_to_keep_a_page_together_fill_their_object() {
        let policy = Policy { object_bytes: 20_000, bulk_bytes: usize::MAX, ..Policy::new() };
        let records: Vec<_> = (0..40).map(|number| record(&format!("blob:{number:04}"), 900)).collect();
        let parts = cut(records, Vec::new(), policy);
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [21, 19]);
    }

    #[test]
    fn many_range_tombstones_are_cut_like_entries_and_parts_do_not_overlap() {
        let policy = Policy { object_bytes: 1_000, ..Policy::new() };
        let ranges: Vec<_> = (0..100)
            .map(|number| {
                let range = Range::prefix("post", &format!("{number:04}"));
                RangeTombstone { range, stamp: Stamp::at_ms(number) }
            })
            .collect();
        let records = (0..100).map(|number| record(&format!("post:{number:04}"), 5)).collect();
        let parts = Cutter::new(&policy, level::BOTTOM, true).cut(Contents { ranges, records });
        assert!(parts.len() > 5);
        let highest = |part: &Contents| {
            let ranges = part.ranges.iter().map(|tombstone| tombstone.range.end().to_vec());
            ranges.chain(part.records.iter().map(|record| record.key.as_bytes().to_vec())).max().unwrap()
        };
        let lowest = |part: &Contents| {
            let ranges = part.ranges.iter().map(|tombstone| tombstone.range.start().to_vec());
            ranges.chain(part.records.iter().map(|record| record.key.as_bytes().to_vec())).min().unwrap()
        };
        assert!(parts.windows(2).all(|pair| highest(&pair[0]) <= lowest(&pair[1])));
        assert_eq!(parts.iter().map(|part| part.records.len()).sum::<usize>(), 100);
    }
}
