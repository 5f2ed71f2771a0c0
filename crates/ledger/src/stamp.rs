//! Hybrid logical time.

use std::fmt;
use std::str::FromStr;

use crate::digits;

/// Milliseconds are kept in 48 bits, enough until the year 10889.
const MAX_MS: u64 = (1 << 48) - 1;

/// When an entry was committed: the greatest stamp for a key wins.
///
/// Milliseconds since the Unix epoch (48 bits), a counter that puts a commit above all it has seen even where clocks
/// lie apart (16 bits), and a random tie-break (32 bits). Totally ordered.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    // The field order is the order of stamps.
    ms: u64,
    counter: u16,
    tie: u32,
}

impl Stamp {
    /// Bytes of a stamp, big-endian: milliseconds, counter, tie-break.
    pub const BYTES: usize = 12;
    /// Characters of a stamp's text form.
    pub const TEXT_BYTES: usize = 16;
    /// Below or equal to every stamp: the cursor of someone who has seen nothing.
    pub const ZERO: Self = Self { ms: 0, counter: 0, tie: 0 };
    /// Above or equal to every stamp.
    pub const MAX: Self = Self { ms: MAX_MS, counter: u16::MAX, tie: u32::MAX };

    /// A stamp of its parts. Milliseconds beyond 48 bits become the greatest there are.
    pub const fn new(ms: u64, counter: u16, tie: u32) -> Self {
        let ms = if ms > MAX_MS { MAX_MS } else { ms };
        Self { ms, counter, tie }
    }

    /// The least stamp of a millisecond.
    pub const fn at_ms(ms: u64) -> Self {
        Self::new(ms, 0, 0)
    }

    /// The greatest stamp below all of a millisecond; `None` when there is none.
    pub const fn last_before_ms(ms: u64) -> Option<Self> {
        match ms.checked_sub(1) {
            Some(ms) => Some(Self::new(ms, u16::MAX, u32::MAX)),
            None => None,
        }
    }

    /// Milliseconds since the Unix epoch.
    pub const fn ms(&self) -> u64 {
        self.ms
    }

    /// How many commits since the clock last moved past what they had seen.
    pub const fn counter(&self) -> u16 {
        self.counter
    }

    /// The stamp of a commit made at `now_ms` by someone who has seen `seen`: always above it. `None` when nothing is
    /// above it, which takes a stored stamp at the very end of time.
    ///
    /// A full counter carries into the milliseconds, so a stamp from the far future costs nothing but its own
    /// nonsensical date.
    pub fn following(seen: Option<Self>, now_ms: u64, tie: u32) -> Option<Self> {
        let now = Self::new(now_ms, 0, tie);
        let Some(seen) = seen.filter(|seen| seen.ms >= now.ms) else { return Some(now) };
        match seen.counter.checked_add(1) {
            Some(counter) => Some(Self { ms: seen.ms, counter, tie }),
            None if seen.ms < MAX_MS => Some(Self { ms: seen.ms + 1, counter: 0, tie }),
            // No later instant exists: the tie-break is all that is left to count with.
            None => seen.tie.checked_add(1).map(|tie| Self { tie, ..seen }),
        }
    }

    /// The stamp as text of [`Self::TEXT_BYTES`] characters, which sorts as stamps do and is safe in URLs and keys.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(Self::TEXT_BYTES);
        self.push_text(&mut text);
        text
    }

    pub(crate) fn push_text(&self, text: &mut String) {
        digits::push_number(text, self.number(), Self::TEXT_BYTES);
    }

    /// Reads what [`Self::text`] wrote.
    ///
    /// # Errors
    /// For every other text.
    pub fn parse(text: &str) -> Result<Self, StampError> {
        Self::parse_bytes(text.as_bytes()).ok_or(StampError)
    }

    pub(crate) fn parse_bytes(text: &[u8]) -> Option<Self> {
        // Eight digits are 48 bits.
        let (ms, rest) = text.split_first_chunk::<{ Self::TEXT_BYTES / 2 }>()?;
        let (ms, rest) = (digits::parse_number(ms)?, digits::parse_number::<8>(rest.try_into().ok()?)?);
        Some(Self { ms, counter: (rest >> 32) as u16, tie: rest as u32 })
    }

    /// The stamp as bytes, which sort as stamps do.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes.copy_from_slice(&self.number().to_be_bytes()[4..]);
        bytes
    }

    /// The stamp of 12 bytes: every value is one.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let mut wide = [0; 16];
        wide[4..].copy_from_slice(&bytes);
        Self::from_number(u128::from_be_bytes(wide))
    }

    fn number(&self) -> u128 {
        u128::from(self.ms) << 48 | u128::from(self.counter) << 32 | u128::from(self.tie)
    }

    fn from_number(number: u128) -> Self {
        Self {
            ms: (number >> 48) as u64 & MAX_MS,
            counter: (number >> 32) as u16, // the cast keeps the 16 bits that are meant
            tie: number as u32,
        }
    }
}

/// A text that is no stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a stamp: expected {} characters out of -, 0-9, A-Z, _, a-z", Stamp::TEXT_BYTES)]
pub struct StampError;

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stamp({}.{}.{:08x})", self.ms, self.counter, self.tie)
    }
}

impl FromStr for Stamp {
    type Err = StampError;

    fn from_str(text: &str) -> Result<Self, StampError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_stamp() -> impl Strategy<Value = Stamp> {
        (any::<u64>(), any::<u16>(), any::<u32>()).prop_map(|(ms, counter, tie)| Stamp::new(ms, counter, tie))
    }

    #[test]
    fn follows_the_clock_when_it_is_ahead() {
        let seen = Some(Stamp::new(5, 9, 1));
        assert_eq!(Stamp::following(seen, 6, 7), Some(Stamp::new(6, 0, 7)));
        assert_eq!(Stamp::following(None, 0, 7), Some(Stamp::new(0, 0, 7)));
    }

    #[test]
    fn carries_a_full_counter_into_the_milliseconds() {
        let seen = Some(Stamp::new(9, u16::MAX, 1));
        assert_eq!(Stamp::following(seen, 3, 7), Some(Stamp::new(10, 0, 7)));
    }

    #[test]
    fn counts_on_at_the_end_of_time_until_nothing_is_left() {
        let last = Stamp::new(u64::MAX, u16::MAX, u32::MAX - 1);
        assert_eq!(Stamp::following(Some(last), 3, 0), Some(Stamp::MAX));
        assert_eq!(Stamp::following(Some(Stamp::MAX), 3, 0), None);
    }

    #[test]
    fn refuses_text_of_another_length_or_alphabet() {
        let text = Stamp::new(1_700_000_000_000, 3, 4).text();
        assert!(Stamp::parse(&text[1..]).is_err());
        assert!(Stamp::parse(&format!("{text}-")).is_err());
        assert!(Stamp::parse(&text.replace('-', "+")).is_err());
        assert!(Stamp::parse("").is_err());
    }

    proptest! {
        #[test]
        fn text_and_bytes_keep_order_and_are_read_back(a in any_stamp(), b in any_stamp()) {
            prop_assert_eq!(a.cmp(&b), a.text().cmp(&b.text()));
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
            prop_assert_eq!(Stamp::parse(&a.text()), Ok(a));
            prop_assert_eq!(Stamp::from_bytes(a.to_bytes()), a);
        }

        #[test]
        fn a_following_stamp_is_above_what_was_seen(seen in any_stamp(), now: u64, tie: u32) {
            if let Some(next) = Stamp::following(Some(seen), now, tie) {
                prop_assert!(next > seen);
            }
        }
    }
}
