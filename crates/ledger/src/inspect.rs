//! Looking at objects one by one, whatever the state of the store: for people who want to know what a data file holds.
//!
//! Nothing here takes part in reading or writing entries.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::body::{self, Contents};
use crate::error::{Damage, DamageReason};
use crate::hints::is_hint;
use crate::key::Key;
use crate::listing::Listing;
use crate::name::ObjectName;
use crate::stamp::Stamp;

/// What all keys of a store tell by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The objects, ascending by name as text.
    pub objects: Vec<ListedObject>,
    /// Hints: marks beside the objects that carry nothing that is not elsewhere.
    pub hints: Vec<String>,
    /// Other keys that are no objects of this version.
    pub unknown: Vec<Damage>,
}

/// An object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Its name as listed: the store key.
    pub key: String,
    /// What the name tells.
    pub name: ObjectName,
    /// Whether other listed objects hold all that it holds, so that it will be removed.
    pub is_replaced: bool,
}

/// Sorts out the keys of a store.
pub fn listed(keys: Vec<String>) -> Listed {
    let (hints, keys) = keys.into_iter().partition(|key| is_hint(key));
    let listing = Listing::new(keys);
    let standing = listing.standing();
    let objects = listing.objects().iter().enumerate().map(|(index, object)| ListedObject {
        key: object.text.clone(),
        name: object.name.clone(),
        is_replaced: standing.binary_search(&index).is_err(),
    });
    Listed { objects: objects.collect(), hints, unknown: listing.unknown().to_vec() }
}

/// What the bytes of one object hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Values.
    pub values: usize,
    /// Tombstones of single keys.
    pub tombstones: usize,
    /// Tombstones of ranges.
    pub range_tombstones: usize,
    /// The least and the greatest stamp; `None` when it is empty.
    pub stamps: Option<(Stamp, Stamp)>,
    /// The least and the greatest key of the entries; `None` without entries.
    pub keys: Option<(Key, Key)>,
    /// The entries by partition. Range tombstones are not among them.
    pub partitions: BTreeMap<String, HeldOf>,
}

/// What one object holds of one partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeldOf {
    /// Values.
    pub values: usize,
    /// Tombstones of single keys.
    pub tombstones: usize,
    /// Bytes of keys and values as one would write them down by themselves.
    pub content_bytes: u64,
    /// Bytes that the entries take in the object before it is compressed.
    pub plain_bytes: u64,
}

/// Reads the bytes that are stored under `key`, wherever they come from.
///
/// # Errors
/// When the key is no object's name, or the bytes are not those of that object.
pub fn held(key: &str, body: impl Into<Bytes>) -> Result<(ObjectName, Held), DamageReason> {
    let name = ObjectName::parse(key).map_err(DamageReason::Name)?;
    let contents = body::decode(&name, body.into()).map_err(DamageReason::Body)?;
    Ok((name, Held::of(&contents)))
}

impl Held {
    fn of(contents: &Contents) -> Self {
        let stamps = || {
            let ranges = contents.ranges.iter().map(|tombstone| tombstone.stamp);
            ranges.chain(contents.records.iter().map(|record| record.stamp))
        };
        let stamp_range = stamps().min().zip(stamps().max());
        let stamp_bytes = match stamp_range {
            Some((least, greatest)) if least < greatest => Stamp::BYTES,
            _ => 0,
        };
        let key = |record: Option<&body::Record>| record.map(|record| record.key.clone());
        let mut held = Self {
            range_tombstones: contents.ranges.len(),
            stamps: stamp_range,
            keys: key(contents.records.first()).zip(key(contents.records.last())),
            ..Self::default()
        };
        let mut previous: &[u8] = &[];
        let mut partitions: BTreeMap<&str, HeldOf> = BTreeMap::new();
        for record in &contents.records {
            let of = partitions.entry(record.key.partition()).or_default();
            let key = record.key.as_bytes();
            let shared = key.iter().zip(previous).take_while(|(a, b)| a == b).count();
            let rest = key.len() - shared;
            // The kind is one byte.
            let mut plain = varint_bytes(shared) + varint_bytes(rest) + rest + 1 + stamp_bytes;
            let value = record.value.as_ref().map(Bytes::len);
            if let Some(value) = value {
                plain += varint_bytes(value) + value;
            }
            of.values += usize::from(value.is_some());
            of.tombstones += usize::from(value.is_none());
            of.content_bytes += (key.len() + value.unwrap_or(0)) as u64;
            of.plain_bytes += plain as u64;
            previous = key;
        }
        held.values = partitions.values().map(|of| of.values).sum();
        held.tombstones = partitions.values().map(|of| of.tombstones).sum();
        held.partitions = partitions.into_iter().map(|(name, of)| (name.to_owned(), of)).collect();
        held
    }
}

/// Bytes of a LEB128 number below 2^21.
const fn varint_bytes(value: usize) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::DamageReason;
    use crate::testing::{ManualClock, MemoryStore, SeededRandom};
    use crate::{Batch, Ledger, Range, Timing};
    use pollster::block_on;

    fn stored(batch: Batch) -> (String, Vec<u8>) {
        let store = MemoryStore::new();
        let ledger =
            Ledger::new(store.clone(), ManualClock::at(1_000), SeededRandom::new(1), Timing::local());
        block_on(async {
            let mut view = ledger.view().await.unwrap();
            ledger.commit(&mut view, batch).await.unwrap();
        });
        store.contents().into_iter().next().unwrap()
    }

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    fn batch() -> Batch {
        let mut batch = Batch::new();
        batch.put(key("post:1"), "one");
        batch.put(key("post:2"), vec![7; 200]);
        batch.delete(key("friend:x"));
        batch.delete_range(Range::partition("feed"));
        batch
    }

    #[test]
    fn tells_what_an_object_holds() {
        let (object, body) = stored(batch());
        let (name, held) = held(&object, body.clone()).unwrap();
        assert_eq!(name.size_bytes() as usize, body.len());
        assert_eq!((held.values, held.tombstones, held.range_tombstones), (2, 1, 1));
        assert_eq!(held.keys, Some((key("friend:x"), key("post:2"))));
        let posts = held.partitions["post"];
        assert_eq!((posts.values, posts.tombstones, posts.content_bytes), (2, 0, 6 + 3 + 6 + 200));
        let plain: u64 = held.partitions.values().map(|of| of.plain_bytes).sum();
        // The rest is header, stamp, counts and the range.
        let around = 4 + 8 + 1 + 12 + 1 + (1 + 5) + (1 + 5) + 1;
        assert_eq!(plain + around, body.len() as u64);
    }

    #[test]
    fn tells_what_is_wrong_with_one() {
        let (object, mut body) = stored(batch());
        assert!(matches!(held("something", body.clone()), Err(DamageReason::Name(_))));
        if let Some(last) = body.last_mut() {
            *last ^= 1;
        }
        assert!(matches!(held(&object, body), Err(DamageReason::Body(_))));
    }

    #[test]
    fn sorts_out_keys() {
        let (object, _) = stored(batch());
        let listed = listed(vec!["stranger".into(), object.clone(), "h.pulse".into()]);
        assert_eq!(listed.objects.len(), 1);
        assert_eq!((listed.objects[0].key.as_str(), listed.objects[0].is_replaced), (object.as_str(), false));
        assert_eq!(listed.unknown.len(), 1);
        assert_eq!(listed.unknown[0].object, "stranger");
        assert_eq!(listed.hints, ["h.pulse"]);
    }
}
