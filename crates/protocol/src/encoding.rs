//! The text encodings of the protocol, each strict: one value has one spelling.

use data_encoding::{Encoding, Specification};
use std::sync::LazyLock;

/// RFC 4648 section 5 base64url without padding: keys and signatures.
pub(crate) use data_encoding::BASE64URL_NOPAD;

/// RFC 4648 section 6 base32 in lower case without padding: fingerprints, which people read to each other.
pub(crate) static BASE32_LOWER: LazyLock<Encoding> =
    LazyLock::new(|| lower("abcdefghijklmnopqrstuvwxyz234567"));

/// RFC 4648 section 7 base32hex in lower case without padding: record ids. It keeps the order of the bytes.
pub(crate) static BASE32HEX_LOWER: LazyLock<Encoding> =
    LazyLock::new(|| lower("0123456789abcdefghijklmnopqrstuv"));

fn lower(symbols: &str) -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str(symbols);
    #[allow(clippy::expect_used)]
    // Both alphabets are constants of 32 distinct ASCII symbols; the tests below build them.
    specification.encoding().expect("a constant alphabet of 32 distinct symbols")
}

/// What has one text form (`Display` and `FromStr`) has it in JSON and in `Debug` too.
macro_rules! text_form {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text: std::borrow::Cow<'de, str> = serde::Deserialize::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self)
            }
        }
    };
}
pub(crate) use text_form;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_build_and_refuse_a_second_spelling() {
        assert_eq!(BASE32_LOWER.encode(&[0xff; 16]).len(), 26);
        assert_eq!(BASE32HEX_LOWER.encode(&[0; 16]), "0".repeat(26));
        // 26 symbols carry 130 bits: the last two must be zero.
        let mut text = "a".repeat(25);
        text.push('b');
        assert!(BASE32_LOWER.decode(text.as_bytes()).is_err());
        assert!(BASE32_LOWER.decode("A".repeat(26).as_bytes()).is_err());
    }
}
