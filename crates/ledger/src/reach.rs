//! Where an object's keys lie, compared with what is asked for, without building any key: a question looks at all names
//! that are listed.

use std::cmp::Ordering;

use crate::key::{Range, SEPARATOR};
use crate::limits::BOUND_BYTES;
use crate::name::{ObjectName, Partitions, Tag};
use crate::query::Direction;

/// A range that is asked for, made ready to be compared with many names.
#[derive(Debug)]
pub(crate) struct Asked<'r> {
    range: &'r Range,
    /// The partition that all of it lies in: its tag, and what its keys begin with.
    within: Option<(Tag, Vec<u8>)>,
}

/// The bounds of an object's keys, as whole keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach<'n> {
    pub low: Edge<'n>,
    pub high: Edge<'n>,
}

/// A whole key that is told in pieces, one behind the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge<'n> {
    prefix: &'n [u8],
    rest: &'n [u8],
    /// The name cut the key off here: take a byte that is above all of UTF-8 for what follows.
    is_cut: bool,
}

impl<'r> Asked<'r> {
    pub fn new(range: &'r Range) -> Self {
        let within = range.only_partition().map(|partition| {
            let mut prefix = partition.as_bytes().to_vec();
            prefix.push(SEPARATOR as u8);
            (Tag::of(partition), prefix)
        });
        Self { range, within }
    }

    /// Whether an object may have a key in the range, or a range tombstone that reaches into it.
    pub fn may_meet(&self, name: &ObjectName) -> bool {
        self.reach(name).is_some_and(|reach| {
            reach.low.cmp_key(self.range.end()).is_lt() && reach.high.cmp_key(self.range.start()).is_ge()
        })
    }

    /// Where an object's keys lie, as seen by someone who asks for this. `None` when nowhere.
    pub fn reach<'n>(&'n self, name: &'n ObjectName) -> Option<Reach<'n>> {
        match (&name.partitions, &self.within) {
            (Partitions::Only(tags), _) if tags.is_empty() => None,
            (partitions, Some((tag, _))) if !partitions.may_contain(*tag) => None,
            // The bounds leave out the partition, of which only the tag is known.
            (Partitions::Only(tags), None) if tags.len() == 1 => Some(Reach::unknown()),
            (Partitions::Only(tags), Some((_, prefix))) if tags.len() == 1 => Some(Reach::new(prefix, name)),
            _ => Some(Reach::new(&[], name)),
        }
    }
}

impl<'n> Reach<'n> {
    fn new(prefix: &'n [u8], name: &'n ObjectName) -> Self {
        Self {
            low: Edge { prefix, rest: &name.low, is_cut: false },
            high: Edge { prefix, rest: &name.high, is_cut: name.high.len() == BOUND_BYTES },
        }
    }

    /// The bound that a scan meets first.
    pub const fn first(&self, direction: Direction) -> Edge<'n> {
        match direction {
            Direction::Forward => self.low,
            Direction::Backward => self.high,
        }
    }

    const fn unknown() -> Self {
        const NOTHING: Edge<'_> = Edge { prefix: &[], rest: &[], is_cut: false };
        Self { low: NOTHING, high: Edge { is_cut: true, ..NOTHING } }
    }
}

impl Edge<'_> {
    /// Compares with a whole key, or another end of a range.
    pub fn cmp_key(&self, key: &[u8]) -> Ordering {
        match key.strip_prefix(self.prefix) {
            Some(rest) => self.cmp_rest(rest, false),
            None => self.prefix.cmp(key),
        }
    }

    fn cmp_rest(&self, rest: &[u8], rest_is_cut: bool) -> Ordering {
        let common = self.rest.len().min(rest.len());
        match self.rest[..common].cmp(&rest[..common]) {
            // What follows in one may be the byte behind the end of the other.
            Ordering::Equal => {
                let own = self.rest[common..].iter().chain(self.is_cut.then_some(&u8::MAX));
                own.cmp(rest[common..].iter().chain(rest_is_cut.then_some(&u8::MAX)))
            }
            unequal => unequal,
        }
    }

    fn to_key(self) -> Vec<u8> {
        let behind: &[u8] = if self.is_cut { &[u8::MAX] } else { &[] };
        [self.prefix, self.rest, behind].concat()
    }
}

impl Ord for Edge<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.prefix == other.prefix {
            true => self.cmp_rest(other.rest, other.is_cut),
            false => self.to_key().cmp(&other.to_key()),
        }
    }
}

impl PartialOrd for Edge<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Edge<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Edge<'_> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_edge() -> impl Strategy<Value = (Vec<u8>, Vec<u8>, bool)> {
        let bytes =
            |most| proptest::collection::vec(prop_oneof![Just(1_u8), Just(0xfe), Just(0xff)], 0..most);
        (bytes(3), bytes(4), any::<bool>())
    }

    proptest! {
        #[test]
        fn edges_compare_as_the_keys_they_stand_for(a in any_edge(), b in any_edge(), key in any_edge()) {
            fn edge((prefix, rest, is_cut): &(Vec<u8>, Vec<u8>, bool)) -> Edge<'_> {
                Edge { prefix, rest, is_cut: *is_cut }
            }
            let (a, b, key) = (edge(&a), edge(&b), edge(&key).to_key());
            prop_assert_eq!(a.cmp(&b), a.to_key().cmp(&b.to_key()));
            prop_assert_eq!(a.cmp_key(&key), a.to_key().cmp(&key));
        }
    }
}
