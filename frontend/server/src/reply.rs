//! What goes back to the browser, as data: a decision that has not been carried out yet.

use serde_json::json;

/// Headers that stand on every reply, whatever its status.
///
/// The policy lets the page run only what came from this very place: no inline script or style, no frame around it,
/// and no request to anywhere else. `camera` stays open to the page itself, which scans a friend's code with it.
/// There is no `Strict-Transport-Security`: on plain-http loopback it would be ignored, and on a cloud host the name
/// is the host's to decide about.
const SECURITY_HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"),
];

/// The body of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// None: a 304, or the answer to a HEAD.
    Empty,
    /// These bytes.
    Bytes(Vec<u8>),
    /// The content of this file, as the component sees it: an absolute path inside the mounted files.
    File(String),
}

/// A status, headers and a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status code.
    pub status: u16,
    /// Header fields in sending order, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// What follows the headers.
    pub body: Body,
}

impl Reply {
    /// A reply that carries nothing yet but the security headers.
    pub fn new(status: u16, body: Body) -> Self {
        let headers = SECURITY_HEADERS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { status, headers, body }
    }

    /// An error as RFC 9457 problem details. It is never cached: the next build may have the file.
    pub fn problem(status: u16, title: &str, detail: &str) -> Self {
        let bytes = json!({ "type": "about:blank", "title": title, "status": status, "detail": detail })
            .to_string()
            .into_bytes();
        let length = bytes.len().to_string();
        Self::new(status, Body::Bytes(bytes))
            .with("content-type", "application/problem+json")
            .with("cache-control", "no-store")
            .with("content-length", length)
    }

    /// The same reply with one more header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same reply as a HEAD gets it: every header, `Content-Length` included, and no body (RFC 9110, 9.3.2).
    pub fn without_body(mut self) -> Self {
        self.body = Body::Empty;
        self
    }
}

#[cfg(test)]
impl Reply {
    /// The value of a header, for tests.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }
}
