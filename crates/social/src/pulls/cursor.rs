//! Where a reader stands, sealed: it means nothing to the reader, and nobody can make one up.
//!
//! A cursor is sealed in the manner of SIV (RFC 5297), with HMAC-SHA-256 (RFC 2104) in the place of the block cipher:
//! the tag is a MAC over reader and content, and the content is masked with MACs of the tag and a counter. So one place has one
//! text for one reader (an unchanged answer has an unchanged ETag), it says nothing about the times of commits, and the
//! cursor of one reader is none for another. All have the same length.

use crate::access::mac;
use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;
use tidings_ledger::Stamp;
use tidings_protocol::{Fingerprint, RecordId, Seed};

/// Bytes of the tag: forging one takes 2^128 tries.
const TAG_BYTES: usize = 16;

/// Bytes of a place: its kind, up to two stamps, and an id.
const PLACE_BYTES: usize = 41;

/// Where a reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is given what changed.
    Changes {
        /// All changes up to here were read, and nothing below can appear any more.
        read: Stamp,
        /// Inside a pass through many changes that are younger than that: how far it has come.
        at: Option<Stamp>,
    },
    /// The same in the middle of a commit that has more posts for the reader than one page holds.
    Within {
        /// As in [`Self::Changes`].
        read: Stamp,
        /// The commit.
        at: Stamp,
        /// The last post of it that the reader was given, in the order of their ids.
        after: RecordId,
    },
    /// It is given all there is, newest first.
    Listing {
        /// Where the changes begin that it is to be given afterwards.
        start: Stamp,
        /// The oldest post that it was given.
        before: RecordId,
    },
    /// It was given all posts, and is given all private messages to it, newest first.
    Messages {
        /// Where the changes begin that it is to be given afterwards.
        start: Stamp,
        /// The oldest message that it was given; above all of them at the beginning.
        before: RecordId,
    },
}

impl Place {
    /// The same place in a listing that began there.
    pub(super) const fn starting_at(self, start: Stamp) -> Self {
        match self {
            Self::Listing { before, .. } => Self::Listing { start, before },
            Self::Messages { before, .. } => Self::Messages { start, before },
            Self::Changes { .. } | Self::Within { .. } => Self::Changes { read: start, at: None },
        }
    }

    fn to_bytes(self) -> [u8; PLACE_BYTES] {
        let (kind, stamp, rest): (u8, Stamp, Vec<u8>) = match self {
            Self::Changes { read, at: None } => (0, read, Vec::new()),
            Self::Changes { read, at: Some(at) } => (1, read, at.to_bytes().to_vec()),
            Self::Listing { start, before } => (2, start, before.to_bytes().to_vec()),
            Self::Messages { start, before } => (4, start, before.to_bytes().to_vec()),
            Self::Within { read, at, after } => {
                (3, read, [at.to_bytes().as_slice(), &after.to_bytes()].concat())
            }
        };
        let mut bytes = [0; PLACE_BYTES];
        bytes[0] = kind;
        bytes[1..13].copy_from_slice(&stamp.to_bytes());
        bytes[13..13 + rest.len()].copy_from_slice(&rest);
        bytes
    }

    fn from_bytes(bytes: &[u8; PLACE_BYTES]) -> Option<Self> {
        let stamp = |from: usize| Some(Stamp::from_bytes(bytes.get(from..from + 12)?.try_into().ok()?));
        let id = |from: usize| Some(RecordId::from_bytes(bytes.get(from..from + 16)?.try_into().ok()?));
        match bytes[0] {
            0 => Some(Self::Changes { read: stamp(1)?, at: None }),
            1 => Some(Self::Changes { read: stamp(1)?, at: Some(stamp(13)?) }),
            2 => Some(Self::Listing { start: stamp(1)?, before: id(13)? }),
            3 => Some(Self::Within { read: stamp(1)?, at: stamp(13)?, after: id(25)? }),
            4 => Some(Self::Messages { start: stamp(1)?, before: id(13)? }),
            _ => None,
        }
    }
}

/// Makes and reads the cursors of one reader.
pub(super) struct Sealer {
    reader: Fingerprint,
    tag_key: [u8; 32],
    mask_key: [u8; 32],
}

impl Sealer {
    /// With keys that follow from the deployment key: another one ends all cursors, and readers start over.
    pub(super) fn new(key: &Seed, reader: Fingerprint) -> Self {
        let derive = |label: &str| mac(key.expose(), label.as_bytes());
        Self { reader, tag_key: derive("tidings cursor tag"), mask_key: derive("tidings cursor mask") }
    }

    /// The text of a cursor.
    pub(super) fn seal(&self, place: Place) -> String {
        let mut content = place.to_bytes();
        let tag = self.tag(&content);
        self.mask(&tag, &mut content);
        BASE64URL_NOPAD.encode(&[tag.as_slice(), &content].concat())
    }

    /// Where a cursor of this reader stands; `None` for everything that was not made here.
    pub(super) fn open(&self, text: &str) -> Option<Place> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (tag, content) = bytes.split_first_chunk::<TAG_BYTES>()?;
        let mut content: [u8; PLACE_BYTES] = content.try_into().ok()?;
        self.mask(tag, &mut content);
        if !bool::from(self.tag(&content).ct_eq(tag)) {
            return None;
        }
        Place::from_bytes(&content)
    }

    fn tag(&self, content: &[u8; PLACE_BYTES]) -> [u8; TAG_BYTES] {
        let mut tag = [0; TAG_BYTES];
        let whole = mac(&self.tag_key, &[self.reader.as_bytes().as_slice(), content].concat());
        tag.copy_from_slice(&whole[..TAG_BYTES]);
        tag
    }

    fn mask(&self, tag: &[u8; TAG_BYTES], content: &mut [u8; PLACE_BYTES]) {
        let block = |number: u8| mac(&self.mask_key, &[tag.as_slice(), &[number]].concat());
        let mask = (0..).flat_map(block);
        content.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(key: u8, reader: u8) -> Sealer {
        let reader = Seed::from_bytes([reader; 32]).public_key().fingerprint();
        Sealer::new(&Seed::from_bytes([key; 32]), reader)
    }

    fn places() -> [Place; 5] {
        let (read, at) = (Stamp::new(1_790_000_000_000, 3, 4), Stamp::new(1_790_000_000_001, 0, 9));
        let before = RecordId::from_parts(1_790_000_000_000, [7; 10]);
        [
            Place::Changes { read, at: None },
            Place::Changes { read, at: Some(at) },
            Place::Listing { start: read, before },
            Place::Within { read, at, after: before },
            Place::Messages { start: read, before },
        ]
    }

    #[test]
    fn a_cursor_is_read_back_by_its_reader_alone() {
        for place in places() {
            let text = sealer(1, 2).seal(place);
            assert_eq!(text, sealer(1, 2).seal(place), "one place has one text");
            assert_eq!(text.len(), 76);
            assert_eq!(sealer(1, 2).open(&text), Some(place));
            assert_eq!(sealer(1, 3).open(&text), None, "another reader");
            assert_eq!(sealer(2, 2).open(&text), None, "another deployment key");
        }
    }

    #[test]
    fn altered_cursors_are_none() {
        let own = sealer(1, 2);
        let text = own.seal(places()[0]);
        for at in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(own.open(std::str::from_utf8(&altered).unwrap()), None, "character {at}");
        }
        for wrong in ["", "x", &text[1..], &format!("{text}A"), &format!("{text} ")] {
            assert_eq!(own.open(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn cursors_of_places_that_lie_close_have_nothing_in_common() {
        let own = sealer(1, 2);
        let place = |tie| Place::Changes { read: Stamp::new(1_790_000_000_000, 0, tie), at: None };
        let (one, other) = (own.seal(place(1)), own.seal(place(2)));
        let same = one.bytes().zip(other.bytes()).filter(|(a, b)| a == b).count();
        assert!(same < 15, "{one} {other}");
        assert_ne!(&one[60..], &other[60..], "the rest, which is zero in most places, is masked as well");
    }
}
