//! Ids of records: unique, and in the order of time.

use crate::encoding::{BASE32HEX_LOWER, text_form};
use crate::limits::MAX_SAFE_INTEGER;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Not the text form of a record id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("is not a record id (26 characters of 0-9 and a-v)")]
pub struct RecordIdError;

/// The id of a post or another record: 48 bits of unix milliseconds, then 80 bits that make it unique, as in a ULID.
/// Text form: 26 characters of lower-case base32hex, whose order is the order of time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId([u8; 16]);

impl RecordId {
    /// Makes an id from its time in unix milliseconds (the low 48 bits count) and its unique part.
    #[must_use]
    pub fn from_parts(created_ms: u64, unique: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&created_ms.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&unique);
        Self(bytes)
    }

    /// Takes the 16 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The least id above this one; the greatest of all has none, and stays.
    #[must_use]
    pub fn next(self) -> Self {
        Self(u128::from_be_bytes(self.0).saturating_add(1).to_be_bytes())
    }

    /// The unique part that an idempotency key stands for, so that a repeated create meets the first one.
    #[must_use]
    pub fn unique_part(idempotency_key: &str) -> [u8; 10] {
        let mut unique = [0; 10];
        unique.copy_from_slice(&Sha256::digest(idempotency_key.as_bytes())[..10]);
        unique
    }

    /// Unix milliseconds at which the record was made, as its author's clock showed it.
    #[must_use]
    pub fn created_ms(&self) -> u64 {
        let mut ms = [0; 8];
        ms[2..].copy_from_slice(&self.0[..6]);
        u64::from_be_bytes(ms).min(MAX_SAFE_INTEGER)
    }

    /// The part that makes it unique.
    #[must_use]
    pub fn unique(&self) -> [u8; 10] {
        let mut unique = [0; 10];
        unique.copy_from_slice(&self.0[6..]);
        unique
    }
}

impl FromStr for RecordId {
    type Err = RecordIdError;
    fn from_str(text: &str) -> Result<Self, RecordIdError> {
        let bytes = BASE32HEX_LOWER.decode(text.as_bytes()).map_err(|_| RecordIdError)?;
        bytes.try_into().map(Self).map_err(|_| RecordIdError)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32HEX_LOWER.encode(&self.0))
    }
}

text_form!(RecordId);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_keeps_the_order_of_time(a in 0u64..1 << 48, b in 0u64..1 << 48, unique in any::<[u8; 10]>()) {
            let (x, y) = (RecordId::from_parts(a, unique), RecordId::from_parts(b, unique));
            prop_assert_eq!(a.cmp(&b), x.to_string().cmp(&y.to_string()));
            prop_assert_eq!(x.to_string().parse::<RecordId>(), Ok(x));
            prop_assert_eq!(x.created_ms(), a);
            prop_assert_eq!(x.unique(), unique);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,30}") {
            let _ = text.parse::<RecordId>();
        }
    }
}
