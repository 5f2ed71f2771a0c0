//! The built site and the decision what to answer: pure, so that every rule is tested without a host.

use crate::negotiate::{Encoding, accepts_html, choose_encoding, none_match_holds_tag};
use crate::path;
use crate::reply::{Body, Reply};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The page of the app, which also answers for every address inside the app.
const PAGE: &str = "/index.html";

/// What a method may mean here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verb {
    /// GET.
    #[default]
    Get,
    /// HEAD.
    Head,
    /// Everything else, all refused.
    Other,
}

/// What the decision needs from a request. Header lists that came as several lines are joined.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The method.
    pub verb: Verb,
    /// Path and query, as they stand in the request line.
    pub target: String,
    /// `Accept`.
    pub accept: Option<String>,
    /// `Accept-Encoding`.
    pub accept_encoding: Option<String>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
}

/// The index of the built files.
#[derive(Debug, Deserialize)]
pub struct Site {
    /// Every file that may be served, by its path, which begins with a slash.
    files: BTreeMap<String, File>,
}

/// One file of the site.
#[derive(Debug, Deserialize)]
struct File {
    /// The whole content type, charset included.
    r#type: String,
    /// A tag of the content, without quotes. The encodings of a file are told apart by a suffix.
    tag: String,
    /// How long a browser may keep it.
    cache: Cache,
    /// Length of the file as it is, in bytes.
    size: u64,
    /// Length of the brotli variant in bytes, when that variant is worth having.
    br: Option<u64>,
    /// Length of the gzip variant in bytes, when that variant is worth having.
    gzip: Option<u64>,
}

/// How long a browser may keep a file without asking again.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Cache {
    /// For good: the name changes with the content.
    Immutable,
    /// A day: icons and the like, which would otherwise cost a request on each visit.
    Day,
    /// It asks each time, and mostly gets a 304: the page itself, and the service worker.
    Revalidate,
}

impl Cache {
    fn control(self) -> &'static str {
        match self {
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Day => "public, max-age=86400",
            Self::Revalidate => "no-cache",
        }
    }
}

impl Site {
    /// Reads the index that the build wrote.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// Decides what to answer.
    pub fn answer(&self, request: &Request) -> Reply {
        let reply = match request.verb {
            Verb::Other => return method_not_allowed(),
            Verb::Get | Verb::Head => self.get(request),
        };
        if request.verb == Verb::Head { reply.without_body() } else { reply }
    }

    /// What a GET gets.
    fn get(&self, request: &Request) -> Reply {
        let path = match path::decode(&request.target) {
            Ok(path) => path,
            Err(bad) => return Reply::problem(400, "The path cannot be read", bad.explain()),
        };
        if path::is_reserved(&path) {
            return not_found(
                "Nothing of the frontend lives here. Other parts of the app answer below this path.",
            );
        }
        let name = if path == "/" { PAGE } else { &path };
        if let Some(file) = self.files.get(name) {
            return file.answer(name, request);
        }
        if path::looks_like_file(&path) {
            return not_found(
                "The frontend has no such file. A page loaded before an update may still ask for it.",
            );
        }
        // The app keeps its own addresses, so opening one of them directly gets the page.
        match self.files.get(PAGE).filter(|_| accepts_html(request.accept.as_deref())) {
            Some(page) => page.answer(PAGE, request),
            None => not_found("The frontend has no such file, and the request does not accept a page."),
        }
    }
}

impl File {
    /// Serves this file, or tells that the one who asks has it already.
    fn answer(&self, name: &str, request: &Request) -> Reply {
        let available = self.encodings();
        let encoding = choose_encoding(request.accept_encoding.as_deref(), &available);
        let tag = match encoding {
            Encoding::Identity => format!("\"{}\"", self.tag),
            other => format!("\"{}-{}\"", self.tag, other.token()),
        };
        let known = none_match_holds_tag(request.if_none_match.as_deref(), &tag);
        let mut reply = if known {
            Reply::new(304, Body::Empty)
        } else {
            Reply::new(200, Body::File(format!("{name}{}", encoding.suffix())))
                .with("content-type", self.r#type.as_str())
                .with("content-length", self.size_as(encoding).to_string())
        };
        if !known && encoding != Encoding::Identity {
            reply = reply.with("content-encoding", encoding.token());
        }
        if !available.is_empty() {
            reply = reply.with("vary", "accept-encoding");
        }
        reply.with("cache-control", self.cache.control()).with("etag", tag)
    }

    /// The encodings that exist beside the file itself.
    fn encodings(&self) -> Vec<Encoding> {
        let brotli = self.br.map(|_| Encoding::Brotli);
        let gzip = self.gzip.map(|_| Encoding::Gzip);
        brotli.into_iter().chain(gzip).collect()
    }

    /// The length of the body in an encoding, in bytes.
    fn size_as(&self, encoding: Encoding) -> u64 {
        let size = match encoding {
            Encoding::Brotli => self.br,
            Encoding::Gzip => self.gzip,
            Encoding::Identity => None,
        };
        size.unwrap_or(self.size)
    }
}

fn not_found(detail: &str) -> Reply {
    Reply::problem(404, "Not found", detail)
}

fn method_not_allowed() -> Reply {
    Reply::problem(405, "Method not allowed", "The frontend is only read: GET and HEAD.")
        .with("allow", "GET, HEAD")
}

#[cfg(test)]
#[path = "site_tests.rs"]
mod tests;
