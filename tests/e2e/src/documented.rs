//! What docs/openapi.json promises about answers.

use crate::program::root;
use serde_json::Value;
use std::sync::OnceLock;

/// Method and path of every endpoint that the document describes. Ids are well-formed, and nobody's.
#[must_use]
pub fn endpoints() -> Vec<(String, String)> {
    let mut endpoints = Vec::new();
    for (pattern, methods) in paths().as_object().into_iter().flatten() {
        // Valid as the id of a person as well as of a post.
        let path = pattern.replace("{id}", &"a".repeat(26));
        let methods = methods.as_object().into_iter().flatten();
        endpoints.extend(methods.map(|(method, _)| (method.to_uppercase(), path.clone())));
    }
    assert!(!endpoints.is_empty(), "docs/openapi.json describes nothing");
    endpoints
}

/// Fails unless the document lists this status for this endpoint. What is no endpoint, it does not speak of.
///
/// # Panics
/// When it does not.
#[track_caller]
pub(crate) fn check(method: &str, path: &str, status: u16) {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let Some((pattern, methods)) =
        paths().as_object().and_then(|paths| paths.iter().find(|(pattern, _)| matches(pattern, path)))
    else {
        return;
    };
    let Some(responses) = methods.get(method.to_lowercase()).map(|operation| &operation["responses"]) else {
        return;
    };
    let listed = responses.get(status.to_string());
    // Errors are documented together, as problems.
    let listed = listed.or_else(|| responses.get("default").filter(|_| status >= 400));
    assert!(listed.is_some(), "docs/openapi.json does not list {status} for {method} {pattern}");
}

fn paths() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| {
        let text =
            std::fs::read_to_string(root().join("docs/openapi.json")).expect("docs/openapi.json is there");
        serde_json::from_str(&text).expect("docs/openapi.json is JSON")
    });
    &document["paths"]
}

fn matches(pattern: &str, path: &str) -> bool {
    let (wanted, found): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    wanted.len() == found.len() && wanted.iter().zip(found).all(|(w, f)| w.starts_with('{') || *w == f)
}
