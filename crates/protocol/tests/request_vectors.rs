//! The golden vectors of signed requests in `tests/vectors/request-v1.json`: who a receiver takes them to be from, or why
//! it refuses them.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Here a broken assumption is a failed test.

mod vectors_of;

use serde::Deserialize;
use serde_json::{Value, json};
use tidings_protocol::request_signature::{
    ClaimedRequest, DIGEST_HEADER, RequestParts, RequestSignatureError, sign_request,
};
use tidings_protocol::{Address, Certificate, Fingerprint, PublicKey, Seed, Signature, Signed, Standing};
use vectors_of::{check_every_case, key_reason, refused, text, unknown_kind};

#[test]
fn requests_are_taken_as_the_vectors_say() {
    check_every_case(include_str!("../../../tests/vectors/request-v1.json"), 126, outcome);
}

fn outcome(vectors: &Value, case: &Value) -> Value {
    match text(case, "kind") {
        "request" => match receive(vectors, case) {
            Ok(sender) => json!({ "outcome": "accept", "sender": sender }),
            Err(refusal) => {
                let (status, slug) = refusal.status_and_slug();
                json!({ "outcome": "refuse", "reason": refusal.reason(), "status": status, "slug": slug })
            }
        },
        "signature_base" => {
            let (key, signature): (PublicKey, Signature) =
                (text(case, "key").parse().unwrap(), text(case, "signature").parse().unwrap());
            match key.verify(text(case, "base").as_bytes(), &signature) {
                Ok(()) => json!({ "outcome": "accept" }),
                Err(error) => refused(key_reason(&error)),
            }
        }
        "content_digest" => json!({ "header": content_digest(text(case, "body")) }),
        _ => unknown_kind(case),
    }
}

/// A request as the vectors write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

enum Refusal {
    Signature(RequestSignatureError),
    UnknownSender,
    Oneself,
    Superseded,
    Conflicting,
    PlainHttp,
}

/// The table of refusals in `docs/protocol.md`, "Signed requests", with what the receiver knows of the sender.
fn receive(vectors: &Value, case: &Value) -> Result<Fingerprint, Refusal> {
    let receiver = &vectors["receiver"];
    let own: Fingerprint = text(receiver, "fingerprint").parse().unwrap();
    let address: Address = text(receiver, "address").parse().unwrap();
    let known: Option<Signed<Certificate>> = serde_json::from_value(case["known"].clone()).unwrap();
    let request: Request = serde_json::from_value(case["request"].clone()).unwrap();
    let parts = RequestParts {
        method: &request.method,
        path: &request.path,
        query: &request.query,
        headers: &request.headers,
        body: request.body.as_bytes(),
    };
    let now_s = vectors["now_s"].as_u64().unwrap();
    let claimed = ClaimedRequest::parse(parts, &own, now_s).map_err(Refusal::Signature)?;
    if claimed.from == own {
        return Err(Refusal::Oneself);
    }
    let certificate =
        claimed.certificate.as_ref().or(known.as_ref()).ok_or(Refusal::UnknownSender)?.unverified();
    claimed.verify(&certificate.key).map_err(Refusal::Signature)?;
    match claimed.certificate.as_ref().zip(known.as_ref()).map(|(came, known)| came.standing(known)) {
        None | Some(Standing::Same | Standing::Newer) => {}
        Some(Standing::Superseded) => return Err(Refusal::Superseded),
        Some(Standing::Conflicting) => return Err(Refusal::Conflicting),
    }
    if !address.may_reach(&certificate.address) {
        return Err(Refusal::PlainHttp);
    }
    Ok(claimed.from)
}

impl Refusal {
    fn reason(&self) -> &'static str {
        match self {
            Self::Signature(error) => match error {
                RequestSignatureError::Unsigned => "unsigned",
                RequestSignatureError::Header { .. } => "header",
                RequestSignatureError::NotCovered { .. } => "not_covered",
                RequestSignatureError::Unsupported { .. } => "unsupported",
                RequestSignatureError::Digest => "digest",
                RequestSignatureError::Age { .. } => "age",
                RequestSignatureError::Expired { .. } => "expired",
                RequestSignatureError::Misaddressed { .. } => "misaddressed",
                RequestSignatureError::Certificate(_) => "certificate",
                RequestSignatureError::Signature(error) => key_reason(error),
            },
            Self::UnknownSender => "unknown_sender",
            Self::Oneself => "oneself",
            Self::Superseded => "superseded",
            Self::Conflicting => "conflicting",
            Self::PlainHttp => "plain_http",
        }
    }

    fn status_and_slug(&self) -> (u16, &'static str) {
        match self {
            Self::Signature(RequestSignatureError::Misaddressed { .. }) => (403, "misaddressed"),
            Self::Signature(_) | Self::UnknownSender => (401, "signature"),
            Self::Superseded | Self::Conflicting => (403, "superseded"),
            Self::Oneself | Self::PlainHttp => (403, "not-allowed"),
        }
    }
}

/// The digest header of a request that is signed here.
fn content_digest(body: &str) -> String {
    let seed = Seed::from_bytes([1; 32]);
    let anybody = seed.public_key().fingerprint();
    let parts = RequestParts { method: "POST", path: "/", query: "", headers: &[], body: body.as_bytes() };
    let headers = sign_request(parts, &anybody, &anybody, None, &seed, 0);
    headers.into_iter().find(|(name, _)| name == DIGEST_HEADER).unwrap().1
}
