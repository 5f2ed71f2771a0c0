//! The request headers that Spin sets for a component.
//!
//! A client can send headers of these names too. They are dropped first, so that a component can believe them.

use crate::routes::RouteMatch;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use std::net::SocketAddr;

const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

/// What headers for named parts of a route begin with.
const PATH_MATCH_PREFIX: &str = "spin-path-match-";

const NAMES: [HeaderName; 7] =
    [FULL_URL, PATH_INFO, MATCHED_ROUTE, COMPONENT_ROUTE, RAW_COMPONENT_ROUTE, BASE_PATH, CLIENT_ADDR];

/// The request's host, path or some part of it cannot be told to a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl From<header::InvalidHeaderValue> for Malformed {
    fn from(_: header::InvalidHeaderValue) -> Self {
        Self
    }
}

/// Drops what the client sent under the host's own names and sets what is true. A missing `Host` becomes
/// `localhost`, as in Spin.
///
/// # Errors
/// When there are several hosts or the one is malformed (RFC 9112, section 3.2), or when the path cannot be a
/// header's value.
pub fn set(
    headers: &mut HeaderMap,
    uri: &Uri,
    route: &RouteMatch,
    client: SocketAddr,
) -> Result<(), Malformed> {
    strip(headers);
    if headers.get_all(header::HOST).iter().count() > 1 {
        return Err(Malformed);
    }
    let host = headers.entry(header::HOST).or_insert(HeaderValue::from_static("localhost"));
    if Authority::try_from(host.as_bytes()).is_err() {
        return Err(Malformed);
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut full_url = b"http://".to_vec();
    full_url.extend_from_slice(host.as_bytes());
    full_url.extend_from_slice(path.as_bytes());
    headers.insert(FULL_URL, HeaderValue::from_bytes(&full_url)?);
    headers.insert(PATH_INFO, HeaderValue::from_str(&route.path_info)?);
    headers.insert(MATCHED_ROUTE, HeaderValue::from_str(&route.matched_route)?);
    headers.insert(COMPONENT_ROUTE, HeaderValue::from_str(&route.component_route)?);
    headers.insert(RAW_COMPONENT_ROUTE, HeaderValue::from_str(&route.raw_route)?);
    headers.insert(BASE_PATH, HeaderValue::from_static("/"));
    headers.insert(CLIENT_ADDR, HeaderValue::from_str(&client.to_string())?);
    for (name, value) in &route.parts {
        let name = format!("{PATH_MATCH_PREFIX}{}", name.replace('_', "-").to_ascii_lowercase());
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            headers.insert(name, HeaderValue::from_str(value)?);
        }
    }
    Ok(())
}

fn strip(headers: &mut HeaderMap) {
    for name in &NAMES {
        headers.remove(name);
    }
    let matches: Vec<_> =
        headers.keys().filter(|name| name.as_str().starts_with(PATH_MATCH_PREFIX)).cloned().collect();
    for name in matches {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::Routes;

    fn set_for(route: &str, uri: &str, sent: &[(&'static str, &str)]) -> HeaderMap {
        let routes = Routes::new([(route, "component")]).unwrap();
        let uri: Uri = uri.parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, value.parse().unwrap());
        }
        let route = routes.find(uri.path()).unwrap();
        set(&mut headers, &uri, &route, "127.0.0.1:5000".parse().unwrap()).unwrap();
        headers
    }

    #[test]
    fn tells_the_component_how_it_was_reached() {
        let headers = set_for("/api/...", "/api/posts?limit=5", &[("host", "alice.example:3000")]);
        for (name, expected) in [
            ("spin-full-url", "http://alice.example:3000/api/posts?limit=5"),
            ("spin-path-info", "/posts"),
            ("spin-matched-route", "/api/..."),
            ("spin-component-route", "/api"),
            ("spin-raw-component-route", "/api/..."),
            ("spin-base-path", "/"),
            ("spin-client-addr", "127.0.0.1:5000"),
            ("host", "alice.example:3000"),
        ] {
            assert_eq!(headers[name], expected, "{name}");
        }
    }

    #[test]
    fn names_the_parts_of_a_route() {
        let headers = set_for("/users/:user_id/...", "/users/42/bar", &[]);
        assert_eq!(headers["spin-path-match-user-id"], "42");
        assert_eq!(headers["spin-path-info"], "/bar");
        assert_eq!(headers["host"], "localhost");
    }

    #[test]
    fn refuses_malformed_hosts() {
        let routes = Routes::new([("/...", "component")]).unwrap();
        for hosts in [&["a b"][..], &[""], &["a", "a"], &["a/b"], &["\u{e9}"]] {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append("host", HeaderValue::from_bytes(host.as_bytes()).unwrap());
            }
            let client = "127.0.0.1:1".parse().unwrap();
            let result = set(&mut headers, &"/x".parse().unwrap(), &routes.find("/x").unwrap(), client);
            assert_eq!(result, Err(Malformed), "{hosts:?}");
        }
    }

    #[test]
    fn drops_what_the_client_pretends() {
        let lies: Vec<_> = NAMES.iter().map(|name| (name.as_str().to_owned(), "lie")).collect();
        let routes = Routes::new([("/...", "component")]).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in &lies {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name.clone(), HeaderValue::from_static(value));
            headers.append(name, HeaderValue::from_static(value));
        }
        headers.append("spin-path-match-user", HeaderValue::from_static("lie"));
        let uri: Uri = "/x".parse().unwrap();
        set(&mut headers, &uri, &routes.find("/x").unwrap(), "127.0.0.1:1".parse().unwrap()).unwrap();
        assert!(headers.values().all(|value| value != "lie"), "{headers:?}");
        assert!(!headers.contains_key("spin-path-match-user"));
    }
}
