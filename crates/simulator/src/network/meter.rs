//! What was sent and received, by whom.

use std::borrow::Cow;
use std::collections::BTreeMap;
use tidings_protocol::paths;
use tidings_social::sync::{Outgoing, Received};

const HOUR_MS: u64 = 3_600_000;

/// What one deployment sent and received.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic {
    /// When each of its requests to others went out, in unix milliseconds, ascending.
    pub sent_at_ms: Vec<u64>,
    /// Requests to others, by what they ask for.
    pub sent: BTreeMap<&'static str, u64>,
    /// Requests of others, by what they ask for.
    pub arrived: BTreeMap<&'static str, u64>,
    /// Bytes of what it sent: its requests, and its answers.
    pub egress_bytes: u64,
}

impl Traffic {
    /// The most requests to others within any hour.
    pub fn peak_per_hour(&self) -> usize {
        let mut first = 0;
        let mut most = 0;
        for (last, at_ms) in self.sent_at_ms.iter().enumerate() {
            while self.sent_at_ms[first] + HOUR_MS <= *at_ms {
                first += 1;
            }
            most = most.max(last + 1 - first);
        }
        most
    }
}

/// What is asked for: those paths are one that only differ in the post.
fn kind(request: &Outgoing) -> &'static str {
    match request.path {
        Cow::Borrowed(path) => path,
        Cow::Owned(_) => paths::POSTS,
    }
}

/// Counts for everybody.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub of: Vec<Traffic>,
}

impl Meter {
    pub fn add(&mut self) {
        self.of.push(Traffic::default());
    }

    pub fn sent(&mut self, from: usize, now_ms: u64, request: &Outgoing) {
        let traffic = &mut self.of[from];
        traffic.sent_at_ms.push(now_ms);
        *traffic.sent.entry(kind(request)).or_default() += 1;
        traffic.egress_bytes += request_bytes(request);
    }

    pub fn arrived(&mut self, to: usize, request: &Outgoing) {
        *self.of[to].arrived.entry(kind(request)).or_default() += 1;
    }

    pub fn answered(&mut self, by: usize, received: &Received) {
        self.of[by].egress_bytes += answer_bytes(received);
    }
}

/// Bytes of a request over HTTP/1.1, about.
fn request_bytes(request: &Outgoing) -> u64 {
    let line = request.method.len() + request.path.len() + request.query.len() + "  ? HTTP/1.1\r\n\r\n".len();
    (line + header_bytes(&request.headers) + request.body.len()) as u64
}

/// Bytes of an answer over HTTP/1.1, about.
fn answer_bytes(received: &Received) -> u64 {
    ("HTTP/1.1 200 OK\r\n\r\n".len() + header_bytes(&received.headers) + received.body.len()) as u64
}

fn header_bytes(headers: &[(String, String)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len() + ": \r\n".len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_any_hour() {
        let at = |minutes: &[u64]| Traffic {
            sent_at_ms: minutes.iter().map(|minute| minute * 60_000).collect(),
            ..Traffic::default()
        };
        assert_eq!(at(&[]).peak_per_hour(), 0);
        assert_eq!(at(&[0, 59, 60, 119]).peak_per_hour(), 2);
        assert_eq!(at(&[50, 55, 60, 100, 109, 110]).peak_per_hour(), 5);
    }
}
