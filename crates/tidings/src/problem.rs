//! Errors that the host itself answers with, as problem details (RFC 9457).

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

/// Why the host answers in the component's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// No route matches the path.
    NoRoute,
    /// The request is not proper HTTP, for example for want of a readable `Host`.
    BadRequest,
    /// The request's body is longer than [`crate::limits::REQUEST_BODY_BYTES`].
    BodyTooLarge,
    /// The component failed before it answered.
    ComponentFailed,
    /// All instances are in use, and none became free in time.
    Busy,
    /// The component did not answer in time.
    Timeout,
}

impl Problem {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ComponentFailed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::NoRoute => "This app has nothing at this path.",
            Self::BadRequest => "The request is malformed.",
            Self::BodyTooLarge => "The request's body is larger than 10 MiB.",
            Self::ComponentFailed => "The app failed while answering. Its log says more.",
            Self::Busy => "Too many requests are being answered. Try again in a moment.",
            Self::Timeout => "The app took too long to answer.",
        }
    }

    /// The answer.
    pub fn response(self) -> Response<HyperOutgoingBody> {
        let status = self.status();
        let body = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "detail": self.detail(),
        });
        let body = Bytes::from(body.to_string());
        let length = HeaderValue::from(body.len());
        let mut response = Response::new(Full::new(body).map_err(|never| match never {}).boxed_unsync());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CONTENT_LENGTH, length);
        if self == Self::Busy {
            headers.insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
