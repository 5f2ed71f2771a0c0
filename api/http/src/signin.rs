//! Signing in: who is the owner, and who may become it.
//!
//! [`Owner`] is made only here. A handler that takes one cannot be reached without signing in; one that does not take
//! one is public, visibly.

use crate::config::Config;
use crate::reply::Failure;
use crate::request::Request;
use data_encoding::BASE64;
use std::net::{IpAddr, SocketAddr};
use tidings_protocol::{Address, Fingerprint};
use tidings_social::Account;
use tidings_social::access::{PasswordCheck, USER_NAME, check_first_password};
use tidings_social::guesses::Network;
use tidings_social::limits::SESSION_MS;
use tidings_social::polling::{PollTag, WatchRecord};

/// The signed-in owner of a deployment that is set up.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The account.
    pub account: Account,
    /// Whether the owner came in by a changed `owner_password`.
    pub reset: bool,
}

/// Somebody who knows the first password of a deployment that nobody has set up.
#[derive(Debug, Clone, Copy)]
pub struct Founder {
    _made_here: (),
}

/// Where a request comes from, as far as that can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The address of this deployment as the client sees it.
    pub address: Address,
    /// Whether client and host are both on loopback and nothing stands between.
    pub loopback: bool,
}

impl Origin {
    /// Finds out, and refuses requests from elsewhere while no `owner_password` is set.
    ///
    /// # Errors
    /// 503 with instructions; 400 when the request does not say which host it is for.
    pub fn of(request: &Request, config: &Config) -> Result<Self, Failure> {
        let authority = request.authority.as_deref().unwrap_or_default();
        let loopback = config.public_address.is_none() && is_loopback(request, authority);
        if !loopback && config.owner_password.is_none() {
            return Err(no_password());
        }
        let address = match &config.public_address {
            Some(address) => address.clone(),
            None => Address::from_typed(authority).map_err(|error| {
                Failure::new(
                    400,
                    "host",
                    "The host is not acceptable",
                    format!("The host of the request {error}."),
                )
            })?,
        };
        Ok(Self { address, loopback })
    }
}

fn no_password() -> Failure {
    let detail = "This deployment can be reached from elsewhere, but no owner password is set, so nobody is let in. \
                  Set the variable owner_password: ./deploy.sh does it by itself; with Spin give --variable \
                  owner_password=..., with tidings serve the environment variable SPIN_VARIABLE_OWNER_PASSWORD. Then \
                  sign in as admin with it.";
    Failure::new(503, "no-owner-password", "No owner password is set", detail)
}

/// The network that a password comes from, if the request brings one and is not from this very machine: whoever can run
/// programs here does not need to guess.
#[must_use]
pub fn guessing_network(request: &Request, origin: &Origin) -> Option<Network> {
    let guesses = request.has_header("authorization") && !origin.loopback;
    guesses.then(|| Network::of(client_address(request)))
}

fn client_address(request: &Request) -> Option<IpAddr> {
    let text = request.header("spin-client-addr")?;
    text.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| text.parse()).ok()
}

/// Whether the client is on this machine: its address as the host gives it, the host name it asked for, and no sign of
/// a proxy between. Any doubt counts against it.
fn is_loopback(request: &Request, authority: &str) -> bool {
    let proxied =
        ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"]
            .iter()
            .any(|name| request.has_header(name));
    let asked_loopback = Address::from_typed(authority).is_ok_and(|address| address.is_plain_loopback());
    client_address(request).is_some_and(|ip| ip.to_canonical().is_loopback()) && asked_loopback && !proxied
}

/// The owner, by password or session.
///
/// # Errors
/// 401 when neither is right, 409 when nobody has set up the deployment, 403 when another site made the request.
pub fn require_owner(
    request: &Request,
    config: &Config,
    origin: &Origin,
    account: Option<Account>,
    now_ms: u64,
) -> Result<Owner, Failure> {
    let Some(account) = account else {
        require_founder(request, config, origin)?;
        return Err(Failure::not_set_up());
    };
    if let Some(password) = basic_password(request)? {
        refuse_other_sites(request, origin, Some(&account), false)?;
        return match account.access.check(&password, config.owner_password.as_deref()) {
            PasswordCheck::Right => Ok(Owner { account, reset: false }),
            PasswordCheck::Reset => Ok(Owner { account, reset: true }),
            PasswordCheck::Wrong => Err(unauthorized(request, "The user name or the password is wrong.")),
        };
    }
    let token = session_token(request, &account.fingerprint());
    if !token.is_some_and(|token| account.access.check_session(&token, now_ms)) {
        return Err(unauthorized(request, "Sign in first: with HTTP Basic, or in the browser."));
    }
    refuse_other_sites(request, origin, Some(&account), true)?;
    Ok(Owner { account, reset: false })
}

/// Somebody with the first password, for a deployment that nobody has set up.
///
/// # Errors
/// 401 when the password is wrong, 403 when another site made the request.
pub fn require_founder(request: &Request, config: &Config, origin: &Origin) -> Result<Founder, Failure> {
    let password =
        basic_password(request)?.ok_or_else(|| unauthorized(request, "Sign in first, with HTTP Basic."))?;
    refuse_other_sites(request, origin, None, false)?;
    if check_first_password(&password, config.owner_password.as_deref(), origin.loopback) {
        Ok(Founder { _made_here: () })
    } else {
        Err(unauthorized(request, "The user name or the password is wrong."))
    }
}

/// The password of HTTP Basic (RFC 7617), if that is how the request signs in; a wrong user name gives a password
/// that cannot be right.
fn basic_password(request: &Request) -> Result<Option<String>, Failure> {
    if !request.has_header("authorization") {
        return Ok(None);
    }
    let value = request.header("authorization").unwrap_or_default();
    let (scheme, credentials) = value.split_once(' ').unwrap_or((value, ""));
    let decoded = scheme
        .eq_ignore_ascii_case("basic")
        .then(|| BASE64.decode(credentials.trim().as_bytes()).ok())
        .flatten()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|text| text.split_once(':')) {
        Some((USER_NAME, password)) => Ok(Some(password.to_owned())),
        Some(_) => Err(unauthorized(request, "The user name or the password is wrong.")),
        None => Err(unauthorized(
            request,
            "The header Authorization is not HTTP Basic with user name and password.",
        )),
    }
}

/// Browsers get no challenge that would make them open their own window over the page that asked.
fn unauthorized(request: &Request, detail: &str) -> Failure {
    let from_script =
        request.has_header("sec-fetch-mode") && request.header("sec-fetch-mode") != Some("navigate");
    let challenge =
        if from_script { "Session realm=\"Tidings\"" } else { "Basic realm=\"Tidings\", charset=\"UTF-8\"" };
    Failure::new(401, "signed-out", "You are not signed in", detail).with("www-authenticate", challenge)
}

/// Requests that change something must come from this deployment's own pages, or from no page at all.
fn refuse_other_sites(
    request: &Request,
    origin: &Origin,
    account: Option<&Account>,
    by_cookie: bool,
) -> Result<(), Failure> {
    if matches!(request.method.as_str(), "GET" | "HEAD") {
        return Ok(());
    }
    let acceptable = match request.header("origin") {
        None => !by_cookie && !request.has_header("origin"),
        Some(text) => {
            let asked = request.authority.as_deref().unwrap_or_default();
            let same_host = text.split_once("://").is_some_and(|(_, host)| host.eq_ignore_ascii_case(asked));
            let known = |address: &Address| address.as_str() == text;
            same_host || known(&origin.address) || account.is_some_and(|account| known(account.address()))
        }
    };
    if acceptable {
        return Ok(());
    }
    let detail = "A request that changes something has to come from a page of this deployment: its Origin is another, \
                  or missing beside a session cookie. Programs sign in with HTTP Basic instead.";
    Err(Failure::new(403, "other-origin", "The request comes from another site", detail))
}

/// The name ends in a piece of the fingerprint, since cookies of one host are shared by all its ports.
fn cookie_name(owner: &Fingerprint) -> String {
    format!("__Host-tidings-{}", &owner.to_string()[..8])
}

fn session_token(request: &Request, owner: &Fingerprint) -> Option<String> {
    let name = cookie_name(owner);
    let cookies =
        request.headers.iter().filter(|(n, _)| n == "cookie").flat_map(|(_, value)| value.split(';'));
    cookies
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v.to_owned())
}

/// The session by which `owner` signs in with this request; none when it brings a password, which goes first.
#[must_use]
pub fn session_of(request: &Request, owner: &Fingerprint) -> Option<String> {
    if request.has_header("authorization") { None } else { session_token(request, owner) }
}

/// The tags in If-None-Match, without their quotes.
#[must_use]
pub fn known_tags(request: &Request) -> Vec<PollTag> {
    let header = request.header("if-none-match").unwrap_or_default();
    let tags = header.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
    tags.filter_map(|tag| PollTag::parse(tag.strip_prefix('"')?.strip_suffix('"')?)).collect()
}

/// Whether a tag was given to the very session that asks with it now, as far as the watch behind it tells. Whoever it
/// was given to was signed in then, and the watch ends with the password.
#[must_use]
pub fn is_own_tag(request: &Request, tag: &PollTag, record: &WatchRecord, now_ms: u64) -> bool {
    session_of(request, record.owner()).is_some_and(|session| tag.was_given_to(&session, record, now_ms))
}

/// The `Set-Cookie` of a new session. Browsers take `Secure` cookies from loopback as well.
#[must_use]
pub fn session_cookie(account: &Account, now_ms: u64) -> String {
    let (name, token) = (cookie_name(&account.fingerprint()), account.access.session(now_ms));
    format!("{name}={token}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Strict", SESSION_MS / 1_000)
}

/// The `Set-Cookie` that ends a session in this browser.
#[must_use]
pub fn ended_cookie(account: &Account) -> String {
    format!("{}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict", cookie_name(&account.fingerprint()))
}

#[cfg(test)]
#[path = "signin_tests.rs"]
mod tests;
