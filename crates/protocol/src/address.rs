//! Addresses of deployments: web origins.

use crate::encoding::text_form;
use crate::limits::ADDRESS_BYTES;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;
use url::{Host, Url};

/// Why something is not the address of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// Longer than [`ADDRESS_BYTES`].
    #[error("has {got} bytes, at most {most} are allowed")]
    TooLong {
        /// Bytes found.
        got: usize,
        /// Bytes allowed.
        most: usize,
    },
    /// Not a URL.
    #[error("is not a web address such as https://bob.example")]
    NotAUrl,
    /// Port 0, which nobody can be reached at.
    #[error("has the port 0, where nothing can be")]
    PortZero,
    /// A path, query, fragment, user or password beside the origin.
    #[error("has more than a host and a port; give it as https://{host}")]
    MoreThanAnOrigin {
        /// The host that was found.
        host: String,
    },
    /// A scheme other than https, or http to something that is not loopback.
    #[error("uses {scheme}, but only https is accepted (and http on loopback, for trying things out)")]
    Scheme {
        /// The scheme that was found.
        scheme: String,
    },
}

/// The address of a deployment: an origin (RFC 6454) of scheme `https`, or of `http` to a literal loopback address,
/// for development. Always in one spelling: lower case, no default port, no trailing slash or dot, `127.0.0.1` for
/// `localhost`. Port 0 is none.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    origin: String,
    loopback: bool,
}

impl Address {
    /// Takes what a person types: with or without scheme and trailing slash.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn from_typed(typed: &str) -> Result<Self, AddressError> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(AddressError::Empty);
        }
        if typed.contains("://") {
            return Self::from_url(typed);
        }
        let secure = Self::from_url(&format!("https://{typed}"))?;
        if secure.loopback { Self::from_url(&format!("http://{typed}")) } else { Ok(secure) }
    }

    /// Takes the address of a page as well, as people copy it from a browser: path, query and fragment say which page
    /// of the deployment, which does not matter here.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn from_page(typed: &str) -> Result<Self, AddressError> {
        let typed = typed.trim();
        let rest = typed.find("://").map_or(0, |at| at + "://".len());
        let end = typed[rest..].find(['/', '?', '#']).map_or(typed.len(), |at| rest + at);
        Self::from_typed(&typed[..end])
    }

    fn from_url(text: &str) -> Result<Self, AddressError> {
        if text.len() > ADDRESS_BYTES {
            return Err(AddressError::TooLong { got: text.len(), most: ADDRESS_BYTES });
        }
        let mut url = Url::parse(text).map_err(|_| AddressError::NotAUrl)?;
        Self::one_spelling_of_host(&mut url)?;
        if url.port() == Some(0) {
            return Err(AddressError::PortZero);
        }
        let loopback = match url.host() {
            None => return Err(AddressError::NotAUrl),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(_)) => false,
        };
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            scheme => return Err(AddressError::Scheme { scheme: scheme.to_owned() }),
        }
        let bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !bare {
            return Err(AddressError::MoreThanAnOrigin {
                host: url.host_str().unwrap_or_default().to_owned(),
            });
        }
        Ok(Self { origin: url.origin().ascii_serialization(), loopback })
    }

    /// `bob.example.`, with the dot of the root of the DNS, is `bob.example`, and `localhost` is `127.0.0.1`. Otherwise one
    /// deployment would have two origins, and web servers and certificates know only one of them.
    fn one_spelling_of_host(url: &mut Url) -> Result<(), AddressError> {
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        let relative = name.strip_suffix('.').unwrap_or(name);
        if relative.is_empty() || relative.ends_with('.') {
            return Err(AddressError::NotAUrl);
        }
        let spelled = if relative == "localhost" { "127.0.0.1" } else { relative };
        if spelled != name {
            let spelled = spelled.to_owned();
            url.set_host(Some(&spelled)).map_err(|_| AddressError::NotAUrl)?;
        }
        Ok(())
    }

    /// The origin, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.origin
    }

    /// Whether it is plain http, which reaches loopback only.
    #[must_use]
    pub fn is_plain_loopback(&self) -> bool {
        self.loopback && self.origin.starts_with("http://")
    }

    /// The full URL of a path (which begins with `/`) at this address.
    #[must_use]
    pub fn join(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.origin)
    }

    /// Whether somebody at `self` may talk to `other`: plain http is for deployments that are both on loopback.
    #[must_use]
    pub fn may_reach(&self, other: &Self) -> bool {
        !other.is_plain_loopback() || self.is_plain_loopback()
    }
}

impl FromStr for Address {
    type Err = AddressError;
    /// The form on the wire, which must be the one spelling.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let address = Self::from_url(text)?;
        if address.origin == text { Ok(address) } else { Err(AddressError::NotAUrl) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

text_form!(Address);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_every_form_people_type() {
        for (typed, origin) in [
            ("bob.example", "https://bob.example"),
            (" https://Bob.Example/ ", "https://bob.example"),
            ("bob.example:8443", "https://bob.example:8443"),
            ("https://bob.example:443", "https://bob.example"),
            ("bücher.example", "https://xn--bcher-kva.example"),
            ("127.0.0.1:3001", "http://127.0.0.1:3001"),
            ("localhost:3001", "http://127.0.0.1:3001"),
            ("http://localhost:3001/", "http://127.0.0.1:3001"),
            ("http://[::1]:3001", "http://[::1]:3001"),
            ("https://10.0.0.7", "https://10.0.0.7"),
            ("Bob.Example.", "https://bob.example"),
            ("https://bob.example.:8443/", "https://bob.example:8443"),
            ("localhost.:3001", "http://127.0.0.1:3001"),
        ] {
            assert_eq!(Address::from_typed(typed).map(|a| a.origin), Ok(origin.to_owned()), "{typed}");
        }
    }

    #[test]
    fn the_address_of_a_page_is_that_of_its_deployment() {
        for typed in [
            "bob.example/",
            "https://bob.example/friends",
            " https://BOB.example/?a=b#c ",
            "bob.example/whatever/else",
            "https://bob.example:443/#top",
            "bob.example",
        ] {
            let origin = Address::from_page(typed).map(|a| a.origin);
            assert_eq!(origin, Ok("https://bob.example".to_owned()), "{typed}");
        }
        let port = Address::from_page("bob.example:8443/whatever").map(|a| a.origin);
        assert_eq!(port, Ok("https://bob.example:8443".to_owned()));
        for typed in
            ["", "/", "https://", "https://user@bob.example/", "ftp://bob.example/x", "mailto:bob@example"]
        {
            assert!(Address::from_page(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn refuses_what_is_no_origin() {
        for typed in [
            "",
            " ",
            "http://bob.example",
            "ftp://bob.example",
            "https://bob.example/path",
            "https://bob.example/?q",
            "https://user@bob.example",
            "https://",
            "not an address",
            "http://10.0.0.7",
            "javascript:alert(1)",
            "bob.example..",
            ".",
            "bob.example:0",
            "127.0.0.1:0",
            "http://localhost.:0",
        ] {
            assert!(Address::from_typed(typed).is_err(), "{typed}");
        }
        assert!(Address::from_typed(&"a".repeat(ADDRESS_BYTES)).is_err());
    }

    #[test]
    fn has_one_spelling_on_the_wire() {
        assert!("https://bob.example".parse::<Address>().is_ok());
        for text in [
            "https://bob.example/",
            "https://BOB.example",
            "http://localhost:1",
            "bob.example",
            "https://bob.example.",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn plain_http_reaches_from_loopback_to_loopback_only() {
        let public: Address = "https://bob.example".parse().unwrap();
        let local: Address = "http://127.0.0.1:3000".parse().unwrap();
        assert!(local.may_reach(&public) && local.may_reach(&local) && public.may_reach(&public));
        assert!(!public.may_reach(&local));
    }
}
