//! Ed25519 keys, seeds and signatures (RFC 8032), and the fingerprint of an identity.

use crate::encoding::{BASE32_LOWER, BASE64URL_NOPAD, text_form};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256, Sha512};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;
use zeroize::ZeroizeOnDrop;

/// Why a key, seed, signature or fingerprint is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not the encoding that was expected, or more than one way to spell the same bytes.
    #[error("is not {expected}")]
    Encoding {
        /// The encoding in words.
        expected: &'static str,
    },
    /// The wrong number of bytes.
    #[error("has {got} bytes, expected {expected}")]
    Length {
        /// Bytes found.
        got: usize,
        /// Bytes needed.
        expected: usize,
    },
    /// 32 bytes that are no point of the curve, or a point of small order, which would verify anything.
    #[error("is not a valid Ed25519 public key")]
    NotAKey,
    /// The signature does not fit the message and the key.
    #[error("the signature does not match")]
    Mismatch,
}

fn decode_base64url<const N: usize>(text: &str) -> Result<[u8; N], KeyError> {
    let bytes = BASE64URL_NOPAD
        .decode(text.as_bytes())
        .map_err(|_| KeyError::Encoding { expected: "base64url without padding" })?;
    let got = bytes.len();
    bytes.try_into().map_err(|_| KeyError::Length { got, expected: N })
}

/// An Ed25519 public key, known to be a point of full order. On the wire: base64url without padding, 43 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Takes 32 bytes that encode a point on the curve.
    ///
    /// # Errors
    /// [`KeyError::NotAKey`] for anything else, points of small order included (RFC 8032 section 8.9 and
    /// "Taming the many EdDSAs", 2020: they would accept one signature for many messages), and so is a second spelling of a
    /// point, with a coordinate that is not below the prime (RFC 8032 section 5.1.3, which the library does not insist on).
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::NotAKey)?;
        let is_canonical = key.to_edwards().compress().to_bytes() == bytes;
        if key.is_weak() || !is_canonical { Err(KeyError::NotAKey) } else { Ok(Self(bytes)) }
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Verifies strictly: no malleable and no small-order signatures, so that all implementations agree.
    ///
    /// # Errors
    /// [`KeyError::Mismatch`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), KeyError> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| KeyError::NotAKey)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(message, &signature).map_err(|_| KeyError::Mismatch)
    }

    /// The fingerprint of this key, by which an identity is named everywhere.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut short = [0; 16];
        short.copy_from_slice(&Sha256::digest(self.0)[..16]);
        Fingerprint(short)
    }

    /// The same for people to compare, in person or on the phone: 8 groups of 5 digits, which carry 132 bits. Group `n` is
    /// bytes `5n` to `5n + 4` of SHA-512 over the ASCII text `tidings/safety-code/v1`, a zero byte and the 32 bytes of the
    /// identity, as a big-endian number, modulo 100,000.
    #[must_use]
    pub fn safety_code(&self) -> String {
        let hash = Sha512::new().chain_update(b"tidings/safety-code/v1\0").chain_update(self.0).finalize();
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
        let groups: Vec<String> =
            hash.chunks_exact(5).take(8).map(|bytes| format!("{:05}", number(bytes) % 100_000)).collect();
        groups.join(" ")
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_bytes(decode_base64url(text)?)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

/// The first 16 bytes of SHA-256 over an identity's public key: 26 characters of lower-case base32. It names a person
/// in addresses, keys and the header `tidings-to`; finding another key with the same one takes 2^128 tries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = BASE32_LOWER
            .decode(text.as_bytes())
            .map_err(|_| KeyError::Encoding { expected: "lower-case base32 without padding" })?;
        let got = bytes.len();
        Ok(Self(bytes.try_into().map_err(|_| KeyError::Length { got, expected: 16 })?))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32_LOWER.encode(&self.0))
    }
}

/// An Ed25519 signature: base64url without padding, 86 characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Takes the 64 bytes as they are; whether they verify is for [`PublicKey::verify`].
    #[must_use]
    pub fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl FromStr for Signature {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        decode_base64url(text).map(Self)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

/// The 32 secret bytes an Ed25519 key pair is made from (RFC 8032 section 5.1.5). Wiped when dropped, never printed.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Seed([u8; 32]);

impl Seed {
    /// Takes 32 bytes from a cryptographic random source.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 secret bytes: for storing a deployment's own key and for writing recovery words, nothing else.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The text form of the secret: base64url without padding.
    #[must_use]
    pub fn expose_text(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// The public key that belongs to it.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(SigningKey::from_bytes(&self.0).verifying_key().to_bytes())
    }

    /// Signs a message; deterministic, as RFC 8032 wants it.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(SigningKey::from_bytes(&self.0).sign(message).to_bytes())
    }
}

impl FromStr for Seed {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        decode_base64url(text).map(Self)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(secret)")
    }
}

text_form!(PublicKey);
text_form!(Fingerprint);
text_form!(Signature);

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 section 7.1, TEST 3.
    #[test]
    fn signs_as_rfc_8032_says() {
        let hex = |t: &str| data_encoding::HEXLOWER.decode(t.as_bytes()).unwrap();
        let seed: [u8; 32] =
            hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7").try_into().unwrap();
        let seed = Seed::from_bytes(seed);
        let signature = seed.sign(&hex("af82"));
        assert_eq!(
            data_encoding::HEXLOWER.encode(signature.as_bytes()),
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        );
        assert_eq!(seed.public_key().verify(&hex("af82"), &signature), Ok(()));
        assert_eq!(seed.public_key().verify(&hex("af83"), &signature), Err(KeyError::Mismatch));
    }

    #[test]
    fn refuses_points_of_small_order_and_bytes_off_the_curve() {
        let mut identity_point = [0; 32];
        identity_point[0] = 1;
        assert_eq!(PublicKey::from_bytes(identity_point), Err(KeyError::NotAKey));
        assert_eq!(PublicKey::from_bytes([2; 32]), Err(KeyError::NotAKey));
    }

    #[test]
    fn text_forms_come_back_and_a_seed_never_prints() {
        let key = Seed::from_bytes([7; 32]).public_key();
        assert_eq!(key.to_string().parse::<PublicKey>(), Ok(key));
        assert_eq!(key.to_string().len(), 43);
        let fingerprint = key.fingerprint();
        assert_eq!(fingerprint.to_string().parse::<Fingerprint>(), Ok(fingerprint));
        assert_eq!(fingerprint.to_string().len(), 26);
        // Reckoned with Python's hashlib.
        assert_eq!(key.safety_code(), "03244 41240 49312 63931 01480 23473 63410 54297");
        assert_eq!(format!("{:?}", Seed::from_bytes([7; 32])), "Seed(secret)");
        assert!(matches!("AAAA".parse::<PublicKey>(), Err(KeyError::Length { got: 3, expected: 32 })));
    }
}
