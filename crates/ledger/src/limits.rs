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
pub const MAX_RELISTINGS: u32 = 4;

/// Most store operations of one call of `maintain`: a request is to stay short.
pub const MAX_MAINTENANCE_OPERATIONS: u32 = 40;

/// Most bytes that one call of `maintain` reads.
pub const MAX_MAINTENANCE_BYTES: u64 = 4_000_000;

/// Most bytes that are merged at once. All that came of it is read in one call before the inputs are removed, and the
/// request that does it has read something before.
pub const MAX_MERGE_BYTES: u64 = 2_400_000;

/// Objects read by a view from which on its [pages](crate::View::page) end early: with a listing, a commit with a hint, and the few
/// single entries that a request looks at besides, that stays below [`MAX_MAINTENANCE_OPERATIONS`].
pub const MAX_PAGE_GETS: usize = 32;

/// Objects that a page may read whatever its view has read before, as long as their bytes are few: no page is left with next to
/// nothing.
pub const LEAST_GETS_OF_A_PAGE: usize = 12;

/// Most merged objects that a page reads once it is half full: with as many commits that are not merged, 8 gets.
pub const MERGED_GETS_OF_A_PAGE: usize = 4;

/// Most objects that a page reads once it has an entry, while few of them wait to be merged.
pub const GETS_OF_A_PAGE: usize = 8;

/// Objects that wait to be merged, commits above all, of which so many are free: each beyond them allows a page one object more.
pub const WAITING_OF_A_PAGE: usize = 4;

/// Bytes read by a view from which on its pages end early.
pub const MAX_PAGE_BYTES: u64 = 3_000_000;

/// From how many keys on nothing is done that takes more keys for a while, unless next to none wait to be given back.
pub const KEYS_ARE_SCARCE: usize = 780;

/// Replaced objects that still wait for the end of their grace: with fewer, what takes more keys for a while may begin even
/// where they are scarce. To leave it undone for long takes more.
pub const KEYS_TO_COME_BACK: usize = 24;

/// A page of so many of the newest entries is likely to be asked for.
pub const PAGE_ENTRIES: usize = 64;

/// Where listings are stale, one request in so many merges fresh commits: as many as one merge takes.
pub const FRESH_MERGE_EVERY: u64 = 16;

/// From how many keys on every request does maintenance, whether or not others may do the same.
pub const KEYS_IN_A_HURRY: usize = 800;

/// Where listings are stale, at least so many requests are taken to be at work unseen.
pub const UNSEEN_OTHERS: usize = 5;

/// The same for work that has time: it is dearer to do twice.
pub const UNSEEN_OTHERS_AT_LEISURE: usize = 16;
