//! Requests to other deployments as they go over the wire, and what came back, taken apart.
//!
//! Whoever sends has only to carry: whatever is decided about form is here, so that a simulation sends the same bytes.

use super::{PeerAnswer, PeerRequest, PullRequest, Task, ThreadRequest};
use crate::account::Account;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use tidings_protocol::request_signature::{RequestParts, sign_request};
use tidings_protocol::{Problem, paths};

/// Characters of a foreign error text that are kept.
const REASON_CHARS: usize = 200;

/// The longest ETag that is kept, in bytes.
const TAG_BYTES: usize = 80;

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The method in upper case.
    pub method: &'static str,
    /// The path, which begins with `/`.
    pub path: Cow<'static, str>,
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

impl Received {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.trim())
    }

    /// The ETag, if it is a strong one of moderate length.
    fn tag(&self) -> Option<String> {
        let tag = self.header("etag")?.strip_prefix('"')?.strip_suffix('"')?;
        (tag.len() <= TAG_BYTES).then(|| tag.to_owned())
    }

    /// `Retry-After` in seconds (RFC 9110 section 10.2.3), as milliseconds. A date there counts as none: it would have to
    /// be compared with a clock that may be wrong.
    fn retry_after_ms(&self) -> Option<u64> {
        let seconds: u64 = self.header("retry-after")?.parse().ok()?;
        Some(seconds.saturating_mul(1_000))
    }
}

impl Outgoing {
    /// Asks who is served somewhere. Not signed: it is public.
    #[must_use]
    pub fn discovery() -> Self {
        Self::get(paths::DISCOVERY, String::new())
    }

    fn get(path: &'static str, query: String) -> Self {
        let headers = vec![("accept".to_owned(), "application/json".to_owned())];
        Self { method: "GET", path: path.into(), query, headers, body: Vec::new() }
    }

    fn thread(thread: &ThreadRequest) -> Self {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(thread.after.iter().map(|after| ("after", after)));
        let mut outgoing = Self::get(paths::POSTS, query.finish());
        outgoing.path = paths::thread_of(thread.post).into();
        outgoing.if_none_match(thread.tag.as_ref())
    }

    fn if_none_match(mut self, tag: Option<&String>) -> Self {
        self.headers.extend(tag.map(|tag| ("if-none-match".to_owned(), format!("\"{tag}\""))));
        self
    }

    fn pull(pull: &PullRequest) -> Self {
        let since = pull.since.clone().map(|since| ("since", since));
        let held = pull.held.map(|held| ("held", held.to_string()));
        let oldest = pull.oldest.map(|oldest| ("oldest", oldest.to_string()));
        let parameters = [since, held, oldest].into_iter().flatten();
        let mut query = form_urlencoded::Serializer::new(String::new());
        let outgoing = Self::get(paths::CHANGES, query.extend_pairs(parameters).finish());
        outgoing.if_none_match(pull.tag.as_ref())
    }

    fn post(path: &'static str, body: &impl Serialize) -> Self {
        // Our wire types are structs with text keys, which always have a JSON form.
        let body = serde_json::to_vec(body).unwrap_or_default();
        let mut headers = Self::get(path, String::new()).headers;
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        headers.push(("content-length".to_owned(), body.len().to_string()));
        Self { method: "POST", path: path.into(), query: String::new(), headers, body }
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
            Task::Pull(pull) => Outgoing::pull(pull),
            Task::Interact(handover) => Outgoing::post(paths::INTERACTIONS, &handover.message),
            Task::Thread(thread) => Outgoing::thread(thread),
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
            Self::Pull(_) => {
                let tag = received.as_ref().ok().and_then(Received::tag);
                read(received, |answer| PeerAnswer::Changes { answer, tag })
            }
            Self::Interact(_) => read(received, PeerAnswer::Interactions),
            Self::Thread(_) => {
                let tag = received.as_ref().ok().and_then(Received::tag);
                read(received, |page| PeerAnswer::Thread { page, tag })
            }
        }
    }
}

fn read<T: DeserializeOwned>(
    received: Result<Received, String>,
    answer: impl FnOnce(T) -> PeerAnswer,
) -> PeerAnswer {
    match received {
        Err(reason) => PeerAnswer::Unreachable { reason },
        Ok(Received { status: 304, .. }) => PeerAnswer::Unchanged,
        Ok(Received { status: status @ 200..=299, body, .. }) => match serde_json::from_slice(&body) {
            Ok(value) => answer(value),
            Err(error) => {
                let reason = format!("but not in the expected form: {error}");
                PeerAnswer::Refused { status, reason, retry_after_ms: None }
            }
        },
        Ok(received) => {
            let problem = serde_json::from_slice::<Problem>(&received.body).ok();
            let told = problem.as_ref().map_or("without a reason", |problem| &problem.detail);
            let reason = told.chars().take(REASON_CHARS).collect();
            let (status, retry_after_ms) = (received.status, received.retry_after_ms());
            let proof = problem.filter(|problem| status == 403 && problem.slug() == Some("superseded"));
            match proof.and_then(|problem| serde_json::from_value(problem.certificate?).ok()) {
                Some(certificate) => PeerAnswer::Superseded { certificate: Box::new(certificate), reason },
                None => PeerAnswer::Refused { status, reason, retry_after_ms },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_protocol::NotificationAnswer;

    fn answered(status: u16, body: &str) -> PeerAnswer {
        let headers = vec![("retry-after".to_owned(), " 7".to_owned())];
        read(Ok(Received { status, headers, body: body.into() }), PeerAnswer::Notification)
    }

    fn refused(status: u16, reason: &str) -> PeerAnswer {
        PeerAnswer::Refused { status, reason: reason.to_owned(), retry_after_ms: Some(7_000) }
    }

    #[test]
    fn only_strong_tags_of_moderate_length_are_kept() {
        let tag = |value: &str| {
            let headers = vec![("etag".to_owned(), value.to_owned())];
            Received { status: 200, headers, body: Vec::new() }.tag()
        };
        assert_eq!(tag("\"a-b\"").as_deref(), Some("a-b"));
        for wrong in ["W/\"a\"", "a", "\"", &format!("\"{}\"", "x".repeat(TAG_BYTES + 1))] {
            assert_eq!(tag(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn tells_answers_from_refusals_and_silence() {
        let empty = NotificationAnswer { held: None, friendship: None, head: None };
        assert_eq!(answered(200, "{}"), PeerAnswer::Notification(empty));
        assert!(matches!(answered(200, "7"), PeerAnswer::Refused { status: 200, .. }));
        let problem = r#"{"type":"urn:tidings:problem:x","title":"X","status":403,"detail":"No."}"#;
        assert_eq!(answered(403, problem), refused(403, "No."));
        assert_eq!(answered(429, "<html>"), refused(429, "without a reason"));
        assert_eq!(answered(304, ""), PeerAnswer::Unchanged);
        let silence = read::<NotificationAnswer>(Err("gone".into()), PeerAnswer::Notification);
        assert_eq!(silence, PeerAnswer::Unreachable { reason: "gone".into() });
    }
}
