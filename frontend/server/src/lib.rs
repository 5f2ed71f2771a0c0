//! The component that serves the built frontend: thin, stateless, without store, variables or network.
//!
//! Everything that could be known before a request is known before it. `npm run build` ends with
//! `frontend/scripts/finish-build.mjs`, which compresses each file (brotli and gzip, beside the original) and writes
//! [`INDEX_PATH`]: for each path its content type, a tag of its SHA-256, how long it may be cached, and which
//! encodings exist at which size. So a request costs one read of a small JSON file and one of the file itself, and
//! nothing is hashed or compressed while somebody waits. The index is also the allow-list: a path it does not name is
//! never opened, whatever the request spells.
//!
//! [`site`] decides (pure, tested natively), [`serve`] does: it reads the two files and sends the reply in one piece
//! with its `Content-Length`.

// A native linker cannot name the export of a component, so natively there is no entry and only tests call the rest.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

mod negotiate;
mod path;
mod reply;
mod site;

use reply::{Body, Reply};
use site::{Request, Site, Verb};
use spin_sdk::http::{IncomingRequest, Method, Response};
#[cfg(target_family = "wasm")]
use spin_sdk::http_component;

/// Where the build step leaves the index, seen from the root of the files that spin.toml mounts.
const INDEX_PATH: &str = "/files.json";

/// Answers one request. The body of the request is never read: nothing here takes one.
#[cfg_attr(target_family = "wasm", http_component)]
fn serve(incoming: IncomingRequest) -> Response {
    let request = parse(&incoming);
    let reply = match load_site() {
        Ok(site) => site.answer(&request),
        Err(detail) => Reply::problem(503, "The frontend is not built", &detail),
    };
    send(reply)
}

/// Reads the index that the build wrote.
fn load_site() -> Result<Site, String> {
    let json = std::fs::read(INDEX_PATH).map_err(|error| {
        format!("{INDEX_PATH} cannot be read ({error}). Run `npm run build` in frontend/ and deploy again.")
    })?;
    Site::from_json(&json).map_err(|error| format!("{INDEX_PATH} is not what the build writes: {error}."))
}

/// Takes from a request what the decision needs.
fn parse(incoming: &IncomingRequest) -> Request {
    let mut request = Request {
        verb: match incoming.method() {
            Method::Get => Verb::Get,
            Method::Head => Verb::Head,
            _ => Verb::Other,
        },
        target: incoming.path_with_query().unwrap_or_default(),
        ..Request::default()
    };
    for (name, value) in incoming.headers().entries() {
        let field = match name.to_ascii_lowercase().as_str() {
            "accept" => &mut request.accept,
            "accept-encoding" => &mut request.accept_encoding,
            "if-none-match" => &mut request.if_none_match,
            _ => continue,
        };
        // A list may come as several lines: RFC 9110, section 5.3, reads them as one.
        let value = String::from_utf8_lossy(&value);
        match field {
            Some(list) => {
                list.push_str(", ");
                list.push_str(&value);
            }
            None => *field = Some(value.into_owned()),
        }
    }
    request
}

/// Loads the body that was decided on and sends the reply in one piece.
fn send(reply: Reply) -> Response {
    let bytes = match reply.body {
        Body::Empty => Vec::new(),
        Body::Bytes(bytes) => bytes,
        Body::File(file) => match std::fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) => {
                let detail = format!("{file} stands in the index but cannot be read ({error}).");
                return send(Reply::problem(500, "A file of the frontend is missing", &detail));
            }
        },
    };
    let mut builder = Response::builder();
    builder.status(reply.status);
    for (name, value) in reply.headers {
        builder.header(name, value);
    }
    builder.body(bytes).build()
}
