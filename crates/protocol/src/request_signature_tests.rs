use super::*;
use crate::Address;
use proptest::prelude::*;

const NOW_S: u64 = 1_790_000_000;

fn seed(n: u8) -> Seed {
    Seed::from_bytes([n; 32])
}

/// The identity (seed `n`) served by the deployment key (seed `n + 100`).
fn certificate(n: u8) -> Signed<Certificate> {
    let address: Address = "https://alice.example".parse().unwrap();
    Certificate::issue(&seed(n), seed(n + 100).public_key(), address, 1).unwrap()
}

fn fingerprint(n: u8) -> Fingerprint {
    seed(n).public_key().fingerprint()
}

const BODY: &[u8] = b"{\"head\":\"0\"}";

/// Headers of a request by Alice (1) to Bob (2).
fn signed_headers(with_certificate: bool) -> Vec<(String, String)> {
    let parts =
        RequestParts { method: "POST", path: "/p2p/v1/notifications", query: "", headers: &[], body: BODY };
    let certificate = with_certificate.then(|| certificate(1));
    sign_request(parts, &fingerprint(1), &fingerprint(2), certificate.as_ref(), &seed(101), NOW_S)
}

fn received(headers: &[(String, String)]) -> RequestParts<'_> {
    RequestParts { method: "POST", path: "/p2p/v1/notifications", query: "", headers, body: BODY }
}

fn check(parts: RequestParts<'_>, now_s: u64) -> Result<ClaimedRequest, RequestSignatureError> {
    let claimed = ClaimedRequest::parse(parts, &fingerprint(2), now_s)?;
    claimed.verify(&seed(101).public_key())?;
    Ok(claimed)
}

fn replace(
    headers: &[(String, String)],
    name: &str,
    change: impl Fn(&str) -> String,
) -> Vec<(String, String)> {
    headers.iter().map(|(n, v)| (n.clone(), if n == name { change(v) } else { v.clone() })).collect()
}

/// RFC 9421 appendix B.2.6.
#[test]
fn verifies_the_ed25519_example_of_rfc_9421() {
    let base = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\
                \"@method\": POST\n\
                \"@path\": /foo\n\
                \"@authority\": example.com\n\
                \"content-type\": application/json\n\
                \"content-length\": 18\n\
                \"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
                ;created=1618884473;keyid=\"test-key-ed25519\"";
    let key = data_encoding::BASE64.decode(b"JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=").unwrap();
    let signature = data_encoding::BASE64
        .decode(b"wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==")
        .unwrap();
    let key = PublicKey::from_bytes(key.try_into().unwrap()).unwrap();
    assert_eq!(key.verify(base.as_bytes(), &Signature::from_bytes(signature.try_into().unwrap())), Ok(()));
}

#[test]
fn signature_base_is_the_text_that_rfc_9421_wants() {
    let headers = signed_headers(false);
    let claimed = check(received(&headers), NOW_S).unwrap();
    let expected = format!(
        "\"@method\": POST\n\"@path\": /p2p/v1/notifications\n\"@query\": ?\n\
         \"content-digest\": {}\n\"tidings-to\": {}\n\
         \"@signature-params\": (\"@method\" \"@path\" \"@query\" \"content-digest\" \"tidings-to\")\
         ;created={NOW_S};keyid=\"{}\";alg=\"ed25519\";tag=\"tidings/v1\"",
        content_digest(BODY),
        fingerprint(2),
        fingerprint(1)
    );
    assert_eq!(claimed.base, expected);
    assert_eq!(content_digest(b""), "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
}

#[test]
fn accepts_parameters_and_components_in_another_order() {
    let digest = content_digest(BODY);
    let to = fingerprint(2).to_string();
    let parameters = format!(
        "(\"tidings-to\" \"@query\" \"content-digest\" \"date\" \"@path\" \"@method\")\
         ;tag=\"tidings/v1\";keyid=\"{}\";created={NOW_S};nonce=\"x\"",
        fingerprint(1)
    );
    let base = format!(
        "\"tidings-to\": {to}\n\"@query\": ?a=1\n\"content-digest\": {digest}\n\"date\": today\n\"@path\": /x\n\
         \"@method\": GET\n\"@signature-params\": {parameters}"
    );
    let signature = data_encoding::BASE64.encode(seed(101).sign(base.as_bytes()).as_bytes());
    let headers: Vec<(String, String)> = [
        ("Content-Digest", digest),
        ("Tidings-To", to),
        ("Date", " today ".to_owned()),
        ("Signature-Input", format!("other=(\"@method\");created=1, mine={parameters}")),
        ("Signature", format!("other=:AAAA:, mine=:{signature}:")),
    ]
    .map(|(n, v)| (n.to_owned(), v))
    .to_vec();
    let parts = RequestParts { method: "GET", path: "/x", query: "a=1", headers: &headers, body: BODY };
    assert_eq!(check(parts, NOW_S).unwrap().from, fingerprint(1));
}

#[test]
fn carries_a_certificate_to_a_stranger() {
    let headers = signed_headers(true);
    assert_eq!(check(received(&headers), NOW_S).unwrap().certificate, Some(certificate(1)));
}

#[test]
fn refuses_a_certificate_that_is_not_covered_broken_or_somebody_elses() {
    let mut uncovered = signed_headers(false);
    let text = |n| BASE64URL_NOPAD.encode(certificate(n).to_json().as_bytes());
    uncovered.push((CERTIFICATE_HEADER.into(), text(1)));
    assert!(matches!(check(received(&uncovered), NOW_S), Err(RequestSignatureError::NotCovered { .. })));
    for value in ["".to_owned(), "AAAA".to_owned(), text(3), "A".repeat(CERTIFICATE_HEADER_BYTES + 1)] {
        let headers = replace(&signed_headers(true), CERTIFICATE_HEADER, |_| value.clone());
        assert!(check(received(&headers), NOW_S).is_err(), "{value}");
    }
}

#[test]
fn refuses_every_alteration() {
    let headers = signed_headers(false);
    let good = received(&headers);
    assert!(check(good, NOW_S).is_ok());
    let mismatch = Err(RequestSignatureError::Signature(KeyError::Mismatch));
    assert_eq!(check(RequestParts { method: "PUT", ..good }, NOW_S).map(|_| ()), mismatch);
    assert_eq!(check(RequestParts { path: "/p2p/v1/friendship", ..good }, NOW_S).map(|_| ()), mismatch);
    assert_eq!(check(RequestParts { query: "a", ..good }, NOW_S).map(|_| ()), mismatch);
    let body = check(RequestParts { body: b"{}", ..good }, NOW_S).map(|_| ());
    assert_eq!(body, Err(RequestSignatureError::Digest));
    let own_digest = replace(&headers, DIGEST_HEADER, |_| content_digest(b"{}"));
    assert_eq!(check(RequestParts { body: b"{}", ..received(&own_digest) }, NOW_S).map(|_| ()), mismatch);
    let later = replace(&headers, SIGNATURE_INPUT_HEADER, |v| v.replace(&NOW_S.to_string(), "1790000001"));
    assert_eq!(check(received(&later), NOW_S).map(|_| ()), mismatch);
}

#[test]
fn refuses_stale_and_future_requests() {
    let headers = signed_headers(false);
    assert!(check(received(&headers), NOW_S + REQUEST_AGE_SECONDS).is_ok());
    for now_s in [NOW_S + REQUEST_AGE_SECONDS + 1, NOW_S - REQUEST_AGE_SECONDS - 1] {
        assert!(matches!(check(received(&headers), now_s), Err(RequestSignatureError::Age { seconds: 301 })));
    }
}

#[test]
fn refuses_a_request_for_somebody_else() {
    let headers = signed_headers(false);
    let parsed = ClaimedRequest::parse(received(&headers), &fingerprint(3), NOW_S);
    assert_eq!(parsed.map(|_| ()), Err(RequestSignatureError::Misaddressed { got: fingerprint(2) }));
}

#[test]
fn refuses_unsigned_and_doubled_headers() {
    let headers = signed_headers(false);
    for name in [SIGNATURE_INPUT_HEADER, SIGNATURE_HEADER, TO_HEADER, DIGEST_HEADER] {
        let without: Vec<_> = headers.iter().filter(|(n, _)| n != name).cloned().collect();
        assert!(check(received(&without), NOW_S).is_err(), "without {name}");
        let mut twice = headers.clone();
        twice.extend(headers.iter().filter(|(n, _)| n == name).cloned());
        assert!(check(received(&twice), NOW_S).is_err(), "twice {name}");
    }
    assert_eq!(check(received(&[]), NOW_S).map(|_| ()), Err(RequestSignatureError::Unsigned));
}

#[test]
fn refuses_a_signature_that_covers_too_little_or_what_it_must_not() {
    for required in REQUIRED {
        let headers = replace(&signed_headers(false), SIGNATURE_INPUT_HEADER, |v| {
            v.replace(&format!("\"{required}\""), "")
        });
        let got = check(received(&headers), NOW_S).map(|_| ());
        assert_eq!(got, Err(RequestSignatureError::NotCovered { component: required.into() }));
    }
    for bad in ["\"@authority\"", "\"@path\";req", "\"@path\"", "\"X-Upper\"", "7"] {
        let headers = replace(&signed_headers(false), SIGNATURE_INPUT_HEADER, |v| {
            v.replace("\"@path\"", &format!("\"@path\" {bad}"))
        });
        assert!(check(received(&headers), NOW_S).is_err(), "{bad}");
    }
}

#[test]
fn refuses_another_algorithm_and_missing_parameters() {
    for (from, to) in [
        ("alg=\"ed25519\"", "alg=\"rsa-pss-sha512\""),
        (";created=1790000000", ""),
        (";created=1790000000", ";created=-5"),
        ("keyid=", "kid="),
        ("tag=\"tidings/v1\"", "tag=\"other\""),
    ] {
        let headers = replace(&signed_headers(false), SIGNATURE_INPUT_HEADER, |v| v.replace(from, to));
        assert!(check(received(&headers), NOW_S).is_err(), "{from} -> {to}");
    }
}

proptest! {
    #[test]
    fn no_header_value_makes_it_panic(name in 0usize..4, value in "\\PC{0,120}") {
        let name = [SIGNATURE_INPUT_HEADER, SIGNATURE_HEADER, DIGEST_HEADER, TO_HEADER][name];
        let headers = replace(&signed_headers(false), name, |_| value.clone());
        prop_assert!(check(received(&headers), NOW_S).is_err());
    }
}
