//! The golden vectors of signed documents in `tests/vectors/record-v1.json`: posts, profiles, friendships and certificates
//! as the text that came, and which certificate replaces which.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Here a broken assumption is a failed test.

mod vectors_of;

use serde_json::{Map, Value, json};
use tidings_protocol::limits::{FRIENDSHIP_BYTES, FUTURE_TOLERANCE_MS};
use tidings_protocol::{
    Certificate, CertificateError, Document, Fingerprint, Friendship, Post, Profile, PublicKey, Signature,
    Signed, SignedError, Standing,
};
use vectors_of::{check_every_case, key_reason, refused, text, unknown_kind};

/// What a reader takes of one record, in bytes of its JSON ("about the sender's own identity ... of at most 64 KiB").
const RECORD_BYTES: usize = 64 * 1024;

#[test]
fn documents_are_taken_as_the_vectors_say() {
    check_every_case(include_str!("../../../tests/vectors/record-v1.json"), 227, outcome);
}

fn outcome(vectors: &Value, case: &Value) -> Value {
    let reader = Reader::of(vectors);
    match text(case, "kind") {
        "post" => reader.take(case, |record| reader.post(record)),
        "profile" => reader.take(case, |record| reader.profile(record)),
        "friendship" => reader.take(case, |record| reader.friendship(record)),
        "certificate" => reader.take(case, certificate),
        "standing" => json!({ "standing": standing(case) }),
        _ => unknown_kind(case),
    }
}

/// Who reads, and what they know of the sender.
struct Reader {
    identity: PublicKey,
    key: PublicKey,
    own: Fingerprint,
    now_ms: u64,
}

type Taken = Result<(), &'static str>;

impl Reader {
    fn of(vectors: &Value) -> Self {
        Self {
            identity: text(&vectors["sender"], "identity").parse().unwrap(),
            key: text(&vectors["sender"], "key").parse().unwrap(),
            own: text(vectors, "receiver").parse().unwrap(),
            now_ms: vectors["now_ms"].as_u64().unwrap(),
        }
    }

    fn take<T: Document>(&self, case: &Value, check: impl Fn(&Signed<T>) -> Taken) -> Value {
        match read(text(case, "text")).and_then(|record| check(&record)) {
            Ok(()) => json!({ "outcome": "accept", "canonical": self.canonical(case) }),
            Err(reason) => refused(reason),
        }
    }

    /// The canonical form that the case gives, if it is the one that was signed.
    fn canonical(&self, case: &Value) -> Value {
        let document: Map<String, Value> = serde_json::from_str(text(case, "text")).unwrap();
        let signature: Signature = document["signature"].as_str().unwrap().parse().unwrap();
        let key = if text(case, "kind") == "certificate" { self.identity } else { self.key };
        let canonical = case["expected"]["canonical"].clone();
        let signed = canonical.as_str().is_some_and(|text| key.verify(text.as_bytes(), &signature).is_ok());
        if signed { canonical } else { Value::Null }
    }

    fn post(&self, record: &Signed<Post>) -> Taken {
        let post = record.verify(&self.key).map_err(|e| signed_reason(&e))?;
        self.theirs(&post.author, &post.key, post.id.created_ms())?;
        if !post.is_in_time(self.now_ms) {
            return Err("future");
        }
        post.body.check().map_err(|_| "text")?;
        size(record, RECORD_BYTES)
    }

    fn profile(&self, record: &Signed<Profile>) -> Taken {
        let profile = record.verify(&self.key).map_err(|e| signed_reason(&e))?;
        self.theirs(&profile.author, &profile.key, profile.updated_ms)?;
        Profile::check_fields(&profile.name, &profile.bio).map_err(|_| "text")
    }

    fn theirs(&self, author: &PublicKey, key: &PublicKey, ms: u64) -> Taken {
        if *author != self.identity || *key != self.key {
            return Err("people");
        }
        if ms > self.now_ms + FUTURE_TOLERANCE_MS { Err("future") } else { Ok(()) }
    }

    fn friendship(&self, record: &Signed<Friendship>) -> Taken {
        let friendship = record.verify(&self.key).map_err(|e| signed_reason(&e))?;
        if friendship.from != self.identity || friendship.to != self.own {
            return Err("people");
        }
        friendship.check().map_err(|_| "text")?;
        if !friendship.numbers_in_range() {
            return Err("number");
        }
        size(record, FRIENDSHIP_BYTES)
    }
}

/// From the text that came to a document whose form is right, in the two ways that there are.
fn read<T: Document>(text: &str) -> Result<Signed<T>, &'static str> {
    let document = serde_json::from_str::<Map<String, Value>>(text).map_err(|_| "json");
    let read = document.and_then(|document| Signed::from_document(document).map_err(|e| signed_reason(&e)));
    assert_eq!(read.is_ok(), serde_json::from_str::<Signed<T>>(text).is_ok());
    read
}

fn certificate(record: &Signed<Certificate>) -> Taken {
    record.verify_certificate().map(|_| ()).map_err(|error| match error {
        CertificateError::Signed(error) => signed_reason(&error),
        CertificateError::Serial { .. } => "serial",
        CertificateError::SameKey => "same_key",
        CertificateError::TooManyRevoked { .. } => "too_many_revoked",
        CertificateError::Revoked => "revoked",
    })
}

fn size<T: Document>(record: &Signed<T>, most: usize) -> Taken {
    if record.to_json().len() > most { Err("size") } else { Ok(()) }
}

fn signed_reason(error: &SignedError) -> &'static str {
    match error {
        SignedError::Malformed { .. } => "malformed",
        SignedError::WrongType { .. } => "type",
        SignedError::Signature(error) => key_reason(error),
    }
}

fn standing(case: &Value) -> &'static str {
    let [came, known] = ["came", "known"].map(|member| {
        let certificate: Signed<Certificate> = serde_json::from_value(case[member].clone()).unwrap();
        certificate.verify_certificate().unwrap();
        certificate
    });
    match came.standing(&known) {
        Standing::Same => "same",
        Standing::Newer => "newer",
        Standing::Superseded => "superseded",
        Standing::Conflicting => "conflicting",
    }
}
