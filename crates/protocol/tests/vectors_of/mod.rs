//! What the tests of the vector files share.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Here a broken assumption is a failed test.
#![allow(dead_code)] // Every test file has its own copy, and not each uses all of it.

use serde_json::{Value, json};
use tidings_protocol::KeyError;

/// Runs every case of a vector file: what `outcome` says of it has to be what the file expects, member for member. So a case
/// that expects something else, or something more, fails.
pub fn check_every_case(file: &str, at_least: usize, outcome: impl Fn(&Value, &Value) -> Value) {
    let vectors: Value = serde_json::from_str(file).expect("a vector file");
    let cases = vectors["cases"].as_array().expect("a list of cases");
    assert!(cases.len() >= at_least, "the file has lost cases: {} are left", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let (got, expected) = (outcome(&vectors, case), &case["expected"]);
            (got != *expected).then(|| format!("{}: expected {expected}, got {got}", case["name"]))
        })
        .collect();
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

/// A member that has to be there, and a text.
pub fn text<'v>(case: &'v Value, member: &str) -> &'v str {
    case[member].as_str().unwrap_or_else(|| panic!("{} has no text `{member}`", case["name"]))
}

/// No case is skipped because nobody knows what to do with it.
pub fn unknown_kind(case: &Value) -> ! {
    panic!("{} is of the unknown kind {}", case["name"], case["kind"])
}

pub fn refused(reason: &str) -> Value {
    json!({ "outcome": "refuse", "reason": reason })
}

/// How the vectors name the errors of keys, signatures and fingerprints.
pub fn key_reason(error: &KeyError) -> &'static str {
    match error {
        KeyError::Encoding { .. } => "encoding",
        KeyError::Length { .. } => "length",
        KeyError::NotAKey => "not_a_key",
        KeyError::Mismatch => "mismatch",
    }
}
