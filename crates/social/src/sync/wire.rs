//! Requests to other deployments as they go over the wire, and what came back, taken apart.
//!
//! Whoever sends has only to carry: whatever is decided about form is here, so that a simulation sends the same bytes.

use super::{PeerAnswer, PeerRequest, Task};
use crate::account::Account;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidings_protocol::request_signature::{RequestParts, sign_request};
use tidings_protocol::{Problem, paths};

/// Characters of a foreign error text that are kept.
const REASON_CHARS: usize = 200;

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The method in upper case.
    pub method: &'static str,
    /// The path, which begins with `/`.
    pub path: &'static str,
    /// The query without `?`; empty if there is none.
    pub query: String,
    /// Names in lower case and values, the signature among them.
    pub headers: Vec<(String, String)>,
    /// The body; empty if there is none.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Outgoing {
    /// Asks who is served somewhere. Not signed: it is public.
    #[must_use]
    pub fn discovery() -> Self {
        Self::get(paths::DISCOVERY, String::new())
    }

    fn get(path: &'static str, query: String) -> Self {
        let headers = vec![("accept".to_owned(), "application/json".to_owned())];
        Self { method: "GET", path, query, headers, body: Vec::new() }
    }

    fn post(path: &'static str, body: &impl Serialize) -> Self {
        // Our wire types are structs with text keys, which always have a JSON form.
        let body = serde_json::to_vec(body).unwrap_or_default();
        let mut headers = Self::get(path, String::new()).headers;
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        headers.push(("content-length".to_owned(), body.len().to_string()));
        Self { method: "POST", path, query: String::new(), headers, body }
    }

    fn signed(mut self, account: &Account, request: &PeerRequest, now_ms: u64) -> Self {
        let Self { method, path, query, body, .. } = &self;
        let parts = RequestParts { method, path, query, headers: &[], body };
        let certificate = request.with_certificate.then(|| account.certificate());
        let (from, key) = (account.fingerprint(), account.deployment_key());
        self.headers.extend(sign_request(parts, &from, &request.to, certificate, key, now_ms / 1_000));
        self
    }
}

impl PeerRequest {
    /// As it goes out at `now_ms`, signed if it has to be.
    #[must_use]
    pub fn outgoing(&self, account: &Account, now_ms: u64) -> Outgoing {
        let outgoing = match &self.task {
            Task::Discover => return Outgoing::discovery(),
            Task::Friendship(message) => Outgoing::post(paths::FRIENDSHIP, message),
            Task::Notify(notification) => Outgoing::post(paths::NOTIFICATIONS, notification),
            Task::Pull { since, held } => {
                let mut query = form_urlencoded::Serializer::new(String::new());
                if let Some(since) = since {
                    query.append_pair("since", since);
                }
                if let Some(held) = held {
                    query.append_pair("held", &held.to_string());
                }
                Outgoing::get(paths::CHANGES, query.finish())
            }
        };
        outgoing.signed(account, self, now_ms)
    }
}

impl Task {
    /// What came back to it; `Err` says why nothing did.
    #[must_use]
    pub fn answered(&self, received: Result<Received, String>) -> PeerAnswer {
        match self {
            Self::Discover => read(received, PeerAnswer::Discovery),
            Self::Friendship(_) => read(received, PeerAnswer::Friendship),
            Self::Notify(_) => read(received, PeerAnswer::Notification),
            Self::Pull { .. } => read(received, PeerAnswer::Changes),
        }
    }
}

fn read<T: DeserializeOwned>(
    received: Result<Received, String>,
    answer: impl FnOnce(T) -> PeerAnswer,
) -> PeerAnswer {
    match received {
        Err(reason) => PeerAnswer::Unreachable { reason },
        Ok(Received { status: status @ 200..=299, body, .. }) => match serde_json::from_slice(&body) {
            Ok(value) => answer(value),
            Err(error) => {
                PeerAnswer::Refused { status, reason: format!("but not in the expected form: {error}") }
            }
        },
        Ok(Received { status, body, .. }) => {
            let told = serde_json::from_slice::<Problem>(&body).map(|problem| problem.detail);
            let reason = told.unwrap_or_else(|_| "without a reason".to_owned());
            PeerAnswer::Refused { status, reason: reason.chars().take(REASON_CHARS).collect() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_protocol::NotificationAnswer;

    fn answered(status: u16, body: &str) -> PeerAnswer {
        read(Ok(Received { status, headers: Vec::new(), body: body.into() }), PeerAnswer::Notification)
    }

    #[test]
    fn tells_answers_from_refusals_and_silence() {
        let empty = NotificationAnswer { held: None, friendship: None };
        assert_eq!(answered(200, "{}"), PeerAnswer::Notification(empty));
        assert!(matches!(answered(200, "7"), PeerAnswer::Refused { status: 200, .. }));
        let problem = r#"{"type":"urn:tidings:problem:x","title":"X","status":403,"detail":"No."}"#;
        assert_eq!(answered(403, problem), PeerAnswer::Refused { status: 403, reason: "No.".into() });
        let reason = "without a reason".to_owned();
        assert_eq!(answered(502, "<html>"), PeerAnswer::Refused { status: 502, reason });
        let silence = read::<NotificationAnswer>(Err("gone".into()), PeerAnswer::Notification);
        assert_eq!(silence, PeerAnswer::Unreachable { reason: "gone".into() });
    }
}
