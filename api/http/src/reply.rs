//! Replies: JSON, or problem details when something is wrong. Each goes out in one piece with its length.

use serde::Serialize;
use spin_sdk::http::{Fields, OutgoingResponse, ResponseOutparam};
use tidings_protocol::{PROBLEM_CONTENT_TYPE, Problem};

/// A reply that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Headers beside `content-length`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What is to be done once the reply is out.
    pub then: Then,
}

/// What is to be done once a reply is out, beside the upkeep of a store that was committed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// Network work that is due.
    Refresh,
    /// Upkeep although nothing was committed: there was no room.
    MakeRoom,
}

impl Reply {
    /// A JSON body.
    #[must_use]
    pub fn json(status: u16, value: &impl Serialize) -> Self {
        // Our wire types are structs with text keys, which always have a JSON form.
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self { status, headers: vec![("content-type", "application/json".into())], body, then: Then::Nothing }
    }

    /// No body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), then: Then::Nothing }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says that there is network work to do once the reply is out.
    #[must_use]
    pub fn then_refresh(mut self) -> Self {
        self.then = Then::Refresh;
        self
    }

    /// Sends it. What cannot be sent any more (the client went away) is dropped.
    pub async fn send(self, out: ResponseOutparam) {
        let mut headers = vec![
            ("cache-control".to_owned(), b"no-store".to_vec()),
            ("x-content-type-options".to_owned(), b"nosniff".to_vec()),
            // Nothing here is a page: whatever a browser is made to open must not act as one.
            ("content-security-policy".to_owned(), b"default-src 'none'; frame-ancestors 'none'".to_vec()),
        ];
        headers.retain(|(name, _)| !self.headers.iter().any(|(own, _)| own == name));
        headers.extend(self.headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())));
        if !matches!(self.status, 204 | 304) {
            headers.push(("content-length".to_owned(), self.body.len().to_string().into_bytes()));
        }
        let response = OutgoingResponse::new(Fields::from_list(&headers).unwrap_or_else(|_| Fields::new()));
        if response.set_status_code(self.status).is_err() {
            eprintln!("{} is not a status code", self.status);
        }
        if let Err(error) = out.set_with_body(response, self.body).await {
            eprintln!("the reply could not be sent: {error}");
        }
    }
}

/// A problem on its way to the client, and what the log should know beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the client is told.
    pub problem: Problem,
    /// Headers that go with it.
    pub headers: Vec<(&'static str, String)>,
    /// What only the log is told.
    pub log: Option<String>,
    /// What is to be done once the client was told.
    pub then: Then,
}

impl Failure {
    /// A problem of the kind `slug`.
    #[must_use]
    pub fn new(status: u16, slug: &str, title: &str, detail: impl Into<String>) -> Self {
        let problem = Problem::new(status, slug, title, detail);
        Self { problem, headers: Vec::new(), log: None, then: Then::Nothing }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds something for the log.
    #[must_use]
    pub fn logged(mut self, message: impl ToString) -> Self {
        self.log = Some(message.to_string());
        self
    }

    /// Has room made in the store once the client was told.
    #[must_use]
    pub fn then_make_room(mut self) -> Self {
        self.then = Then::MakeRoom;
        self
    }

    /// No such endpoint.
    #[must_use]
    pub fn not_found(path: &str) -> Self {
        let path: String = path.chars().take(200).collect();
        Self::new(
            404,
            "not-found",
            "There is nothing here",
            format!("{path} is no endpoint of this deployment."),
        )
    }

    /// The endpoint is there, but not with this method.
    #[must_use]
    pub fn method_not_allowed(allowed: &[&str]) -> Self {
        let allowed = allowed.join(", ");
        Self::new(405, "method", "That method is not allowed here", format!("Allowed are: {allowed}."))
            .with("allow", allowed)
    }

    /// Too much was sent to other deployments within the last hour.
    #[must_use]
    pub fn budget_spent(wait_ms: u64) -> Self {
        let detail = "Your deployment has sent as much to others as the hosts allow within an hour. Try again a little later.";
        Self::new(503, "held-back", "Too much was sent within the last hour", detail)
            .with("retry-after", wait_ms.div_ceil(1_000).max(1).to_string())
    }

    /// The deployment has no owner yet.
    #[must_use]
    pub fn not_set_up() -> Self {
        let detail = "Nobody has set up this deployment yet. Its owner can do so in a browser, or with POST /api/setup.";
        Self::new(409, "not-set-up", "This deployment is not set up", detail)
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        if let Some(log) = &failure.log {
            eprintln!("{} {}: {log}", failure.problem.status, failure.problem.title);
        }
        let mut reply = Self::json(failure.problem.status, &failure.problem);
        reply.headers = vec![("content-type", PROBLEM_CONTENT_TYPE.to_owned())];
        reply.headers.extend(failure.headers);
        reply.then = failure.then;
        reply
    }
}
