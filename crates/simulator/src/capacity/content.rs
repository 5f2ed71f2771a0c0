//! Random people, keys and values, in the forms that the product stores.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::json;
use std::fmt::Write as _;
use tidings_ledger::{Key, KeyError, Range};
use tidings_protocol::{Fingerprint, Head, PublicKey, RecordId, Seed};

/// Different words there are.
const WORDS: usize = 8_192;

/// A post's text has about so many characters; some have many more.
const POST_CHARS: f64 = 120.0;

/// A message's text has about so many characters.
const MESSAGE_CHARS: f64 = 45.0;

/// The longest text, in characters.
const LONGEST_CHARS: f64 = 5_000.0;

/// Somebody with a deployment.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub fingerprint: Fingerprint,
    identity: PublicKey,
    deployment: PublicKey,
}

/// Makes contents up, always the same from the same randomness.
pub(super) struct Content {
    words: Vec<String>,
    random: fastrand::Rng,
}

impl Content {
    pub fn new(mut random: fastrand::Rng) -> Self {
        let word = |random: &mut fastrand::Rng| {
            let letters = 1 + random.usize(0..4) + random.usize(0..7);
            (0..letters).map(|_| random.lowercase()).collect()
        };
        let words = (0..WORDS).map(|_| word(&mut random)).collect();
        Self { words, random }
    }

    pub fn person(&mut self) -> Person {
        let mut key = || Seed::from_bytes(self.bytes()).public_key();
        let (identity, deployment) = (key(), key());
        Person { fingerprint: identity.fingerprint(), identity, deployment }
    }

    /// The id of something made at that time.
    pub fn record_id(&mut self, created_ms: u64) -> RecordId {
        RecordId::from_parts(created_ms, self.bytes())
    }

    /// A `Signed<Post>` as JSON.
    pub fn post(&mut self, author: &Person, id: RecordId) -> Vec<u8> {
        let text = self.text(POST_CHARS);
        self.signed(author, id, "tidings/post/v1", &text, None)
    }

    /// A signed private message as JSON: like a post, and to whom.
    pub fn message(&mut self, from: &Person, to: &Person, id: RecordId) -> Vec<u8> {
        let text = self.text(MESSAGE_CHARS);
        self.signed(from, id, "tidings/message/v1", &text, Some(to))
    }

    fn signed(&mut self, from: &Person, id: RecordId, of: &str, text: &str, to: Option<&Person>) -> Vec<u8> {
        let signature = BASE64URL_NOPAD.encode(&self.bytes::<64>());
        let Person { identity, deployment, .. } = from;
        let mut json = format!(
            r#"{{"author":"{identity}","body":{{"text":"{text}","type":"text/v1"}},"id":"{id}","key":"{deployment}","signature":"{signature}","#
        );
        if let Some(to) = to {
            // Writing to a string cannot fail.
            let _ = write!(json, r#""to":"{}","#, to.fingerprint);
        }
        let _ = write!(json, r#""type":"{of}"}}"#);
        json.into_bytes()
    }

    /// What is noted about a friend, by the last part of its key, at the beginning of a friendship.
    pub fn friendship(&mut self, friend: &Person, now_ms: u64) -> Vec<(&'static str, Vec<u8>)> {
        let Person { identity, deployment, fingerprint } = friend;
        let mut signed = |mut document: serde_json::Value| {
            document["signature"] = BASE64URL_NOPAD.encode(&self.bytes::<64>()).into();
            document.to_string().into_bytes()
        };
        let certificate = json!({
            "type": "tidings/certificate/v1", "identity": identity, "key": deployment, "serial": now_ms,
            "address": format!("https://{}.example", &fingerprint.to_string()[..12]),
        });
        let stance = |stance: &str| {
            json!({
                "type": "tidings/friendship/v1", "from": fingerprint, "to": fingerprint, "generation": 1,
                "sequence": 1, "stance": stance, "key": deployment,
            })
        };
        let profile = json!({
            "type": "tidings/profile/v1", "author": identity, "key": deployment, "name": "Somebody Somewhere",
            "bio": "a few words about oneself", "updated_ms": now_ms,
        });
        vec![
            ("certificate", signed(certificate)),
            ("ours", signed(stance("wanted"))),
            ("theirs", signed(stance("wanted"))),
            ("profile", signed(profile)),
            ("verified", json!({ "serial": now_ms, "name": "Somebody Somewhere" }).to_string().into_bytes()),
        ]
    }

    /// `relation::Told`.
    pub fn told(&mut self, now_ms: u64) -> Vec<u8> {
        let head = self.head(now_ms);
        format!(r#"{{"head":"{head}","at_ms":{now_ms},"times":1,"problem":null}}"#).into_bytes()
    }

    /// `relation::Pull`.
    pub fn pull(&mut self, now_ms: u64) -> Vec<u8> {
        let (cursor, held) = (BASE64URL_NOPAD.encode(&self.bytes::<40>()), self.head(now_ms));
        format!(
            r#"{{"cursor":"{cursor}","held":"{held}","more":false,"last_ms":{now_ms},"attempts":0,"problem":null}}"#
        )
        .into_bytes()
    }

    /// `relation::Served`.
    pub fn served(&mut self, now_ms: u64) -> Vec<u8> {
        let (head, held) = (self.head(now_ms), self.head(now_ms));
        format!(r#"{{"head":"{head}","held":"{held}"}}"#).into_bytes()
    }

    /// A picture: bytes that no compression makes fewer.
    pub fn picture(&mut self, bytes: usize) -> Vec<u8> {
        let mut picture = vec![0; bytes];
        self.random.fill(&mut picture);
        picture
    }

    /// The name of a picture. Not really its hash: that would take more time than all the rest.
    pub fn picture_name(&mut self) -> String {
        HEXLOWER.encode(&self.bytes::<32>())
    }

    pub fn head(&mut self, now_ms: u64) -> Head {
        let mut bytes: [u8; 12] = self.bytes();
        bytes[..6].copy_from_slice(&now_ms.to_be_bytes()[2..]);
        bytes[6..8].fill(0);
        Head::from_bytes(bytes)
    }

    /// Random words of some length: most near `chars`, some far beyond (log-normal).
    fn text(&mut self, chars: f64) -> String {
        // Twelve uniform numbers make a normal one.
        let normal = (0..12).map(|_| self.random.f64()).sum::<f64>() - 6.0;
        let chars = (chars * (0.8 * normal).exp()).clamp(2.0, LONGEST_CHARS) as usize;
        let mut text = String::with_capacity(chars + 16);
        while text.len() < chars {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&self.words[self.random.usize(0..WORDS)]);
        }
        text
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }
}

/// The keys, in the forms of `crates/social/src/keys.rs`, and of what the product will add.
pub(super) mod keys {
    use super::*;

    pub const POST: &str = "post";
    pub const FEED: &str = "feed";
    pub const FRIEND: &str = "friend";
    pub const BLOB: &str = "blob";

    pub fn own(partition: &str) -> Result<Key, KeyError> {
        Key::new(partition, "")
    }

    pub fn post(id: RecordId) -> Result<Key, KeyError> {
        Key::new(POST, &id.to_string())
    }

    pub fn feed(id: RecordId, author: &Fingerprint) -> Result<Key, KeyError> {
        Key::new(FEED, &format!("{id}.{author}"))
    }

    /// The partition of a conversation.
    pub fn conversation(with: &Fingerprint) -> String {
        format!("dm/{with}")
    }

    pub fn message(with: &Fingerprint, id: RecordId) -> Result<Key, KeyError> {
        Key::new(&conversation(with), &id.to_string())
    }

    /// Where a piece of a picture is: in the order of time, like everything that there is much of, so that new ones come
    /// behind the others and what is there stays where it is.
    pub fn piece(id: RecordId, number: usize) -> Result<Key, KeyError> {
        Key::new(BLOB, &format!("{id}/{number:02}"))
    }

    /// All pieces of a picture.
    pub fn pieces(id: RecordId) -> Range {
        Range::prefix(BLOB, &format!("{id}/"))
    }

    /// Which picture has this SHA-256: each is stored once.
    pub fn image(hash: &str) -> Result<Key, KeyError> {
        Key::new("image", hash)
    }

    /// One of the things noted about a friend.
    pub fn friend(who: &Fingerprint, what: &str) -> Result<Key, KeyError> {
        Key::new(FRIEND, &format!("{who}/{what}"))
    }

    pub fn heard(who: &Fingerprint, head: Head) -> Result<Key, KeyError> {
        Key::new("heard", &format!("{who}/{head}"))
    }

    pub fn served(who: &Fingerprint) -> Result<Key, KeyError> {
        Key::new("served", &who.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_protocol::{Body, Post, Signed};

    #[test]
    fn posts_look_like_real_ones() {
        let mut content = Content::new(fastrand::Rng::with_seed(1));
        let author = content.person();
        let id = content.record_id(1_800_000_000_000);
        let made_up = content.post(&author, id);
        let read: Signed<Post> = serde_json::from_slice(&made_up).unwrap();
        assert_eq!(read.unverified().id, id);

        let post = Post {
            id,
            author: author.identity,
            key: author.deployment,
            body: read.unverified().body.clone(),
            edited_ms: None,
        };
        let real = Signed::sign(post, &Seed::from_bytes([1; 32])).unwrap().to_json();
        assert_eq!(real.len(), made_up.len());
        assert_eq!(read.unverified().body.body_type, Body::TEXT);
    }

    #[test]
    fn texts_vary_around_their_usual_length() {
        let mut content = Content::new(fastrand::Rng::with_seed(2));
        let mut lengths: Vec<usize> = (0..2_000).map(|_| content.text(POST_CHARS).len()).collect();
        lengths.sort_unstable();
        assert!((110..150).contains(&lengths[1_000]), "{}", lengths[1_000]);
        assert!(lengths[1_990] > 500);
    }

    #[test]
    fn keys_have_the_product_s_forms() {
        let mut content = Content::new(fastrand::Rng::with_seed(3));
        let person = content.person();
        let id = content.record_id(5);
        assert_eq!(keys::feed(id, &person.fingerprint).unwrap().as_str().len(), 5 + 26 + 1 + 26);
        assert_eq!(keys::message(&person.fingerprint, id).unwrap().as_str().len(), 3 + 26 + 1 + 26);
        assert_eq!(keys::own("profile").unwrap().as_str(), "profile:");
    }
}
