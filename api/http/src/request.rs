//! Requests as the handlers see them: read whole, within a limit.

use crate::reply::Failure;
use futures::StreamExt;
use serde::de::DeserializeOwned;
use spin_sdk::http::IncomingRequest;
use tidings_protocol::request_signature::RequestParts;
use url::form_urlencoded;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method in upper case.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query without `?`; empty if there is none.
    pub query: String,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Host and port that the client asked for, as far as the host of this component tells.
    pub authority: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Reads a request with a body of at most `most_bytes`.
    ///
    /// # Errors
    /// 413 when the body is larger, 400 when it cannot be read.
    pub async fn read(incoming: IncomingRequest, most_bytes: usize) -> Result<Self, Failure> {
        let method = incoming.method().to_string();
        let path_and_query = incoming.path_with_query().unwrap_or_default();
        let (path, query) = path_and_query.split_once('?').unwrap_or((&path_and_query, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        let headers: Vec<(String, String)> = incoming
            .headers()
            .entries()
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), String::from_utf8_lossy(&value).into_owned()))
            .collect();
        let mut request =
            Self { method, path, query, headers, authority: incoming.authority(), body: Vec::new() };
        if let Some(authority) = request.header("spin-full-url").and_then(authority_of) {
            request.authority = Some(authority);
        }
        let mut body = Box::pin(incoming.into_body_stream());
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| {
                Failure::new(
                    400,
                    "body",
                    "The body could not be read",
                    "The connection broke off within the body.",
                )
            })?;
            if request.body.len() + chunk.len() > most_bytes {
                let detail = format!(
                    "The body has more than {most_bytes} bytes, which is the most that is taken here."
                );
                return Err(Failure::new(413, "too-large", "The body is too large", detail));
            }
            request.body.extend(chunk);
        }
        Ok(request)
    }

    /// The value of a header that is there exactly once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.trim());
        values.next().filter(|_| values.next().is_none())
    }

    /// Whether a header is there at all.
    #[must_use]
    pub fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(n, _)| n == name)
    }

    /// The first value of a parameter in the query.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The body as JSON. An empty body counts as an empty object, so that what has defaults needs no body.
    ///
    /// # Errors
    /// 422 that says what is wrong and where.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let body = if self.body.is_empty() { b"{}".as_slice() } else { &self.body };
        serde_json::from_slice(body).map_err(|error| {
            let (status, slug) = if error.is_data() { (422, "invalid") } else { (400, "not-json") };
            let detail = format!("The body is not the JSON that is expected here: {error}.");
            Failure::new(status, slug, "The body is not acceptable", detail)
        })
    }

    /// What a signature covers.
    #[must_use]
    pub fn parts(&self) -> RequestParts<'_> {
        RequestParts {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
        }
    }
}

fn authority_of(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    (!authority.is_empty()).then(|| authority.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)], query: &str, body: &str) -> Request {
        Request {
            method: "POST".into(),
            path: "/api/x".into(),
            query: query.into(),
            headers: headers.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect(),
            authority: None,
            body: body.into(),
        }
    }

    #[test]
    fn a_header_that_is_there_twice_counts_as_none() {
        let request = request(&[("a", "1"), ("b", " 2 "), ("a", "3")], "", "");
        assert_eq!((request.header("a"), request.header("b")), (None, Some("2")));
        assert!(request.has_header("a"));
    }

    #[test]
    fn parameters_are_decoded() {
        let request = request(&[], "before=a%2Bb+c&before=x", "");
        assert_eq!(request.parameter("before").as_deref(), Some("a+b c"));
        assert_eq!(request.parameter("limit"), None);
    }

    #[test]
    fn tells_broken_json_from_json_of_another_shape() {
        let status = |body: &str| request(&[], "", body).json::<Vec<u8>>().err().map(|f| f.problem.status);
        assert_eq!((status("[1"), status("[\"x\"]"), status("[1]")), (Some(400), Some(422), None));
    }

    #[test]
    fn finds_the_authority_of_a_url() {
        assert_eq!(authority_of("http://127.0.0.1:3000/api?x").as_deref(), Some("127.0.0.1:3000"));
        assert_eq!(authority_of("nonsense"), None);
    }
}
