//! The golden vectors of comments and reactions in `tests/vectors/interactions-v1.json`: records with the certificate that comes along
//! with them, most of them with one fault each, the greatest sizes that a poster's deployment takes, and requests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Here a broken assumption is a failed test.

mod vectors_of;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tidings_protocol::limits::{COMMENT_BYTES, INTERACTIONS_AT_ONCE, REACTION_BYTES};
use tidings_protocol::{
    Certificate, Comment, Document, InteractionsMessage, Reaction, RelayError, Signed, UnderPost,
};
use vectors_of::{check_every_case, refused, text, unknown_kind};

#[test]
fn comments_and_reactions_are_taken_as_the_vectors_say() {
    check_every_case(include_str!("../../../tests/vectors/interactions-v1.json"), 51, outcome);
}

fn outcome(vectors: &Value, case: &Value) -> Value {
    match text(case, "kind") {
        "comment" => relayed::<Comment>(vectors, case, |comment, now_ms| comment.is_in_time(now_ms)),
        "reaction" => relayed::<Reaction>(vectors, case, |reaction, now_ms| reaction.is_in_time(now_ms)),
        "comment_size" => size::<Comment>(case, COMMENT_BYTES),
        "reaction_size" => size::<Reaction>(case, REACTION_BYTES),
        "message" => message(case),
        _ => unknown_kind(case),
    }
}

fn record<T: Document>(case: &Value) -> Option<Signed<T>> {
    read(&case["record"])
}

fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

/// What a reader makes of a record that the poster shows.
fn relayed<T: UnderPost>(vectors: &Value, case: &Value, is_in_time: impl Fn(&T, u64) -> bool) -> Value {
    let Some(record) = record::<T>(case) else { return refused("form") };
    let place = (text(vectors, "poster").parse().unwrap(), text(vectors, "post").parse().unwrap());
    let certificate: Option<Signed<Certificate>> = read(&case["certificate"]);
    let now_ms = vectors["now_ms"].as_u64().unwrap();
    match record.verify_relayed(place, certificate.as_ref(), now_ms) {
        Ok(_) => json!({ "outcome": "accept" }),
        Err(RelayError::AnotherPost) => refused("post"),
        Err(RelayError::NoCertificate) => refused("certificate"),
        Err(RelayError::Signature) => refused("signature"),
        Err(RelayError::Unacceptable) if is_in_time(record.unverified(), now_ms) => refused("text"),
        Err(RelayError::Unacceptable) => refused("time"),
    }
}

fn size<T: UnderPost>(case: &Value, most: usize) -> Value {
    let record = record::<T>(case).expect("all else is right");
    if record.to_json().len() <= most { json!({ "outcome": "accept" }) } else { refused("size") }
}

fn message(case: &Value) -> Value {
    let refused = |reason: &str, status: u16, slug: &str| json!({ "outcome": "refuse", "reason": reason, "status": status, "slug": slug });
    match serde_json::from_str::<InteractionsMessage>(text(case, "text")) {
        Err(error) if error.is_data() => refused("form", 422, "invalid"),
        Err(_) => refused("json", 400, "not-json"),
        Ok(message) if message.interactions.len() > INTERACTIONS_AT_ONCE => {
            refused("too many", 422, "invalid")
        }
        Ok(message) => json!({ "outcome": "accept", "interactions": message.interactions.len() }),
    }
}
