//! Every limit of the ledger, with its unit and its reason.

/// Longest name of an object in bytes: the free hosts refuse longer keys.
pub const MAX_NAME_BYTES: usize = 255;

/// Largest object in bytes, everything included. The hosts refuse values over 1 MB; the rest is their overhead.
pub const MAX_OBJECT_BYTES: usize = 960_000;

/// Longest key of an entry in bytes, the separator included.
pub const MAX_KEY_BYTES: usize = 512;

/// Number of store keys from which on only freeing commits are taken. The hosts give 1,024 keys in all.
pub const MAX_KEYS_FOR_COMMITS: usize = 850;

/// Number of store keys from which on nothing is taken: the rest absorbs commits that race each other.
pub const MAX_KEYS_FOR_FREEING: usize = 900;

/// Most inputs that an object's name can tell: what fits into [`MAX_NAME_BYTES`].
pub const MAX_INPUTS: usize = 16;

/// Most parts that one compaction can write: what one digit of the name can tell.
pub const MAX_PARTS: usize = 64;

/// Highest level that a name can tell: one digit.
pub const MAX_LEVEL: u8 = 63;

/// Most partitions that a name lists one by one; an object that touches more says "any".
pub const MAX_TAGS: usize = 8;

/// How many bytes of the lowest and the highest key a name tells.
pub const BOUND_BYTES: usize = 12;

/// How often a fresh identifier is drawn before it is counted upwards to a free one: only broken randomness needs that.
pub const MAX_ID_DRAWS: usize = 8;

/// How often a view lists the store again when a listed object cannot be read.
pub const MAX_RELISTINGS: u32 = 1;

/// Most store operations of one call of `maintain`: a request is to stay short.
pub const MAX_MAINTENANCE_OPERATIONS: u32 = 40;

/// Most bytes that one call of `maintain` reads.
pub const MAX_MAINTENANCE_BYTES: u64 = 4_000_000;

/// Most bytes that are merged at once: less than is read in one call, since all that came of it is read in one call
/// before the inputs are removed, and may be a little larger.
pub const MAX_MERGE_BYTES: u64 = 3_300_000;

/// Objects of this many bytes are large enough. Half of what there can be: of smaller ones, merging leaves at most one
/// that is not large enough, whatever the sizes of their entries.
pub const FULL_OBJECT_BYTES: u32 = MAX_OBJECT_BYTES as u32 / 2;

/// From how many objects on those of one size are merged: commits, then compactions from small to large.
pub const MERGE_FROM: [usize; 5] = [16, 8, 8, 6, 4];

/// Where listings are stale, one request in so many merges fresh commits: as many as one merge takes.
pub const FRESH_MERGE_EVERY: u64 = 16;

/// From how many keys on every request does maintenance, whether or not others may do the same.
pub const KEYS_IN_A_HURRY: usize = 800;

/// How many tasks of one kind a call of `maintain` tries until one works.
pub const MAX_TRIES: usize = 2;
