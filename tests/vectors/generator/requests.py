"""request-v1.json: signed requests (RFC 9421, RFC 9530), most of them with one fault."""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from common import ALICE, ALICE_KEY, BOB, NEW_KEY, NOW_S, OTHER, accept, b64, b64url, certificate, refuse, write
from keys import L

REQUIRED = ["@method", "@path", "@query", "content-digest", "tidings-to"]
BODY = '{"head":"06gc8k3c00000en5meig"}'


def digest(body: str) -> str:
    return f"sha-256=:{b64(hashlib.sha256(body.encode()).digest())}:"


def certificate_header(document: dict) -> str:
    return b64url(json.dumps(document, separators=(",", ":")).encode())


def build(
    method="POST",
    path="/p2p/v1/notifications",
    query="",
    body=BODY,
    to=BOB,
    came=None,
    key=ALICE_KEY,
    keyid=None,
    created=NOW_S,
    covered=None,
    parameters=None,
    more=(),
    label="tidings",
    digest_value=None,
):
    """A request as it is sent: everything in it is signed, whatever it says."""
    headers = [
        ["content-digest", digest(body) if digest_value is None else digest_value],
        ["tidings-to", to.fingerprint],
    ]
    components = list(covered or REQUIRED)
    if came is not None:
        headers.append(["tidings-certificate", certificate_header(came)])
        if covered is None:
            components.append("tidings-certificate")
    headers += [list(pair) for pair in more]
    if parameters is None:
        parameters = f';created={created};keyid="{keyid or ALICE.fingerprint}";alg="ed25519";tag="tidings/v1"'
    request = {"method": method, "path": path, "query": query, "headers": headers, "body": body}
    derived = {"@method": method, "@path": path, "@query": "?" + query, "@authority": "bob.example"}
    base, names = "", []
    for component in components:
        name, _, flag = component.partition(";")
        values = [value.strip() for header, value in headers if header.lower() == name]
        # A header that is not there has no value that could be signed: the line is empty, so that only that is wrong.
        value = derived[name] if name in derived else ", ".join(values)
        names.append(f'"{name}"' + (f";{flag}" if flag else ""))
        base += f"{names[-1]}: {value}\n"
    member = f"({' '.join(names)}){parameters}"
    signature = key.sign(f'{base}"@signature-params": {member}'.encode())
    headers += [["signature-input", f"{label}={member}"], ["signature", f"{label}=:{b64(signature)}:"]]
    return request


def altered(request: dict, **changes) -> dict:
    return {**request, **changes}


def header(request: dict, name: str, change) -> dict:
    """With another value of one header, or without it where there is none."""
    headers = [[n, change(v) if n == name else v] for n, v in request["headers"]]
    return {**request, "headers": [pair for pair in headers if pair[1] is not None]}


def parameters(**changes) -> str:
    values = {
        "created": NOW_S,
        "keyid": f'"{ALICE.fingerprint}"',
        "alg": '"ed25519"',
        "tag": '"tidings/v1"',
        **changes,
    }
    return "".join(f";{name}={value}" for name, value in values.items() if value is not None)


def case(name, request, expected, known=True):
    """`known` is the certificate of the sender that the receiver knows; True for the one of serial 5."""
    known = certificate() if known is True else known
    return {"name": name, "kind": "request", "known": known, "request": request, "expected": expected}


def no(reason, status=401, slug="signature"):
    return refuse(reason, status=status, slug=slug)


def accepted() -> list:
    def yes(name, request, known=True):
        return case(name, request, accept(sender=ALICE.fingerprint), known)

    get = {"method": "GET", "path": "/p2p/v1/changes", "body": ""}
    other = 'proxy=("@method" "@authority");created=1;keyid="x"'
    return [
        yes("post", build()),
        yes("get_without_query", build(**get)),
        yes("get_with_query", build(**get, query="since=abc&held=06gc8k3c00000en5meig")),
        yes("get_with_percent_encoding", build(**get, query="since=a%2Bb%20c")),
        yes("body_of_unicode", build(body='{"name":"\u00e9\u20ac\U0001f600"}')),
        yes("stranger_with_certificate", build(came=certificate()), None),
        yes("known_certificate_once_more", build(came=certificate())),
        yes("certificate_of_greater_serial", build(came=certificate(key=NEW_KEY, serial=6), key=NEW_KEY)),
        yes(
            "certificate_that_revokes_the_known_key",
            build(came=certificate(key=NEW_KEY, serial=6, revoked=[ALICE_KEY.text]), key=NEW_KEY),
        ),
        yes("components_in_another_order", build(covered=REQUIRED[::-1])),
        yes(
            "parameters_in_another_order",
            build(parameters=f';tag="tidings/v1";alg="ed25519";keyid="{ALICE.fingerprint}";created={NOW_S}'),
        ),
        yes("without_alg", build(parameters=parameters(alg=None))),
        yes("with_a_nonce", build(parameters=parameters(nonce='"abc"'))),
        yes("with_another_label", build(label="sig1")),
        yes(
            "with_a_further_header_covered",
            build(covered=[*REQUIRED, "date"], more=[("Date", " Tue, 22 Sep 2026 10:13:20 GMT ")]),
        ),
        yes(
            "with_a_covered_header_in_two_lines", build(covered=[*REQUIRED, "x-a"], more=[("X-A", "1"), ("x-a", "2")])
        ),
        yes(
            "with_further_headers_that_are_not_covered",
            build(more=[("host", "eve.example"), ("x-forwarded-host", "eve.example")]),
        ),
        yes(
            "with_another_signature_beside",
            header(
                header(build(), "signature-input", lambda v: f"{other}, {v}"),
                "signature",
                lambda v: f"proxy=:AAAA:, {v}",
            ),
        ),
        yes(
            "with_sha_512_beside",
            build(digest_value=f"sha-512=:{b64(hashlib.sha512(BODY.encode()).digest())}:, {digest(BODY)}"),
        ),
        yes("created_300_s_ago", build(created=NOW_S - 300)),
        yes("created_in_300_s", build(created=NOW_S + 300)),
        yes("expires_now", build(parameters=parameters(expires=NOW_S))),
        yes("expires_in_a_year", build(parameters=parameters(expires=NOW_S + 31_536_000))),
    ]


def alterations() -> list:
    good, get = build(), build(method="GET", path="/p2p/v1/changes", query="since=abc&held=x", body="")
    as_carol = header(build(to=OTHER), "tidings-to", lambda _: BOB.fingerprint)
    signature = base64.b64decode(good["headers"][-1][1].split(":")[1])
    malleated = signature[:32] + (int.from_bytes(signature[32:], "little") + L).to_bytes(32, "little")

    def with_signature(data):
        return header(good, "signature", lambda _: f"tidings=:{b64(data)}:")

    both = altered(header(good, "content-digest", lambda _: digest("{}")), body="{}")
    return [
        case("method_altered", altered(good, method="PUT"), no("mismatch")),
        case("method_in_lower_case", altered(good, method="post"), no("mismatch")),
        case("path_altered", altered(good, path="/p2p/v1/friendship"), no("mismatch")),
        case("path_with_another_encoding", altered(get, path="/p2p/v1/%63hanges"), no("mismatch")),
        case("path_with_a_slash_more", altered(get, path="/p2p/v1/changes/"), no("mismatch")),
        case("query_altered", altered(get, query="since=abd&held=x"), no("mismatch")),
        case("query_in_another_order", altered(get, query="held=x&since=abc"), no("mismatch")),
        case("query_with_another_encoding", altered(get, query="since=%61bc&held=x"), no("mismatch")),
        case("query_removed", altered(get, query=""), no("mismatch")),
        case("query_added", altered(good, query="a"), no("mismatch")),
        case("body_altered", altered(good, body=BODY.replace("06", "07")), no("digest")),
        case("body_removed", altered(good, body=""), no("digest")),
        case("body_added", altered(get, body="{}"), no("digest")),
        case("body_and_digest_altered", both, no("mismatch")),
        case("receiver_replaced", as_carol, no("mismatch")),
        case(
            "created_altered",
            header(good, "signature-input", lambda v: v.replace(str(NOW_S), str(NOW_S + 1))),
            no("mismatch"),
        ),
        case(
            "parameters_swapped_after_signing",
            header(
                good,
                "signature-input",
                lambda v: v.replace(';alg="ed25519";tag="tidings/v1"', ';tag="tidings/v1";alg="ed25519"'),
            ),
            no("mismatch"),
        ),
        case(
            "parameter_added_after_signing",
            header(good, "signature-input", lambda v: v + ';nonce="x"'),
            no("mismatch"),
        ),
        case(
            "covered_header_altered",
            header(build(covered=[*REQUIRED, "date"], more=[("date", "a")]), "date", lambda _: "b"),
            no("mismatch"),
        ),
        case("signature_malleated", with_signature(malleated), no("mismatch")),
        case("signature_of_zeros", with_signature(bytes(64)), no("mismatch")),
        case("signature_of_63_bytes", with_signature(signature[:63]), no("header")),
        case("signature_of_65_bytes", with_signature(signature + b"\0"), no("header")),
        case(
            "signature_as_a_string",
            header(good, "signature", lambda v: v.replace("=:", '="', 1)[:-1] + '"'),
            no("unsigned"),
        ),
        case(
            "signature_under_another_label",
            header(good, "signature", lambda v: v.replace("tidings=", "other=")),
            no("unsigned"),
        ),
    ]


def missing_and_doubled() -> list:
    good = build()
    reasons = {
        "signature-input": "unsigned",
        "signature": "unsigned",
        "content-digest": "not_covered",
        "tidings-to": "not_covered",
    }
    cases = [
        case(f"without_{name.replace('-', '_')}", header(good, name, lambda _: None), no(reason))
        for name, reason in reasons.items()
    ]
    for name in reasons:
        twice = [pair for pair in good["headers"] if pair[0] == name]
        cases.append(
            case(f"{name.replace('-', '_')}_twice", altered(good, headers=good["headers"] + twice), no("header"))
        )
    for name in REQUIRED:
        without = build(covered=[component for component in REQUIRED if component != name])
        cases.append(case(f"{name.strip('@').replace('-', '_')}_not_covered", without, no("not_covered")))
    second = build(label="second")["headers"][-2:]
    two = header(
        header(good, "signature-input", lambda v: f"{v}, {second[0][1]}"),
        "signature",
        lambda v: f"{v}, {second[1][1]}",
    )
    unsigned = altered(good, headers=[])
    return cases + [
        case("not_signed_at_all", unsigned, no("unsigned")),
        case("two_signatures_with_the_tag", two, no("header")),
        case("certificate_not_covered", build(came=certificate(), covered=REQUIRED), no("not_covered")),
        case("covered_header_missing", build(covered=[*REQUIRED, "date"]), no("not_covered")),
        case("covers_a_component_twice", build(covered=[*REQUIRED, "@path"]), no("header")),
        case("covers_the_authority", build(covered=[*REQUIRED, "@authority"]), no("unsupported")),
        case(
            "covers_a_component_with_a_parameter",
            build(covered=["@method", "@path;req", *REQUIRED[2:]]),
            no("unsupported"),
        ),
        case(
            "covers_a_header_in_upper_case", build(covered=[*REQUIRED, "X-A"], more=[("x-a", "1")]), no("unsupported")
        ),
    ]


def times_and_parameters() -> list:
    def with_parameters(name, reason, **changes):
        return case(name, build(parameters=parameters(**changes)), no(reason))

    return [
        case("created_301_s_ago", build(created=NOW_S - 301), no("age")),
        case("created_in_301_s", build(created=NOW_S + 301), no("age")),
        case("created_in_milliseconds", build(created=NOW_S * 1000), no("age")),
        with_parameters("created_missing", "header", created=None),
        with_parameters("created_negative", "header", created=-NOW_S),
        with_parameters("created_as_a_decimal", "header", created=f"{NOW_S}.0"),
        with_parameters("created_as_a_string", "header", created=f'"{NOW_S}"'),
        with_parameters("expired_a_second_ago", "expired", expires=NOW_S - 1),
        with_parameters("expired_in_1970", "expired", expires=0),
        with_parameters("expires_negative", "header", expires=-1),
        with_parameters("expires_as_a_decimal", "header", expires=f"{NOW_S + 60}.0"),
        with_parameters("expires_as_a_string", "header", expires=f'"{NOW_S + 60}"'),
        with_parameters("keyid_missing", "header", keyid=None),
        with_parameters("keyid_in_upper_case", "header", keyid=f'"{ALICE.fingerprint.upper()}"'),
        with_parameters("keyid_is_the_public_key", "header", keyid=f'"{ALICE.text}"'),
        with_parameters("keyid_is_a_token", "header", keyid=ALICE.fingerprint),
        with_parameters("alg_of_another_algorithm", "header", alg='"rsa-pss-sha512"'),
        with_parameters("alg_is_a_token", "header", alg="ed25519"),
        with_parameters("alg_in_upper_case", "header", alg='"Ed25519"'),
        with_parameters("tag_missing", "unsigned", tag=None),
        with_parameters("tag_of_another_application", "unsigned", tag='"other/v1"'),
        with_parameters("tag_of_another_version", "unsigned", tag='"tidings/v2"'),
        with_parameters("tag_is_a_byte_sequence", "unsigned", tag=":dGlkaW5ncy92MQ==:"),
        case("signature_input_is_no_dictionary", header(build(), "signature-input", lambda v: v + ","), no("header")),
        case(
            "digest_of_another_algorithm",
            build(digest_value=f"sha-512=:{b64(hashlib.sha512(BODY.encode()).digest())}:"),
            no("header"),
        ),
        case("digest_as_a_string", build(digest_value=digest(BODY).replace("=:", '="')[:-1] + '"'), no("header")),
        case(
            "digest_in_hex", build(digest_value=f"sha-256={hashlib.sha256(BODY.encode()).hexdigest()}"), no("header")
        ),
        case("digest_of_another_body", build(digest_value=digest("{}")), no("digest")),
        case(
            "digest_cut_short",
            build(digest_value=f"sha-256=:{b64(hashlib.sha256(BODY.encode()).digest()[:16])}:"),
            no("digest"),
        ),
    ]


def people() -> list:
    def refused(name, request, reason, status, slug, known=True):
        return case(name, request, no(reason, status, slug), known)

    def moved(**changes):
        return certificate(**{"serial": 5, **changes})

    revoking = certificate(key=NEW_KEY, serial=5, revoked=[ALICE_KEY.text])
    own = build(came=certificate(identity=BOB, key=NEW_KEY), key=NEW_KEY, keyid=BOB.fingerprint)
    long = certificate(note="x" * 1_500)
    broken = {**certificate(), "address": "https://eve.example"}
    not_json = build(covered=[*REQUIRED, "tidings-certificate"], more=[("tidings-certificate", "AAAA")])
    padded = build(
        covered=[*REQUIRED, "tidings-certificate"],
        more=[("tidings-certificate", certificate_header(certificate(note="x")) + "=")],
    )
    return [
        refused("for_somebody_else", build(to=OTHER), "misaddressed", 403, "misaddressed"),
        case("receiver_in_upper_case", header(build(), "tidings-to", str.upper), no("header")),
        case("sender_not_known_and_no_certificate", build(), no("unknown_sender"), None),
        case("signed_by_the_identity", build(key=ALICE), no("mismatch")),
        case("signed_by_another_key", build(key=OTHER), no("mismatch")),
        case("signed_by_an_earlier_key", build(), no("mismatch"), certificate(key=NEW_KEY, serial=6)),
        case("stranger_signed_by_another_key", build(came=certificate(), key=OTHER), no("mismatch"), None),
        case(
            "newer_certificate_but_signed_by_the_earlier_key",
            build(came=certificate(key=NEW_KEY, serial=6)),
            no("mismatch"),
        ),
        case("certificate_of_somebody_else", build(came=certificate(identity=OTHER)), no("certificate")),
        case("certificate_altered", build(came=broken), no("certificate"), None),
        case(
            "certificate_signed_by_the_deployment_key",
            build(came=certificate(signer=ALICE_KEY)),
            no("certificate"),
            None,
        ),
        case("certificate_that_is_no_json", not_json, no("certificate")),
        case("certificate_with_padding", padded, no("certificate")),
        case("certificate_too_long", build(came=long), no("header"), None),
        refused("certificate_of_smaller_serial", build(came=moved(serial=4)), "superseded", 403, "superseded"),
        refused(
            "certificate_with_a_revoked_key", build(came=moved(serial=6)), "superseded", 403, "superseded", revoking
        ),
        refused(
            "certificate_of_the_same_serial_with_another_address",
            build(came=moved(address="https://elsewhere.example")),
            "conflicting",
            403,
            "superseded",
        ),
        refused(
            "certificate_of_the_same_serial_with_another_key",
            build(came=moved(key=NEW_KEY), key=NEW_KEY),
            "conflicting",
            403,
            "superseded",
        ),
        refused("from_oneself", own, "oneself", 403, "not-allowed", None),
        refused(
            "from_plain_http",
            build(came=moved(address="http://127.0.0.1:3001")),
            "plain_http",
            403,
            "not-allowed",
            None,
        ),
    ]


def published() -> list:
    key = base64.b64decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")
    signature = base64.b64decode(
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )
    base = (
        '"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@method": POST\n"@path": /foo\n"@authority": example.com\n'
        '"content-type": application/json\n"content-length": 18\n"@signature-params": ("date" "@method" "@path" '
        '"@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"'
    )
    Ed25519PublicKey.from_public_bytes(key).verify(signature, base.encode())

    def example(name, base, expected):
        return {
            "name": name,
            "kind": "signature_base",
            "key": b64url(key),
            "base": base,
            "signature": b64url(signature),
            "expected": expected,
        }

    digests = [
        # RFC 9530 appendix B: the content with a line feed behind it, and the empty one.
        ("rfc_9530_content", '{"hello": "world"}\n', "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="),
        ("rfc_9530_empty_content", "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        # RFC 9421 has this body, without a line feed.
        ("rfc_9421_content", '{"hello": "world"}', "X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="),
    ]
    for _, body, expected in digests:
        assert b64(hashlib.sha256(body.encode()).digest()) == expected
    sha_512 = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
    assert b64(hashlib.sha512(digests[2][1].encode()).digest()) in sha_512
    return [
        example("rfc_9421_b_2_6", base, accept()),
        example("rfc_9421_b_2_6_with_another_date", base.replace("02:07:55", "02:07:56"), refuse("mismatch")),
        *(
            {"name": name, "kind": "content_digest", "body": body, "expected": {"header": f"sha-256=:{value}:"}}
            for name, body, value in digests
        ),
        case(
            "rfc_9530_content_in_a_request",
            build(body=digests[0][1], digest_value=f"sha-256=:{digests[0][2]}:"),
            accept(sender=ALICE.fingerprint),
        ),
        case(
            "rfc_9530_content_without_its_line_feed",
            build(body=digests[2][1], digest_value=f"sha-256=:{digests[0][2]}:"),
            no("digest"),
        ),
        case("rfc_9421_content_with_sha_512_only", build(body=digests[2][1], digest_value=sha_512), no("header")),
    ]


def main():
    head = {
        "now_s": NOW_S,
        "receiver": {"identity": BOB.text, "fingerprint": BOB.fingerprint, "address": "https://bob.example"},
    }
    write(
        "request-v1.json",
        head,
        [
            *accepted(),
            *alterations(),
            *missing_and_doubled(),
            *times_and_parameters(),
            *people(),
            *published(),
        ],
    )
