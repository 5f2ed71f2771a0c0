//! Problem details for HTTP (RFC 9457): every error that leaves a deployment has this form.

use serde::{Deserialize, Serialize};

/// The content type of a problem.
pub const PROBLEM_CONTENT_TYPE: &str = "application/problem+json";

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
}

impl Problem {
    /// A problem of the kind `slug` (lower case and hyphens).
    #[must_use]
    pub fn new(status: u16, slug: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            problem_type: format!("urn:tidings:problem:{slug}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
        }
    }
}
