//! Heads: how far somebody's changes have come.

use crate::encoding::{BASE32HEX_LOWER, text_form};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Not the text form of a head.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("is not a head (20 characters of 0-9 and a-v)")]
pub struct HeadError;

/// The point that the changes one friend may see have reached. Heads of one sender are totally ordered; who holds a
/// greater or equal head has everything that a notification with this one speaks of.
///
/// 12 bytes: 48 bits of unix milliseconds, 16 bits of a counter, 32 bits that break ties. Text form: 20 characters of
/// lower-case base32hex, whose order is the order of the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Head([u8; 12]);

impl Head {
    /// Takes the 12 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// The 12 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// Its time in unix milliseconds.
    #[must_use]
    pub fn ms(&self) -> u64 {
        let mut ms = [0; 8];
        ms[2..].copy_from_slice(&self.0[..6]);
        u64::from_be_bytes(ms)
    }
}

impl FromStr for Head {
    type Err = HeadError;
    fn from_str(text: &str) -> Result<Self, HeadError> {
        let bytes = BASE32HEX_LOWER.decode(text.as_bytes()).map_err(|_| HeadError)?;
        bytes.try_into().map(Self).map_err(|_| HeadError)
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32HEX_LOWER.encode(&self.0))
    }
}

text_form!(Head);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_comes_back_and_keeps_the_order() {
        let early = Head::from_bytes([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 9]);
        let late = Head::from_bytes([0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(late.to_string().parse(), Ok(late));
        assert_eq!(late.ms(), 257);
        assert_eq!("0".parse::<Head>(), Err(HeadError));
    }
}
