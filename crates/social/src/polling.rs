//! Answering an open client's poll without reading the ledger.
//!
//! The tag of an answer (its ETag) tells what the client was shown and, where the ledger can promise it, until when two
//! gets tell that nothing changed. It is bound to the session that it was given to by a key that the deployment leaves
//! in the store beside the ledger, with the watch that the promise rests on: who has that key can make a tag look
//! right, but cannot sign in with it.

use crate::access::{Access, session_expires_ms};
use crate::account::Account;
use crate::stored;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::fmt;
use subtle::ConstantTimeEq;
use tidings_ledger::{Promise, Watch};
use tidings_protocol::Fingerprint;

/// The value of a watch: what a poll has to know of the account to recognise a session.
#[derive(Clone, Serialize, Deserialize)]
pub struct WatchRecord {
    owner: Fingerprint,
    /// Binds tags to sessions; another one for every watch. Base64url of 32 bytes.
    key: String,
}

impl WatchRecord {
    /// The one for a watch.
    #[must_use]
    pub fn new(account: &Account, watch: &Watch) -> Self {
        let key = BASE64URL_NOPAD.encode(&account.access.watch_key(&watch.to_string()));
        Self { owner: account.fingerprint(), key }
    }

    /// As it is stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        stored::json(self)
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` for anything else.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// Whose sessions it is about.
    #[must_use]
    pub fn owner(&self) -> &Fingerprint {
        &self.owner
    }
}

impl fmt::Debug for WatchRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WatchRecord({}, secret)", self.owner)
    }
}

/// The label of the account's watches: it changes with the password, and tells nothing of it.
#[must_use]
pub fn watch_label(account: &Account) -> String {
    account.access.watch_label()
}

/// The tag of an answer to a poll.
///
/// Text form: tags of the listing and of what was shown; then, if there is a promise, that and its seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollTag {
    listing: String,
    content: String,
    sealed: Option<(Promise, String)>,
}

impl PollTag {
    /// A tag that promises nothing.
    #[must_use]
    pub fn new(listing: String, content: String) -> Self {
        Self { listing, content, sealed: None }
    }

    /// The same with a promise, for the client with this session.
    #[must_use]
    pub fn with_promise(self, promise: Promise, account: &Account, session: &str) -> Self {
        let seal = seal(&WatchRecord::new(account, promise.watch()), &self.content, &promise, session);
        Self { sealed: Some((promise, seal)), ..self }
    }

    /// Reads a tag; `None` for what is none of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (listing, content) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let sealed = match parts.next() {
            None => None,
            Some(rest) => {
                let (promise, seal) = rest.rsplit_once('.')?;
                Some((promise.parse().ok()?, seal.to_owned()))
            }
        };
        Some(Self { listing, content, sealed })
    }

    /// The tag of the listing behind it.
    #[must_use]
    pub fn listing(&self) -> &str {
        &self.listing
    }

    /// The tag of what was shown.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.content
    }

    /// The promise in it, whoever made it up.
    #[must_use]
    pub fn promise(&self) -> Option<&Promise> {
        self.sealed.as_ref().map(|(promise, _)| promise)
    }

    /// Whether this tag was given to the client with this session, which has not expired yet.
    #[must_use]
    pub fn was_given_to(&self, session: &str, record: &WatchRecord, now_ms: u64) -> bool {
        let Some((promise, found)) = &self.sealed else { return false };
        let expected = seal(record, &self.content, promise, session);
        session_expires_ms(session).is_some_and(|expires_ms| expires_ms > now_ms)
            && bool::from(expected.as_bytes().ct_eq(found.as_bytes()))
    }
}

impl fmt::Display for PollTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.listing, self.content)?;
        match &self.sealed {
            Some((promise, seal)) => write!(f, ".{promise}.{seal}"),
            None => Ok(()),
        }
    }
}

fn seal(record: &WatchRecord, content: &str, promise: &Promise, session: &str) -> String {
    BASE64URL_NOPAD.encode(&Access::seal(&record.key, &format!("{content}\n{promise}\n{session}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::AccessRandom;

    const PROMISE: &str = "1790000000000.1790001800000.0123456789abcdef.1790001000000.none";

    fn record(key: &str) -> WatchRecord {
        let owner = tidings_protocol::Seed::from_bytes([1; 32]).public_key().fingerprint();
        WatchRecord { owner, key: key.to_owned() }
    }

    fn tag(session: &str) -> PollTag {
        let promise: Promise = PROMISE.parse().unwrap();
        let seal = seal(&record("key"), "c", &promise, session);
        PollTag { listing: "l".into(), content: "c".into(), sealed: Some((promise, seal)) }
    }

    #[test]
    fn tags_are_read_back_with_and_without_a_promise() {
        for tag in [tag("9.x"), PollTag::new("l".into(), "c".into())] {
            assert_eq!(PollTag::parse(&tag.to_string()), Some(tag));
        }
        for wrong in ["", "l", "l.c.", "l.c.x", "l.c.1.2.a.5.none"] {
            assert_eq!(PollTag::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_tag_serves_only_the_session_it_was_given_to_and_only_while_that_lasts() {
        let session = "2000.mac";
        let own = tag(session);
        assert!(own.was_given_to(session, &record("key"), 1_999));
        assert!(!own.was_given_to(session, &record("key"), 2_000), "expired");
        assert!(!own.was_given_to("3000.mac", &record("key"), 0), "another session");
        assert!(!own.was_given_to(session, &record("other"), 0), "another password");
        let altered = own.to_string().replace("1790001000000", "1790001900000");
        assert!(!PollTag::parse(&altered).unwrap().was_given_to(session, &record("key"), 0), "altered");
        assert!(!PollTag::new("l".into(), "c".into()).was_given_to(session, &record("key"), 0));
    }

    #[test]
    fn what_a_watch_holds_says_nothing_about_sessions_or_passwords() {
        let random = |secret| AccessRandom {
            password_salt: [1; 16],
            variable_salt: [2; 16],
            session_secret: [secret; 32],
        };
        let one = Access::new("correct horse", None, &random(3)).unwrap();
        let other = Access::new("correct horse", None, &random(4)).unwrap();
        assert_ne!(one.watch_label(), other.watch_label());
        assert_ne!(one.watch_key("1"), one.watch_key("2"));
        let stored = serde_json::to_string(&one).unwrap();
        assert!(!stored.contains(&BASE64URL_NOPAD.encode(&one.watch_key("1"))));
        assert!(format!("{:?}", record("a secret")).ends_with("secret)"));
        assert!(!format!("{:?}", record("hunter2")).contains("hunter2"));
    }
}
