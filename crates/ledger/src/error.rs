//! What can go wrong in the ledger.

use crate::body::BodyError;
use crate::name::NameError;
use crate::store::StoreError;

/// Why the ledger could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The store failed. After a commit the entries may be there all the same, or appear later.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An object that must be there cannot be read now. Trying again helps; answer 503 rather than less than all.
    #[error("object {object} is listed but cannot be read; try again")]
    Unavailable {
        /// The object's name.
        object: String,
    },
    /// So many objects wait to be merged that this commit is refused. Nothing was written; answer 503 with Retry-After.
    #[error("the store is busy: it holds {keys} keys, and such commits are taken below {limit}")]
    Full {
        /// Keys in the store.
        keys: usize,
        /// Number of keys from which on such commits are refused.
        limit: usize,
    },
    /// The batch does not fit into one object. Nothing was written.
    #[error("a commit has at most {limit} bytes, got {bytes}")]
    TooLarge {
        /// Bytes it would take.
        bytes: usize,
        /// Most bytes there can be.
        limit: usize,
    },
    /// A stored stamp lies at the very end of time, so that nothing can be committed after it.
    #[error("a stored object claims the last possible time; no commit can follow it")]
    OutOfTime,
}

/// Something in the store that is no readable object. It is skipped and never deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The store key.
    pub object: String,
    /// What is wrong.
    pub reason: DamageReason,
}

impl Damage {
    /// Whether entries of ours may be lost with it. False for keys that were never the ledger's.
    ///
    /// While there is such damage, that an entry is absent proves nothing: decisions which rest on absence, such as
    /// letting somebody claim an empty deployment, must refuse.
    pub fn may_lose_entries(&self) -> bool {
        self.reason != DamageReason::Name(NameError::Foreign)
    }
}

/// What is wrong with a damaged object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DamageReason {
    /// The key cannot be understood: not ours, of a later version, or malformed.
    #[error("{0}")]
    Name(NameError),
    /// The bytes cannot be understood.
    #[error("{0}")]
    Body(BodyError),
}
