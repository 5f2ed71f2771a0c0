//! Optional members of JSON objects: `null` is as good as absent, for every one of them.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// For a member with a default: what is there, or the default where it is `null`.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// For what comes along in an answer that is about something else: as if it was absent where it cannot be read.
pub(crate) fn if_readable<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let text = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(text.get()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Members {
        #[serde(default, deserialize_with = "or_default")]
        list: Vec<u8>,
        #[serde(default, deserialize_with = "if_readable")]
        along: Option<u8>,
    }

    #[test]
    fn null_is_as_good_as_absent_and_what_comes_along_spoils_nothing() {
        let read = |text: &str| serde_json::from_str::<Members>(text).map_err(|_| ());
        let empty = Ok(Members { list: Vec::new(), along: None });
        assert_eq!(read("{}"), empty);
        assert_eq!(read(r#"{"list":null,"along":null}"#), empty);
        assert_eq!(read(r#"{"along":{"a":[]}}"#), empty);
        assert_eq!(read(r#"{"list":[1],"along":2}"#), Ok(Members { list: vec![1], along: Some(2) }));
        assert_eq!(read(r#"{"list":7}"#), Err(()));
    }
}
