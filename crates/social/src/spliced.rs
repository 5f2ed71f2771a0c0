//! JSON that goes from the store into an answer as the bytes that it is.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use tidings_protocol::{Body, Document, Signed};

/// The JSON text of a `T`, passed on without being taken apart.
pub struct Spliced<T> {
    text: Box<RawValue>,
    of: PhantomData<fn() -> T>,
}

impl Spliced<Body> {
    /// The text of a body; `None` if it has none, which never is.
    pub(crate) fn of(body: &Body) -> Option<Self> {
        serde_json::value::to_raw_value(body).ok().map(Self::of_text)
    }
}

impl<T> Spliced<T> {
    /// Takes a text for that of a `T`.
    pub(crate) fn of_text(text: Box<RawValue>) -> Self {
        Self { text, of: PhantomData }
    }

    /// The JSON text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.get()
    }

    /// Takes it apart.
    ///
    /// # Errors
    /// When it is not the text of a `T` after all.
    pub fn read(&self) -> Result<T, serde_json::Error>
    where
        T: DeserializeOwned,
    {
        serde_json::from_str(self.text())
    }
}

impl<T: Document> Spliced<Signed<T>> {
    /// The bytes of a signed document as they are stored. `None` if they are no document of this type: what cannot be
    /// understood by readers must not spoil a whole answer. Only its type and that there is a signature is looked at,
    /// since it was verified before it was stored.
    pub(crate) fn of_stored(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Outline<'a> {
            #[serde(rename = "type", borrow)]
            document_type: Cow<'a, str>,
            #[serde(rename = "signature", borrow)]
            _signature: Cow<'a, str>,
        }
        let outline: Outline<'_> = serde_json::from_slice(bytes).ok()?;
        if outline.document_type != T::TYPE {
            return None;
        }
        serde_json::from_slice(bytes).ok().map(Self::of_text)
    }
}

/// What is shown of a stored post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredPost {
    /// What it says.
    pub(crate) body: Spliced<Body>,
    /// When this edition was written, if it is not the first one.
    pub(crate) edited_ms: Option<u64>,
}

impl StoredPost {
    /// Reads the bytes of a signed post as they are stored. `None` if there is no body.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Outline<'a> {
            #[serde(borrow)]
            body: &'a RawValue,
            #[serde(default)]
            edited_ms: Option<u64>,
        }
        let Outline { body, edited_ms } = serde_json::from_slice(bytes).ok()?;
        let body = body.get().starts_with('{').then(|| Spliced::of_text(body.to_owned()))?;
        Some(Self { body, edited_ms })
    }
}

impl<T> Clone for Spliced<T> {
    fn clone(&self) -> Self {
        Self::of_text(self.text.clone())
    }
}

impl<T> PartialEq for Spliced<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl<T> Eq for Spliced<T> {}

impl<T> fmt::Debug for Spliced<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl<T> Serialize for Spliced<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Spliced<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::deserialize(deserializer).map(Self::of_text)
    }
}
