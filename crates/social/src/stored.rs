//! Values in the store: JSON, written and read in one way.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tidings_ledger::{Entry, Key, KeyValue, LedgerError, View};

/// The JSON text of a value.
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    // Our stored types are structs with text keys, which always have a JSON form.
    serde_json::to_vec(value).unwrap_or_default()
}

/// The value of `key`; `None` if there is none or it is not understood.
pub(crate) async fn load<T: DeserializeOwned, S: KeyValue>(
    view: &View<'_, S>,
    key: &Key,
) -> Result<Option<T>, LedgerError> {
    Ok(view.get(key.as_str()).await?.and_then(|entry| parse(&entry)))
}

/// An entry's value; `None` if it is not understood: one that a later version wrote, say.
pub(crate) fn parse<T: DeserializeOwned>(entry: &Entry) -> Option<T> {
    serde_json::from_slice(&entry.value).ok()
}
