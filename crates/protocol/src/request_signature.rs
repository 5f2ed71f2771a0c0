//! Signed requests between deployments: HTTP Message Signatures (RFC 9421, Ed25519) over a digest of the body
//! (RFC 9530), in one fixed profile.
//!
//! A request carries `content-digest`, `tidings-to`, `signature-input` and `signature`, and `tidings-certificate`
//! where the receiver may not know the sender's key yet. The signature covers [`REQUIRED`] and, when it is there, the
//! certificate header; its parameters are `created`, `keyid` (the fingerprint of the sender's identity),
//! `alg="ed25519"` and `tag="tidings/v1"`. Host and forwarded headers prove nothing and are not covered: what binds a
//! request to its receiver is `tidings-to`.

use crate::certificate::Certificate;
use crate::encoding::BASE64URL_NOPAD;
use crate::keys::{Fingerprint, KeyError, PublicKey, Seed, Signature};
use crate::limits::{CERTIFICATE_HEADER_BYTES, REQUEST_AGE_SECONDS};
use crate::signed::Signed;
use sfv::{BareItem, Dictionary, InnerList, Item, ListEntry, Parser};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The header that names the receiver: the fingerprint of its identity.
pub const TO_HEADER: &str = "tidings-to";
/// The header that carries the sender's certificate: base64url without padding of its JSON.
pub const CERTIFICATE_HEADER: &str = "tidings-certificate";
/// RFC 9530.
pub const DIGEST_HEADER: &str = "content-digest";
/// RFC 9421 section 4.1.
pub const SIGNATURE_INPUT_HEADER: &str = "signature-input";
/// RFC 9421 section 4.2.
pub const SIGNATURE_HEADER: &str = "signature";

/// The components that every signature covers. Receivers take them in any order.
pub const REQUIRED: [&str; 5] = ["@method", "@path", "@query", DIGEST_HEADER, TO_HEADER];

const TAG: &str = "tidings/v1";
const LABEL: &str = "tidings";

/// Why a signed request is refused. All of these are answered with 401, but [`Self::Misaddressed`] (403).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestSignatureError {
    /// No signature at all, or none for this protocol.
    #[error("the request is not signed (RFC 9421, tag=\"{TAG}\")")]
    Unsigned,
    /// A header that cannot be parsed, or is there more than once.
    #[error("header {header}: {reason}")]
    Header {
        /// Which header.
        header: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The signature leaves out something that it has to cover, or a header that it covers is missing.
    #[error("the signature has to cover {component}, and the request to have it")]
    NotCovered {
        /// The component.
        component: String,
    },
    /// A component that this profile does not use, such as `@authority`.
    #[error("the signature covers {component}, which this profile does not allow")]
    Unsupported {
        /// The component.
        component: String,
    },
    /// The body is not the one that was signed.
    #[error("the body does not match its content-digest")]
    Digest,
    /// Signed too long ago, or in the future.
    #[error("signed {seconds} seconds away from this clock, at most {REQUEST_AGE_SECONDS} are allowed")]
    Age {
        /// The difference.
        seconds: u64,
    },
    /// Its signer let it expire.
    #[error("the signature expired {seconds} seconds ago by this clock")]
    Expired {
        /// Since when.
        seconds: u64,
    },
    /// Meant for somebody else.
    #[error("the request is for {got}, not for the identity served here")]
    Misaddressed {
        /// The value of `tidings-to`.
        got: Fingerprint,
    },
    /// The certificate that came along is broken or belongs to somebody else.
    #[error("the certificate that came along: {0}")]
    Certificate(String),
    /// The signature does not verify.
    #[error("{0}")]
    Signature(#[from] KeyError),
}

/// What is signed of a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestParts<'a> {
    /// The method in upper case.
    pub method: &'a str,
    /// The path as it is sent.
    pub path: &'a str,
    /// The query without `?`; empty if there is none.
    pub query: &'a str,
    /// All headers; names in any case.
    pub headers: &'a [(String, String)],
    /// The body; empty if there is none.
    pub body: &'a [u8],
}

impl RequestParts<'_> {
    /// A header that may be there once.
    fn header(&self, name: &'static str) -> Result<Option<&str>, RequestSignatureError> {
        let mut found = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, v)| v.trim());
        match found.next() {
            Some(_) => Err(RequestSignatureError::Header { header: name, reason: "is there twice".into() }),
            None => Ok(value),
        }
    }

    /// The value of a component for the signature base (RFC 9421 sections 2.1 and 2.2).
    fn component(&self, name: &str) -> Result<String, RequestSignatureError> {
        match name {
            "@method" => Ok(self.method.to_owned()),
            "@path" => Ok(self.path.to_owned()),
            "@query" => Ok(format!("?{}", self.query)),
            _ if name.starts_with('@') || name != name.to_ascii_lowercase() => {
                Err(RequestSignatureError::Unsupported { component: name.to_owned() })
            }
            _ => {
                let values: Vec<&str> = self
                    .headers
                    .iter()
                    .filter(|(n, _)| n.eq_ignore_ascii_case(name))
                    .map(|(_, v)| v.trim())
                    .collect();
                if values.is_empty() {
                    return Err(RequestSignatureError::NotCovered { component: name.to_owned() });
                }
                Ok(values.join(", "))
            }
        }
    }
}

/// Signs a request: returns the headers to add to it.
///
/// `certificate` goes along when the receiver may not have it. `created_s` is in unix seconds.
#[must_use]
pub fn sign_request(
    parts: RequestParts<'_>,
    from: &Fingerprint,
    to: &Fingerprint,
    certificate: Option<&Signed<Certificate>>,
    deployment_key: &Seed,
    created_s: u64,
) -> Vec<(String, String)> {
    let mut headers =
        vec![(DIGEST_HEADER.to_owned(), content_digest(parts.body)), (TO_HEADER.to_owned(), to.to_string())];
    let mut covered = REQUIRED.to_vec();
    if let Some(certificate) = certificate {
        let text = BASE64URL_NOPAD.encode(certificate.to_json().as_bytes());
        headers.push((CERTIFICATE_HEADER.to_owned(), text));
        covered.push(CERTIFICATE_HEADER);
    }
    // Both strings are ours and plain ASCII without quotes, so they are their own structured-field form.
    let list = covered.iter().map(|c| format!("\"{c}\"")).collect::<Vec<_>>().join(" ");
    let parameters = format!("({list});created={created_s};keyid=\"{from}\";alg=\"ed25519\";tag=\"{TAG}\"");
    let signing = RequestParts { headers: &headers, ..parts };
    let mut base = String::new();
    for component in covered {
        // Every covered header was put there a few lines above.
        let value = signing.component(component).unwrap_or_default();
        base.push_str(&format!("\"{component}\": {value}\n"));
    }
    base.push_str(&format!("\"@signature-params\": {parameters}"));
    let signature = deployment_key.sign(base.as_bytes());
    let signature = data_encoding::BASE64.encode(signature.as_bytes());
    headers.push((SIGNATURE_INPUT_HEADER.to_owned(), format!("{LABEL}={parameters}")));
    headers.push((SIGNATURE_HEADER.to_owned(), format!("{LABEL}=:{signature}:")));
    headers
}

/// A request whose form, time, digest and receiver are right, and whose signature waits for the sender's key.
#[derive(Debug, Clone)]
pub struct ClaimedRequest {
    /// Who claims to have sent it.
    pub from: Fingerprint,
    /// The certificate that came along; verified, and of the identity that `from` names.
    pub certificate: Option<Signed<Certificate>>,
    base: String,
    signature: Signature,
}

impl ClaimedRequest {
    /// Checks everything about a request that needs no look-up.
    ///
    /// # Errors
    /// Says which rule it breaks; see [`RequestSignatureError`] for the status to answer with.
    pub fn parse(
        parts: RequestParts<'_>,
        own: &Fingerprint,
        now_s: u64,
    ) -> Result<Self, RequestSignatureError> {
        let (label, input) = signature_input(&parts)?;
        let signature = signature_of(&parts, &label)?;
        let covered = covered_components(&input)?;
        for required in REQUIRED {
            if !covered.iter().any(|c| c == required) {
                return Err(RequestSignatureError::NotCovered { component: required.to_owned() });
            }
        }
        check_digest(&parts)?;
        let (from, created_s) = parameters(&input)?;
        let seconds = created_s.abs_diff(now_s);
        if seconds > REQUEST_AGE_SECONDS {
            return Err(RequestSignatureError::Age { seconds });
        }
        if let Some(expires_s) = time_parameter(&input, "expires")?
            && expires_s < now_s
        {
            return Err(RequestSignatureError::Expired { seconds: now_s - expires_s });
        }
        let to = parse_header::<Fingerprint>(&parts, TO_HEADER)?
            .ok_or_else(|| RequestSignatureError::NotCovered { component: TO_HEADER.to_owned() })?;
        if to != *own {
            return Err(RequestSignatureError::Misaddressed { got: to });
        }
        let certificate = certificate_of(&parts, &covered, &from)?;
        let base = signature_base(&parts, &covered, &input)?;
        Ok(Self { from, certificate, base, signature })
    }

    /// Verifies the signature with the sender's deployment key.
    ///
    /// # Errors
    /// [`RequestSignatureError::Signature`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), RequestSignatureError> {
        Ok(key.verify(self.base.as_bytes(), &self.signature)?)
    }
}

/// `content-digest` (RFC 9530 section 2) with SHA-256.
fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", data_encoding::BASE64.encode(&Sha256::digest(body)))
}

fn check_digest(parts: &RequestParts<'_>) -> Result<(), RequestSignatureError> {
    let dictionary = dictionary(parts, DIGEST_HEADER)?
        .ok_or_else(|| RequestSignatureError::NotCovered { component: DIGEST_HEADER.to_owned() })?;
    match dictionary.get("sha-256") {
        Some(ListEntry::Item(Item { bare_item: BareItem::ByteSequence(digest), .. })) => {
            if digest.as_slice() == Sha256::digest(parts.body).as_slice() {
                Ok(())
            } else {
                Err(RequestSignatureError::Digest)
            }
        }
        _ => Err(header_error(DIGEST_HEADER, "needs a sha-256 byte sequence")),
    }
}

fn header_error(header: &'static str, reason: impl ToString) -> RequestSignatureError {
    RequestSignatureError::Header { header, reason: reason.to_string() }
}

fn dictionary(
    parts: &RequestParts<'_>,
    name: &'static str,
) -> Result<Option<Dictionary>, RequestSignatureError> {
    let Some(text) = parts.header(name)? else { return Ok(None) };
    Parser::new(text).parse::<Dictionary>().map(Some).map_err(|e| header_error(name, e))
}

/// The one signature of this protocol; others (of proxies, say) are none of our business.
fn signature_input(parts: &RequestParts<'_>) -> Result<(String, InnerList), RequestSignatureError> {
    let dictionary = dictionary(parts, SIGNATURE_INPUT_HEADER)?.ok_or(RequestSignatureError::Unsigned)?;
    let mut ours = dictionary.into_iter().filter_map(|(label, entry)| match entry {
        ListEntry::InnerList(list) if string_parameter(&list, "tag") == Some(TAG) => {
            Some((label.to_string(), list))
        }
        _ => None,
    });
    let found = ours.next().ok_or(RequestSignatureError::Unsigned)?;
    match ours.next() {
        Some(_) => Err(header_error(SIGNATURE_INPUT_HEADER, "has more than one signature for this protocol")),
        None => Ok(found),
    }
}

fn signature_of(parts: &RequestParts<'_>, label: &str) -> Result<Signature, RequestSignatureError> {
    let dictionary = dictionary(parts, SIGNATURE_HEADER)?.ok_or(RequestSignatureError::Unsigned)?;
    let Some(ListEntry::Item(Item { bare_item: BareItem::ByteSequence(bytes), .. })) = dictionary.get(label)
    else {
        return Err(RequestSignatureError::Unsigned);
    };
    let bytes: [u8; 64] =
        bytes.as_slice().try_into().map_err(|_| header_error(SIGNATURE_HEADER, "is not 64 bytes"))?;
    Ok(Signature::from_bytes(bytes))
}

fn covered_components(input: &InnerList) -> Result<Vec<String>, RequestSignatureError> {
    let mut covered = Vec::new();
    for item in &input.items {
        let BareItem::String(name) = &item.bare_item else {
            return Err(header_error(SIGNATURE_INPUT_HEADER, "covers something that is no string"));
        };
        let name = name.as_str();
        if !item.params.is_empty() {
            return Err(RequestSignatureError::Unsupported { component: format!("{name} with parameters") });
        }
        if covered.iter().any(|c| c == name) {
            return Err(header_error(SIGNATURE_INPUT_HEADER, "covers a component twice"));
        }
        covered.push(name.to_owned());
    }
    Ok(covered)
}

fn string_parameter<'a>(input: &'a InnerList, name: &str) -> Option<&'a str> {
    match input.params.get(name) {
        Some(BareItem::String(value)) => Some(value.as_str()),
        _ => None,
    }
}

/// The sender and the time (unix seconds) of a signature.
fn parameters(input: &InnerList) -> Result<(Fingerprint, u64), RequestSignatureError> {
    if input.params.get("alg").is_some() && string_parameter(input, "alg") != Some("ed25519") {
        return Err(header_error(SIGNATURE_INPUT_HEADER, "has an alg other than ed25519"));
    }
    let from = string_parameter(input, "keyid")
        .ok_or_else(|| header_error(SIGNATURE_INPUT_HEADER, "has no keyid"))?
        .parse()
        .map_err(|e| header_error(SIGNATURE_INPUT_HEADER, format!("keyid {e}")))?;
    let created = time_parameter(input, "created")?
        .ok_or_else(|| header_error(SIGNATURE_INPUT_HEADER, "has no created"))?;
    Ok((from, created))
}

/// A time in unix seconds, as RFC 9421 section 2.3 has them: integers, and ours are after 1970.
fn time_parameter(input: &InnerList, name: &str) -> Result<Option<u64>, RequestSignatureError> {
    let seconds = match input.params.get(name) {
        None => return Ok(None),
        Some(BareItem::Integer(seconds)) => i64::from(*seconds),
        Some(_) => return Err(header_error(SIGNATURE_INPUT_HEADER, format!("{name} is no integer"))),
    };
    let negative = |_| header_error(SIGNATURE_INPUT_HEADER, format!("{name} is negative"));
    u64::try_from(seconds).map(Some).map_err(negative)
}

fn parse_header<T: std::str::FromStr<Err: std::fmt::Display>>(
    parts: &RequestParts<'_>,
    name: &'static str,
) -> Result<Option<T>, RequestSignatureError> {
    parts.header(name)?.map(|text| text.parse().map_err(|e| header_error(name, e))).transpose()
}

fn certificate_of(
    parts: &RequestParts<'_>,
    covered: &[String],
    from: &Fingerprint,
) -> Result<Option<Signed<Certificate>>, RequestSignatureError> {
    let Some(text) = parts.header(CERTIFICATE_HEADER)? else { return Ok(None) };
    if !covered.iter().any(|c| c == CERTIFICATE_HEADER) {
        return Err(RequestSignatureError::NotCovered { component: CERTIFICATE_HEADER.to_owned() });
    }
    if text.len() > CERTIFICATE_HEADER_BYTES {
        return Err(header_error(
            CERTIFICATE_HEADER,
            format!("is longer than {CERTIFICATE_HEADER_BYTES} bytes"),
        ));
    }
    let broken = |e: &dyn ToString| RequestSignatureError::Certificate(e.to_string());
    let json = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|e| broken(&e))?;
    let certificate: Signed<Certificate> = serde_json::from_slice(&json).map_err(|e| broken(&e))?;
    if certificate.verify_certificate().map_err(|e| broken(&e))?.fingerprint() != *from {
        return Err(RequestSignatureError::Certificate("belongs to somebody else than keyid names".into()));
    }
    Ok(Some(certificate))
}

/// RFC 9421 section 2.5. The parameters are written in the order in which they came.
fn signature_base(
    parts: &RequestParts<'_>,
    covered: &[String],
    input: &InnerList,
) -> Result<String, RequestSignatureError> {
    let mut base = String::new();
    for component in covered {
        base.push_str(&format!("\"{component}\": {}\n", parts.component(component)?));
    }
    let mut serializer = sfv::ListSerializer::new();
    {
        let mut list = serializer.inner_list();
        for item in &input.items {
            let _ = list.bare_item(&item.bare_item);
        }
        let mut end = list.finish();
        for (name, value) in &input.params {
            end = end.parameter(name, value);
        }
    }
    let parameters = serializer.finish().unwrap_or_default();
    base.push_str(&format!("\"@signature-params\": {parameters}"));
    Ok(base)
}

#[cfg(test)]
#[path = "request_signature_tests.rs"]
mod tests;
