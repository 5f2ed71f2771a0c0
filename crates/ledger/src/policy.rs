//! How the entries of a store are laid out: levels, and the sizes from which on things move.

use crate::limits::{MAX_INPUTS, MAX_MERGE_BYTES, MAX_OBJECT_BYTES};

/// What the level in an object's name says of its place. Readers do not care: it only guides maintenance.
///
/// Resident objects of one level hardly overlap, so a key is in few of them. Falling ones are on their way from one
/// resident level to the next.
pub(crate) mod level {
    /// What a commit wrote.
    pub const COMMIT: u8 = 0;
    /// The union of recent commits, rewritten with every further merge of commits.
    pub const YOUNG: u8 = 1;
    /// What became too much to be rewritten so often.
    pub const TO_MIDDLE: u8 = 2;
    /// A small part of the store, rewritten as young objects fall into it.
    pub const MIDDLE: u8 = 3;
    /// A piece of a middle object that meets few enough bottom objects to be merged with them at once.
    pub const TO_BOTTOM: u8 = 4;
    /// Everything else. Greater levels mean the same.
    pub const BOTTOM: u8 = 5;
}

/// From which numbers and sizes on maintenance acts. Tests use small ones, so that short histories see all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    /// So many commits are merged.
    pub commits: usize,
    /// A young object counts as so many of them: each costs every read a get until it is merged, and it is dear to have several.
    pub young_weight: usize,
    /// So many young objects are merged with each other.
    pub youngs: usize,
    /// Young objects together are at least allowed so much.
    pub young_bytes: u64,
    /// Young objects together are allowed one part in so many of what is stored.
    pub young_share: u64,
    /// Middle objects together are at least allowed so much.
    pub middle_bytes: u64,
    /// Middle objects together are allowed one part in so many of what is stored.
    pub middle_share: u64,
    /// A commit of so many bytes is worth moving by itself: it is not rewritten with others again and again.
    pub large_commit_bytes: u64,
    /// Objects are cut here, but for single entries that are larger; see [`Self::object_bytes_at`].
    pub object_bytes: usize,
    /// A family of partitions with so many bytes gets objects of its own.
    pub bulk_bytes: usize,
    /// What is merged at once, all inputs together.
    pub merge_bytes: u64,
    /// So many pieces are made of an object at once.
    pub pieces: usize,
    /// What did not move for so long is looked at, whether it has values that others replaced or deleted.
    pub straggling_ms: u64,
    /// One call of `maintain` in so many looks for such.
    pub stragglers_every: u64,
}

impl Policy {
    /// That of the product.
    pub const fn new() -> Self {
        Self {
            commits: MAX_INPUTS,
            young_weight: 4,
            youngs: 4,
            young_bytes: 256 * 1024,
            young_share: 1_280,
            middle_bytes: 2_400_000,
            middle_share: 48,
            large_commit_bytes: 32 * 1024,
            object_bytes: MAX_OBJECT_BYTES,
            bulk_bytes: 240_000,
            merge_bytes: MAX_MERGE_BYTES,
            pieces: 24,
            straggling_ms: 30 * 24 * 3_600_000,
            stragglers_every: 128,
        }
    }

    /// Where objects of a level are cut. Smaller ones in the middle spare a reader of a page bytes: there are few anyway.
    pub fn object_bytes_at(&self, level: u8) -> usize {
        if level == level::MIDDLE { self.object_bytes / 2 } else { self.object_bytes }
    }

    /// Where objects with several partitions are cut at the bottom: their names do not tell which keys of a partition they
    /// have, so that a reader may have to read all that there are of one.
    pub fn shared_bytes_at(&self, level: u8) -> usize {
        if level >= level::BOTTOM { self.object_bytes / 3 * 2 } else { self.object_bytes_at(level) }
    }

    /// How much all young objects may take: no more than fits into one.
    pub fn young_limit(&self, stored_bytes: u64) -> u64 {
        self.young_bytes.max(stored_bytes / self.young_share).min(self.object_bytes as u64 / 10 * 9)
    }

    /// How much all middle objects may take.
    pub fn middle_limit(&self, stored_bytes: u64) -> u64 {
        self.middle_bytes.max(stored_bytes / self.middle_share)
    }
}
