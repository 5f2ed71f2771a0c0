//! Records: what friends pull.

use crate::absent;
use crate::keys::PublicKey;
use crate::limits::{BIO_CHARS, FUTURE_TOLERANCE_MS, NAME_CHARS, POST_CHARS, WARNING_CHARS};
use crate::record_id::RecordId;
use crate::signed::{DeploymentDocument, Document};
use crate::text::{TextError, check_optional_text, check_text};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// What a record says, in a form named by its type. `text/v1` has a `text` and is readable by deployments; bodies of
/// every other type are opaque to them and are stored, passed on and shown by clients that know them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Body {
    /// The form of the body, such as `text/v1`.
    #[serde(rename = "type")]
    pub body_type: String,
    /// The text, in a body of type `text/v1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What readers are warned of before they see the text, in a body of type `text/v1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// What other types carry.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub other: Map<String, Value>,
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut other = Map::deserialize(deserializer)?;
        let body_type = match other.remove("type") {
            Some(Value::String(body_type)) => body_type,
            _ => return Err(D::Error::custom("a body needs a `type` that is a string")),
        };
        let mut member = |name| match other.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(D::Error::custom(format!("the `{name}` of a body of text has to be a string"))),
        };
        // A `text` of another type's is whatever that type says it is.
        let (text, warning) =
            if body_type == Self::TEXT { (member("text")?, member("warning")?) } else { (None, None) };
        Ok(Self { body_type, text, warning, other })
    }
}

impl Body {
    /// The type of text.
    pub const TEXT: &'static str = "text/v1";

    /// A body of text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        let text = Some(text.into());
        Self { body_type: Self::TEXT.to_owned(), text, warning: None, other: Map::new() }
    }

    /// The same behind a warning, if there is one.
    #[must_use]
    pub fn behind(self, warning: Option<String>) -> Self {
        Self { warning, ..self }
    }

    /// Checks what can be checked of a body of a known type.
    ///
    /// # Errors
    /// The rule that its text or its warning breaks; a missing text counts as empty.
    pub fn check(&self) -> Result<(), TextError> {
        if self.body_type == Self::TEXT {
            check_text(self.text.as_deref().unwrap_or_default(), POST_CHARS, true)?;
            self.warning.as_deref().map_or(Ok(()), |warning| check_text(warning, WARNING_CHARS, false))
        } else {
            check_text(&self.body_type, 64, false)
        }
    }
}

/// A post, signed by its author's deployment key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// Its id, which tells when it was made.
    pub id: RecordId,
    /// The identity of its author.
    pub author: PublicKey,
    /// The deployment key that signed it.
    pub key: PublicKey,
    /// What it says.
    pub body: Body,
    /// When this edition was written, in unix milliseconds, if it is not the first one. Of two editions the one with the
    /// greater time counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_ms: Option<u64>,
}

impl Post {
    /// Whether neither the post nor this edition of it comes from the future of a reader whose clock says `now_ms`.
    #[must_use]
    pub fn is_in_time(&self, now_ms: u64) -> bool {
        let latest_ms = now_ms.saturating_add(FUTURE_TOLERANCE_MS);
        self.id.created_ms() <= latest_ms && self.edited_ms.is_none_or(|edited_ms| edited_ms <= latest_ms)
    }
}

impl Document for Post {
    const TYPE: &'static str = "tidings/post/v1";
}

impl DeploymentDocument for Post {
    const KEY_MEMBER: Option<&'static str> = Some("key");
}

/// What a person shows of themselves to friends, signed by their deployment key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The identity it is about.
    pub author: PublicKey,
    /// The deployment key that signed it.
    pub key: PublicKey,
    /// The name.
    pub name: String,
    /// A few words about themselves; may be empty.
    #[serde(default, deserialize_with = "absent::or_default", skip_serializing_if = "String::is_empty")]
    pub bio: String,
    /// When it was last changed, in unix milliseconds. The greater one counts.
    pub updated_ms: u64,
}

impl Document for Profile {
    const TYPE: &'static str = "tidings/profile/v1";
}

impl DeploymentDocument for Profile {
    const KEY_MEMBER: Option<&'static str> = Some("key");
}

impl Profile {
    /// Checks a name and a bio.
    ///
    /// # Errors
    /// The first rule that is broken, as (member, reason).
    pub fn check_fields(name: &str, bio: &str) -> Result<(), (&'static str, TextError)> {
        check_text(name, NAME_CHARS, false).map_err(|e| ("name", e))?;
        check_optional_text(bio, BIO_CHARS, true).map_err(|e| ("bio", e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Seed;
    use crate::signed::Signed;

    #[test]
    fn a_body_of_an_unknown_type_comes_back_whole() {
        let text = r#"{"type":"sealed/v1","nonce":"abc","parts":[1,2]}"#;
        let body: Body = serde_json::from_str(text).unwrap();
        assert_eq!(body.check(), Ok(()));
        let again: Value = serde_json::to_value(&body).unwrap();
        assert_eq!(again, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn signing_again_names_the_new_key_and_keeps_what_nobody_knows() {
        let (old, new) = (Seed::from_bytes([1; 32]), Seed::from_bytes([2; 32]));
        let body = Body { other: Map::from_iter([("mood".to_owned(), "glad".into())]), ..Body::text("hi") };
        let id = "00000000000000000000000000".parse().unwrap();
        let post = Post { id, author: old.public_key(), key: old.public_key(), body, edited_ms: None };
        let again = Signed::sign(post, &old).unwrap().signed_again(&new).unwrap();
        assert_eq!(again.verify(&new.public_key()).unwrap().key, new.public_key());
        assert!(again.verify(&old.public_key()).is_err());
        assert!(again.to_json().contains("\"mood\":\"glad\""));
    }

    #[test]
    fn the_text_of_a_body_of_another_type_is_whatever_it_is() {
        for text in [r#"{"text":["a"],"type":"rich/v1"}"#, r#"{"text":null,"type":"rich/v1"}"#] {
            let body: Body = serde_json::from_str(text).unwrap();
            assert_eq!((body.check(), body.text.as_ref()), (Ok(()), None));
            assert_eq!(serde_json::to_value(&body).unwrap().to_string(), text);
        }
        assert!(serde_json::from_str::<Body>(r#"{"type":"text/v1","text":["a"]}"#).is_err());
        assert!(serde_json::from_str::<Body>(r#"{"text":"a"}"#).is_err());
    }

    #[test]
    fn a_warning_is_one_line_of_text_or_absent() {
        let read = |warning: &str| {
            let text = format!(r#"{{"type":"text/v1","text":"a","warning":{warning}}}"#);
            serde_json::from_str::<Body>(&text).map(|body| body.check().is_ok()).map_err(|_| ())
        };
        assert_eq!(read("null"), Ok(true));
        assert_eq!(read("\"the end of the film\""), Ok(true));
        assert_eq!(read("7"), Err(()));
        for wrong in [" ".to_owned(), "a\\nb".to_owned(), "x".repeat(WARNING_CHARS + 1)] {
            assert_eq!(read(&format!("\"{wrong}\"")), Ok(false), "{wrong}");
        }
        let other: Body = serde_json::from_str(r#"{"type":"rich/v1","warning":7}"#).unwrap();
        assert_eq!((other.check(), other.warning), (Ok(()), None));
    }

    #[test]
    fn an_edition_from_the_future_is_not_in_time() {
        let seed = Seed::from_bytes([1; 32]);
        let (author, key) = (seed.public_key(), seed.public_key());
        let id = RecordId::from_parts(1_000_000, [0; 10]);
        let edited = |edited_ms| Post { id, author, key, body: Body::text("a"), edited_ms };
        assert!(edited(None).is_in_time(1_000_000) && edited(Some(1_300_000)).is_in_time(1_000_000));
        assert!(!edited(Some(1_300_001)).is_in_time(1_000_000));
        assert!(!edited(None).is_in_time(600_000));
    }

    #[test]
    fn a_text_body_needs_text() {
        assert_eq!(Body::text(" ").check(), Err(TextError::Empty));
        let missing: Body = serde_json::from_str(r#"{"type":"text/v1"}"#).unwrap();
        assert_eq!(missing.check(), Err(TextError::Empty));
        assert!(Body::text("x".repeat(POST_CHARS + 1)).check().is_err());
    }
}
