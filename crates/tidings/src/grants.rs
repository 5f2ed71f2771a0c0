//! `allowed_outbound_hosts`: the places that the manifest lets a component reach.
//!
//! A grant is `scheme://host:port`. Scheme and port may be `*`; the host may be `*` or begin with `*.`; the port may
//! be a range `from..to` (without `to`) and, for http and https, be left out. What cannot be granted here (networks
//! in CIDR form, `self`) is refused when the app starts.

use anyhow::{Context as _, bail, ensure};
use http::Uri;
use std::ops::Range;

/// What one component may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(Vec<Grant>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    /// `None`: any.
    scheme: Option<String>,
    host: Host,
    ports: Ports,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    /// Every host whose name ends so; begins with a dot.
    Below(String),
    Exactly(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Ports {
    Any,
    Within(Range<u32>),
}

impl Grants {
    /// Parses the entries of `allowed_outbound_hosts`, templates already filled in.
    ///
    /// # Errors
    /// When an entry is malformed or of a kind that is not supported.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> anyhow::Result<Self> {
        let grants = entries.iter().map(|entry| {
            Grant::parse(entry.as_ref().trim())
                .with_context(|| format!("the allowed_outbound_hosts entry {:?}", entry.as_ref()))
        });
        Ok(Self(grants.collect::<Result<_, _>>()?))
    }

    /// Whether a request to this absolute URI is granted.
    pub fn allow(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
        let Some(port) = uri.port_u16().or_else(|| well_known_port(scheme)) else { return false };
        let host = host.to_ascii_lowercase();
        self.0.iter().any(|grant| grant.allows(scheme, &host, port))
    }
}

impl Grant {
    fn parse(entry: &str) -> anyhow::Result<Self> {
        let (scheme, rest) = entry.split_once("://").context(
            "has no scheme; expected scheme://host:port, such as https://*:* or https://example.com",
        )?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        ensure!(
            !rest.contains('/'),
            "has a path or is a network in CIDR form; neither is supported by this host"
        );
        // The colons of an IPv6 address are inside brackets.
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        ensure!(
            scheme == "*" || (!scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphabetic())),
            "has the malformed scheme {scheme:?}"
        );
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_ascii_lowercase()),
            host: Host::parse(host)?,
            ports: Ports::parse(port, scheme)?,
        })
    }

    fn allows(&self, scheme: &str, host: &str, port: u16) -> bool {
        let scheme_allowed = self.scheme.as_ref().is_none_or(|granted| granted == scheme);
        let host_allowed = match &self.host {
            Host::Any => true,
            Host::Below(suffix) => host.ends_with(suffix.as_str()),
            Host::Exactly(name) => name == host,
        };
        let port_allowed = match &self.ports {
            Ports::Any => true,
            Ports::Within(range) => range.contains(&u32::from(port)),
        };
        scheme_allowed && host_allowed && port_allowed
    }
}

impl Host {
    fn parse(host: &str) -> anyhow::Result<Self> {
        let lower = host.to_ascii_lowercase();
        match lower.as_str() {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => bail!("\"self\" is not supported by this host; name the address instead"),
            "" => bail!("has no host"),
            _ => {}
        }
        ensure!(!lower.starts_with('{'), "lists of hosts are not supported; write one entry for each");
        match lower.strip_prefix('*') {
            Some(suffix) if suffix.starts_with('.') && !suffix.contains('*') => {
                Ok(Self::Below(suffix.to_owned()))
            }
            None if !lower.contains('*') => Ok(Self::Exactly(lower)),
            _ => bail!("has a wildcard inside its host; only \"*\" and \"*.example.com\" are allowed"),
        }
    }
}

impl Ports {
    fn parse(port: Option<&str>, scheme: &str) -> anyhow::Result<Self> {
        let number =
            |text: &str| text.parse::<u16>().with_context(|| format!("has the malformed port {text:?}"));
        match port {
            Some("*") => Ok(Self::Any),
            None | Some("") => {
                let port = well_known_port(scheme).context("has no port, and its scheme has no usual one")?;
                Ok(Self::Within(u32::from(port)..u32::from(port) + 1))
            }
            Some(text) => match text.split_once("..") {
                Some((from, to)) => Ok(Self::Within(u32::from(number(from)?)..u32::from(number(to)?))),
                None => Ok(Self::Within(u32::from(number(text)?)..u32::from(number(text)?) + 1)),
            },
        }
    }
}

fn well_known_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(grant: &str, uri: &str) -> bool {
        Grants::parse(&[grant]).unwrap().allow(&uri.parse().unwrap())
    }

    #[test]
    fn grants_match_scheme_host_and_port() {
        for (grant, uri, expected) in [
            ("https://*:*", "https://bob.example/x", true),
            ("https://*:*", "https://bob.example:8443/", true),
            ("https://*:*", "http://bob.example/", false),
            ("http://127.0.0.1:*", "http://127.0.0.1:3001/", true),
            ("http://127.0.0.1:*", "http://127.0.0.2:3001/", false),
            ("http://127.0.0.1:*", "https://127.0.0.1:3001/", false),
            ("https://localhost", "https://localhost/", true),
            ("https://localhost", "https://LOCALHOST:443/", true),
            ("https://localhost", "https://localhost:444/", false),
            ("https://example.com/", "https://example.com/", true),
            ("*://example.com:*", "http://example.com:1/", true),
            ("https://*.example.com", "https://a.example.com/", true),
            ("https://*.example.com", "https://a.b.example.com/", true),
            ("https://*.example.com", "https://example.com/", false),
            ("https://*.example.com", "https://badexample.com/", false),
            ("http://x.example:80..90", "http://x.example:89/", true),
            ("http://x.example:80..90", "http://x.example:90/", false),
            ("http://[::1]:*", "http://[::1]:3000/", true),
            ("http://[::1]", "http://[::1]/", true),
            ("http://[::1]", "http://[::2]/", false),
            ("*://*:*", "http://anything.example/", true),
        ] {
            assert_eq!(allows(grant, uri), expected, "{grant} {uri}");
        }
    }

    #[test]
    fn nothing_is_granted_by_default() {
        assert!(!Grants::default().allow(&"https://example.com/".parse().unwrap()));
    }

    #[test]
    fn user_information_does_not_pass_for_the_host() {
        assert!(!allows("https://good.example", "https://good.example@bad.example/"));
    }

    #[test]
    fn refuses_malformed_and_unsupported_grants() {
        for bad in [
            "",
            "*",
            "example.com",
            "https://",
            "https://a*.example.com",
            "https://*.*.example.com",
            "https://self",
            "http://10.0.0.0/8",
            "https://example.com/path",
            "https://x.example:port",
            "*://x.example",
            "ht tp://x",
            "https://{a,b}",
            "https://x.example:1..z",
        ] {
            let error = Grants::parse(&[bad]).map(|_| ()).unwrap_err();
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
    }
}
