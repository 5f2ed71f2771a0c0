//! Signed JSON documents: certificates, friendship messages, records.

use crate::keys::{KeyError, PublicKey, Seed, Signature};
use crate::limits::DOCUMENT_LEVELS;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::fmt;
use thiserror::Error;

/// Why a signed document is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignedError {
    /// Not a JSON object of the expected members.
    #[error("is not a valid {document_type}: {reason}")]
    Malformed {
        /// The type that was expected.
        document_type: &'static str,
        /// What the parser says.
        reason: String,
    },
    /// Another type of document.
    #[error("is a {got}, expected {expected}")]
    WrongType {
        /// The `type` member found.
        got: String,
        /// The `type` member needed.
        expected: &'static str,
    },
    /// The signature does not verify.
    #[error("signature: {0}")]
    Signature(#[from] KeyError),
}

/// A kind of document that is signed. The type is a member of the signed text, so that a signature given for one kind
/// can never be used for another.
pub trait Document: Serialize + DeserializeOwned {
    /// The value of the member `type`, such as `tidings/post/v1`.
    const TYPE: &'static str;
}

/// A JSON object with the members of `T`, a `type`, a `signature`, and whatever else its author put in.
///
/// The signature (Ed25519) is over the RFC 8785 canonical form of the whole object without the member `signature`, so
/// unknown members are signed, kept and passed on unchanged.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed<T> {
    document: Map<String, Value>,
    content: T,
    signature: Signature,
}

impl<T: Document> Signed<T> {
    /// Signs `content`.
    ///
    /// # Errors
    /// [`SignedError::Malformed`] if the content cannot be written as a JSON object.
    pub fn sign(content: T, seed: &Seed) -> Result<Self, SignedError> {
        let Value::Object(mut document) = serde_json::to_value(&content).map_err(malformed::<T>)? else {
            return Err(malformed::<T>("not an object"));
        };
        document.insert("type".to_owned(), T::TYPE.into());
        let signature = seed.sign(&canonical::<T>(&document)?);
        document.insert("signature".to_owned(), signature.to_string().into());
        Ok(Self { document, content, signature })
    }

    /// The content, once `key` is known to have signed it.
    ///
    /// # Errors
    /// [`SignedError::Signature`] when it did not.
    pub fn verify(&self, key: &PublicKey) -> Result<&T, SignedError> {
        let mut unsigned = self.document.clone();
        unsigned.remove("signature");
        key.verify(&canonical::<T>(&unsigned)?, &self.signature)?;
        Ok(&self.content)
    }

    /// The content without any proof of who wrote it: for choosing the key to verify with, and for documents that this
    /// deployment verified before it stored them.
    #[must_use]
    pub fn unverified(&self) -> &T {
        &self.content
    }

    /// Takes an object apart and checks its form, not its signature.
    ///
    /// # Errors
    /// [`SignedError::WrongType`] or [`SignedError::Malformed`].
    pub fn from_document(document: Map<String, Value>) -> Result<Self, SignedError> {
        let found = document.get("type").and_then(Value::as_str).unwrap_or_default();
        if found != T::TYPE {
            return Err(SignedError::WrongType { got: found.chars().take(64).collect(), expected: T::TYPE });
        }
        let levels = document.values().map(levels).max().unwrap_or_default() + 1;
        if levels > DOCUMENT_LEVELS {
            return Err(malformed::<T>(format!(
                "nests {levels} levels, at most {DOCUMENT_LEVELS} are allowed"
            )));
        }
        let signature = document
            .get("signature")
            .and_then(Value::as_str)
            .ok_or_else(|| malformed::<T>("the member `signature` is missing"))?
            .parse()?;
        let content = T::deserialize(Value::Object(document.clone())).map_err(malformed::<T>)?;
        Ok(Self { document, content, signature })
    }

    /// Whether two documents have the same members, whatever their signatures look like.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let unsigned = |of: &Self| {
            let mut document = of.document.clone();
            document.remove("signature");
            document
        };
        unsigned(self) == unsigned(other)
    }

    /// Its JSON text, in canonical order.
    #[must_use]
    pub fn to_json(&self) -> String {
        Value::Object(self.document.clone()).to_string()
    }
}

/// A document that a deployment key signs, so that another key can sign it once more after the first was replaced.
pub trait DeploymentDocument: Document {
    /// The member that names the key, in documents that do.
    const KEY_MEMBER: Option<&'static str>;
}

impl<T: DeploymentDocument> Signed<T> {
    /// The same document, unknown members included, signed by another deployment key.
    ///
    /// # Errors
    /// [`SignedError::Malformed`] if it cannot be written as a JSON object.
    pub fn signed_again(&self, seed: &Seed) -> Result<Self, SignedError> {
        let mut document = self.document.clone();
        document.remove("signature");
        if let Some(member) = T::KEY_MEMBER {
            document.insert(member.to_owned(), seed.public_key().to_string().into());
        }
        let signature = seed.sign(&canonical::<T>(&document)?);
        document.insert("signature".to_owned(), signature.to_string().into());
        Self::from_document(document)
    }
}

/// How deep a value nests; 0 for one that has nothing in it. The parser has a limit of its own, so this does not run away.
fn levels(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(levels).max().unwrap_or_default() + 1,
        Value::Object(members) => members.values().map(levels).max().unwrap_or_default() + 1,
        _ => 0,
    }
}

fn malformed<T: Document>(reason: impl fmt::Display) -> SignedError {
    SignedError::Malformed { document_type: T::TYPE, reason: reason.to_string() }
}

fn canonical<T: Document>(document: &Map<String, Value>) -> Result<Vec<u8>, SignedError> {
    serde_json_canonicalizer::to_vec(document).map_err(malformed::<T>)
}

impl<T> Serialize for Signed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(serializer)
    }
}

impl<'de, T: Document> Deserialize<'de> for Signed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Map::deserialize(deserializer)?;
        Self::from_document(document).map_err(serde::de::Error::custom)
    }
}

impl<T: fmt::Debug> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signed").field(&self.content).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Note {
        text: String,
        count: u64,
    }
    impl Document for Note {
        const TYPE: &'static str = "tidings/note/v1";
    }

    fn seed() -> Seed {
        Seed::from_bytes([3; 32])
    }

    fn note() -> Signed<Note> {
        Signed::sign(Note { text: "hé".into(), count: 7 }, &seed()).unwrap()
    }

    #[test]
    fn signature_is_over_the_canonical_form_without_itself() {
        let expected = seed().sign("{\"count\":7,\"text\":\"hé\",\"type\":\"tidings/note/v1\"}".as_bytes());
        assert_eq!(note().signature, expected);
    }

    #[test]
    fn survives_reordering_and_white_space() {
        let text = format!(
            "{{ \"type\":\"tidings/note/v1\", \"text\":\"h\\u00e9\",\n\"signature\":\"{}\", \"count\":7 }}",
            note().signature
        );
        let again: Signed<Note> = serde_json::from_str(&text).unwrap();
        assert!(again.verify(&seed().public_key()).is_ok());
    }

    #[test]
    fn unknown_members_are_signed_kept_and_passed_on() {
        let mut document = note().document;
        document.remove("signature");
        document.insert("mood".into(), serde_json::json!({"happy": 1.5}));
        let signature = seed().sign(&canonical::<Note>(&document).unwrap());
        document.insert("signature".into(), signature.to_string().into());
        let again: Signed<Note> = serde_json::from_value(Value::Object(document)).unwrap();
        assert!(again.verify(&seed().public_key()).is_ok());
        assert!(again.to_json().contains("\"mood\":{\"happy\":1.5}"));
        let altered: Signed<Note> = serde_json::from_str(&again.to_json().replace("1.5", "1.6")).unwrap();
        assert_eq!(altered.verify(&seed().public_key()), Err(SignedError::Signature(KeyError::Mismatch)));
    }

    #[test]
    fn refuses_another_type_key_or_form() {
        let other_key = Seed::from_bytes([4; 32]).public_key();
        assert!(note().verify(&other_key).is_err());
        let parse = |text: String| serde_json::from_str::<Signed<Note>>(&text);
        assert!(parse(note().to_json().replace("note", "post")).is_err());
        assert!(parse(note().to_json().replace("signature", "signed")).is_err());
        assert!(parse(note().to_json().replace("\"count\":7", "\"count\":\"7\"")).is_err());
        assert!(parse("[]".into()).is_err());
    }
}
