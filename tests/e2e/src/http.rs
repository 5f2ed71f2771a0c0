//! HTTP, in which every answer is a value and an answer that breaks the house rules is a failed test.

use crate::documented;
use data_encoding::BASE64;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::OnceLock;
use std::time::Duration;
use tidings_protocol::{PROBLEM_CONTENT_TYPE, Problem};
use ureq::Agent;
use ureq::http::Request;

/// How long an answer may take: longer than the host lets a handler run.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// A request that can still be changed.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: String,
    /// Scheme, host and port.
    pub origin: String,
    /// Path and query.
    pub path: String,
    /// All headers but those that HTTP itself needs.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
}

impl Call {
    /// A request without body.
    #[must_use]
    pub fn new(method: &str, origin: &str, path: &str) -> Self {
        let (method, origin, path) = (method.to_owned(), origin.to_owned(), path.to_owned());
        Self { method, origin, path, headers: Vec::new(), body: None }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes away a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(n, _)| n != name);
        self
    }

    /// Signs in with HTTP Basic.
    #[must_use]
    pub fn basic(self, user: &str, password: &str) -> Self {
        let credentials = BASE64.encode(format!("{user}:{password}").as_bytes());
        self.header("authorization", &format!("Basic {credentials}"))
    }

    /// Gives it a JSON body.
    #[must_use]
    pub fn json(self, value: &impl Serialize) -> Self {
        self.header("content-type", "application/json").bytes(serde_json::to_vec(value).unwrap())
    }

    /// Gives it a body.
    #[must_use]
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends it.
    ///
    /// # Panics
    /// When there is no answer, or one that breaks a rule of all answers.
    #[track_caller]
    pub fn send(self) -> Answer {
        let what = format!("{} {}{}", self.method, self.origin, self.path);
        self.try_send().unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Sends it, and says why when there is no answer.
    ///
    /// # Errors
    /// When there is none.
    #[track_caller]
    pub fn try_send(self) -> Result<Answer, ureq::Error> {
        let mut request =
            Request::builder().method(self.method.as_str()).uri(format!("{}{}", self.origin, self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut response = match &self.body {
            Some(body) => agent().run(request.body(body.as_slice())?)?,
            None => agent().run(request.body(())?)?,
        };
        let headers = response.headers().iter();
        let headers = headers
            .map(|(n, v)| (n.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
            .collect();
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(16 << 20).read_to_vec()?;
        let answer = Answer { what: format!("{} {}", self.method, self.path), status, headers, body };
        answer.check_length(&self.method);
        documented::check(&self.method, &self.path, status);
        Ok(answer)
    }
}

/// An agent that keeps no connection, since the other end may be killed in between, and knows no proxy.
fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .max_idle_connections(0)
            .proxy(None)
            .timeout_global(Some(ANSWER_TIME))
            .build()
            .into()
    })
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    what: String,
    /// The status code.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The only header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n == name);
        let value = found.next().map(|(_, v)| v.as_str());
        assert!(found.next().is_none(), "{}: more than one {name}", self.what);
        value
    }

    /// The names of all headers but the date's, in the order of the alphabet.
    #[must_use]
    pub fn header_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.headers.iter().map(|(n, _)| n.as_str()).filter(|n| *n != "date").collect();
        names.sort_unstable();
        names
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Itself, if it has this status.
    ///
    /// # Panics
    /// When it has another.
    #[track_caller]
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text());
        self
    }

    /// The body of an answer with this status, as JSON.
    ///
    /// # Panics
    /// When it has another status, or another form.
    #[track_caller]
    #[must_use]
    pub fn json<T: DeserializeOwned>(self, status: u16) -> T {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{}", answer.what);
        serde_json::from_slice(&answer.body)
            .unwrap_or_else(|error| panic!("{}: {error} in {}", answer.what, answer.text()))
    }

    /// The problem (RFC 9457) that an answer with this status is.
    ///
    /// # Panics
    /// When it has another status, or is not a whole problem.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Problem {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text());
        assert_eq!(self.header("content-type"), Some(PROBLEM_CONTENT_TYPE), "{}", self.what);
        let problem: Problem = serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error} in {}", self.what, self.text()));
        assert_eq!(problem.status, status, "{}", self.what);
        for (member, text) in
            [("type", &problem.problem_type), ("title", &problem.title), ("detail", &problem.detail)]
        {
            assert!(!text.is_empty(), "{}: an empty {member}", self.what);
        }
        problem
    }

    /// Every answer says how long it is, so that it can go out in one piece.
    #[track_caller]
    fn check_length(&self, method: &str) {
        let length = self.header("content-length").map(|text| text.parse::<usize>());
        match (method, self.status) {
            ("HEAD", _) => {}
            (_, 204 | 304) => assert!(self.body.is_empty(), "{}", self.what),
            _ => assert_eq!(length, Some(Ok(self.body.len())), "{}: content-length", self.what),
        }
    }
}
