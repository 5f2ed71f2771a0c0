//! The golden vectors of keys, signatures, fingerprints, safety codes, recovery words and addresses in
//! `tests/vectors/keys-v1.json`.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Here a broken assumption is a failed test.

mod vectors_of;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use tidings_protocol::recovery::{self, RecoveryError};
use tidings_protocol::{Address, AddressError, Fingerprint, KeyError, PublicKey, Seed, Signature};
use vectors_of::{check_every_case, key_reason, refused, text, unknown_kind};

#[test]
fn keys_and_names_are_what_the_vectors_say() {
    check_every_case(include_str!("../../../tests/vectors/keys-v1.json"), 165, outcome);
}

fn outcome(_vectors: &Value, case: &Value) -> Value {
    match text(case, "kind") {
        "public_key" => public_key(text(case, "text")),
        "fingerprint" => fingerprint(text(case, "text")),
        "identity" => {
            let identity: PublicKey = text(case, "identity").parse().unwrap();
            let fingerprint = identity.fingerprint().to_string();
            json!({ "fingerprint": fingerprint, "safety_code": identity.safety_code() })
        }
        "signing" => signing(case),
        "signature" => match signature(case) {
            Ok(()) => json!({ "outcome": "accept" }),
            Err(error) => refused(key_reason(&error)),
        },
        "recovery_words" => recovery_words(text(case, "words")),
        "address_typed" => match Address::from_typed(text(case, "text")) {
            Ok(address) => json!({ "outcome": "accept", "address": address.to_string() }),
            Err(error) => refused(address_reason(&error)),
        },
        "address" => match text(case, "text").parse::<Address>() {
            Ok(address) => {
                assert_eq!(address.as_str(), text(case, "text"), "an address has one spelling");
                json!({ "outcome": "accept" })
            }
            Err(error) => refused(address_reason(&error)),
        },
        _ => unknown_kind(case),
    }
}

fn public_key(spelled: &str) -> Value {
    match spelled.parse::<PublicKey>() {
        Ok(key) => {
            assert_eq!(key.to_string(), spelled, "a key has one spelling");
            json!({ "outcome": "accept", "hex": HEXLOWER.encode(key.as_bytes()) })
        }
        Err(error) => refused(key_reason(&error)),
    }
}

fn fingerprint(spelled: &str) -> Value {
    match spelled.parse::<Fingerprint>() {
        Ok(fingerprint) => {
            assert_eq!(fingerprint.to_string(), spelled, "a fingerprint has one spelling");
            json!({ "outcome": "accept", "hex": HEXLOWER.encode(fingerprint.as_bytes()) })
        }
        Err(error) => refused(key_reason(&error)),
    }
}

fn signing(case: &Value) -> Value {
    let secret = bytes(case, "secret_hex").try_into().unwrap();
    let seed = Seed::from_bytes(secret);
    let signature = seed.sign(&bytes(case, "message_hex"));
    json!({
        "public_hex": HEXLOWER.encode(seed.public_key().as_bytes()),
        "signature_hex": HEXLOWER.encode(signature.as_bytes()),
    })
}

fn signature(case: &Value) -> Result<(), KeyError> {
    let key: PublicKey = text(case, "key").parse().unwrap();
    let signature: Signature = text(case, "text").parse()?;
    key.verify(&bytes(case, "message_hex"), &signature)
}

fn recovery_words(typed: &str) -> Value {
    match recovery::seed(typed) {
        Ok(seed) => json!({
            "outcome": "accept",
            "seed_hex": HEXLOWER.encode(seed.expose()),
            "words": recovery::words(&seed).unwrap(),
        }),
        Err(RecoveryError::Count { .. }) => refused("count"),
        Err(RecoveryError::Invalid) => refused("words"),
    }
}

fn address_reason(error: &AddressError) -> &'static str {
    match error {
        AddressError::Empty => "empty",
        AddressError::TooLong { .. } => "too_long",
        AddressError::PortZero => "port_zero",
        AddressError::NotAUrl => "not_a_url",
        AddressError::MoreThanAnOrigin { .. } => "more_than_an_origin",
        AddressError::Scheme { .. } => "scheme",
    }
}

fn bytes(case: &Value, member: &str) -> Vec<u8> {
    HEXLOWER.decode(text(case, member).as_bytes()).unwrap()
}
