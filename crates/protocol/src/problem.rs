//! Problem details for HTTP (RFC 9457): every error that leaves a deployment has this form.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The content type of a problem.
pub const PROBLEM_CONTENT_TYPE: &str = "application/problem+json";

/// What stands before the slug in a problem's type.
const TYPE_PREFIX: &str = "urn:tidings:problem:";

/// An error, told to whoever made the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Names the kind of problem: `urn:tidings:problem:` and a slug. Programs decide by it.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// The kind of problem in a few words, the same each time.
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// What happened this time, and what to do about it.
    pub detail: String,
    /// The proof of a problem `superseded`: the certificate that the answerer knows, as an extension member (RFC 9457
    /// section 3.2). Only between deployments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub certificate: Option<Value>,
}

impl Problem {
    /// The kind of problem, if it is one of this protocol's.
    #[must_use]
    pub fn slug(&self) -> Option<&str> {
        self.problem_type.strip_prefix(TYPE_PREFIX)
    }

    /// A problem of the kind `slug` (lower case and hyphens).
    #[must_use]
    pub fn new(status: u16, slug: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            problem_type: format!("{TYPE_PREFIX}{slug}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            certificate: None,
        }
    }
}
