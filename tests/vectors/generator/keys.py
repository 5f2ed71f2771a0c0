"""keys-v1.json: keys, signatures, fingerprints, safety codes, recovery words and addresses."""

import base64
import hashlib

from mnemonic import Mnemonic

from common import Key, accept, b64, b64url, base32, fingerprint, refuse, safety_code, write

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P

# RFC 8032 section 7.1: name, secret, public, message, signature.
RFC_8032 = [
    (
        "test_1",
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "test_2",
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "test_3",
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]

# The points of order 1, 2, 4 and 8, in every encoding that a lenient decoder takes.
ORDER_8 = [
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]


def turned(hexed: str) -> str:
    """The same bytes with the sign bit."""
    data = bytearray.fromhex(hexed)
    data[31] |= 0x80
    return data.hex()


def little(number: int) -> str:
    return number.to_bytes(32, "little").hex()


SMALL_ORDER = [
    ("order_1", little(1)),
    ("order_1_with_sign", turned(little(1))),
    ("order_2", little(P - 1)),
    ("order_2_with_sign", turned(little(P - 1))),
    ("order_4", little(0)),
    ("order_4_with_sign", turned(little(0))),
    ("order_8", ORDER_8[0]),
    ("order_8_with_sign", turned(ORDER_8[0])),
    ("order_8_other", ORDER_8[1]),
    ("order_8_other_with_sign", turned(ORDER_8[1])),
    ("order_4_as_p", little(P)),
    ("order_4_as_p_with_sign", turned(little(P))),
    ("order_1_as_p_plus_1", little(P + 1)),
    ("order_1_as_p_plus_1_with_sign", turned(little(P + 1))),
]


def is_on_curve(y: int) -> bool:
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    square = u * pow(v, P - 2, P) % P
    return square == 0 or pow(square, (P - 1) // 2, P) == 1


def public_keys() -> list:
    def case(name, text, expected):
        return {"name": f"public_key_{name}", "kind": "public_key", "text": text, "expected": expected}

    good = Key(7)
    text = good.text
    # 43 characters carry 258 bits: the last two have to be zero.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    loose = text[:-1] + alphabet[alphabet.index(text[-1]) | 1]
    dashed = next(key.text for key in map(Key, range(8, 60)) if "-" in key.text and "_" in key.text)
    off_curve = next(y for y in range(2, 50) if not is_on_curve(y))
    cases = [
        case(f"rfc_8032_{name}", b64url(bytes.fromhex(public)), accept(hex=public))
        for name, _, public, _, _ in RFC_8032
    ]
    cases += [case("of_repeated_bytes", text, accept(hex=good.public.hex()))]
    cases += [case("with_hyphen_and_underscore", dashed, accept(hex=base64.urlsafe_b64decode(dashed + "=").hex()))]
    cases += [case(f"of_{name}", b64url(bytes.fromhex(hexed)), refuse("not_a_key")) for name, hexed in SMALL_ORDER]
    cases += [
        *(
            case(f"spelled_above_p_by_{y}", b64url(bytes.fromhex(little(P + y))), refuse("not_a_key"))
            for y in range(2, 19)
            if is_on_curve(y)
        ),
        case("off_the_curve", b64url(bytes.fromhex(little(off_curve))), refuse("not_a_key")),
        case("of_31_bytes", b64url(good.public[:31]), refuse("length")),
        case("of_33_bytes", b64url(good.public + b"\0"), refuse("length")),
        case("empty", "", refuse("length")),
        case("with_padding", text + "=", refuse("encoding")),
        case("in_the_standard_alphabet", dashed.replace("-", "+").replace("_", "/"), refuse("encoding")),
        case("with_a_loose_bit", loose, refuse("encoding")),
        case("in_hex", good.public.hex() + ".", refuse("encoding")),
        case("with_leading_space", " " + text, refuse("encoding")),
        case("with_a_line_feed", text + "\n", refuse("encoding")),
        case("with_an_impossible_length", text[:-2], refuse("encoding")),
    ]
    return cases


def pairs_and_signatures() -> list:
    cases = []
    for name, secret, public, message, signature in RFC_8032:
        assert Key(bytes.fromhex(secret)).sign(bytes.fromhex(message)).hex() == signature
        cases.append(
            {
                "name": f"signing_rfc_8032_{name}",
                "kind": "signing",
                "secret_hex": secret,
                "message_hex": message,
                "expected": {"public_hex": public, "signature_hex": signature},
            }
        )
    _, secret, public, message, signature = RFC_8032[2]
    good, key = bytes.fromhex(signature), b64url(bytes.fromhex(public))
    s = int.from_bytes(good[32:], "little")

    def case(name, text, expected, key=key, message=message):
        return {
            "name": f"signature_{name}",
            "kind": "signature",
            "key": key,
            "message_hex": message,
            "text": text,
            "expected": expected,
        }

    spelled = b64url(good)
    cases += [
        case(f"rfc_8032_{name}", b64url(bytes.fromhex(signature)), accept(), b64url(bytes.fromhex(public)), message)
        for name, _, public, message, signature in RFC_8032
    ]
    cases += [
        case("of_another_message", spelled, refuse("mismatch"), message="af83"),
        case("of_no_message", spelled, refuse("mismatch"), message=""),
        case("by_another_key", spelled, refuse("mismatch"), key=Key(7).text),
        case("malleated", b64url(good[:32] + (s + L).to_bytes(32, "little")), refuse("mismatch")),
        case("with_r_altered", b64url(bytes([good[0] ^ 1]) + good[1:]), refuse("mismatch")),
        case("with_s_altered", b64url(good[:32] + bytes([good[32] ^ 1]) + good[33:]), refuse("mismatch")),
        case("with_a_high_bit", b64url(good[:63] + bytes([good[63] | 0x80])), refuse("mismatch")),
        case("of_zeros", b64url(bytes(64)), refuse("mismatch")),
        case("with_halves_swapped", b64url(good[32:] + good[:32]), refuse("mismatch")),
        case("of_63_bytes", b64url(good[:63]), refuse("length")),
        case("of_65_bytes", b64url(good + b"\0"), refuse("length")),
        case("with_padding", spelled + "==", refuse("encoding")),
        case("in_the_standard_alphabet", b64(bytes(63) + b"\xff").rstrip("="), refuse("encoding")),
        case(
            "with_a_loose_bit",
            spelled[:-1] + {"A": "B", "Q": "R", "g": "h", "w": "x"}[spelled[-1]],
            refuse("encoding"),
        ),
        case("in_hex", good.hex() + ".", refuse("encoding")),
        small_r(case),
    ]
    return cases


def small_r(case) -> dict:
    """R is the neutral point: it fits the equation (S = h * a), but nobody who signs as they should makes it."""
    secret, message = bytes.fromhex(RFC_8032[2][1]), bytes.fromhex(RFC_8032[2][3])
    clamped = bytearray(hashlib.sha512(secret).digest()[:32])
    clamped[0] &= 248
    clamped[31] = clamped[31] & 127 | 64
    r = bytes.fromhex(little(1))
    public = bytes.fromhex(RFC_8032[2][2])
    h = int.from_bytes(hashlib.sha512(r + public + message).digest(), "little")
    s = h * int.from_bytes(clamped, "little") % L
    return case("with_r_of_small_order", b64url(r + s.to_bytes(32, "little")), refuse("mismatch"))


def fingerprints_and_codes() -> list:
    good = Key(7)
    text = good.fingerprint
    cases = []
    for name, public in [
        ("rfc_8032_test_1", bytes.fromhex(RFC_8032[0][2])),
        ("rfc_8032_test_2", bytes.fromhex(RFC_8032[1][2])),
        ("rfc_8032_test_3", bytes.fromhex(RFC_8032[2][2])),
        ("repeated_bytes", good.public),
    ]:
        cases.append(
            {
                "name": f"names_of_{name}",
                "kind": "identity",
                "identity": b64url(public),
                "expected": {"fingerprint": fingerprint(public), "safety_code": safety_code(public)},
            }
        )

    def case(name, text, expected):
        return {"name": f"fingerprint_{name}", "kind": "fingerprint", "text": text, "expected": expected}

    loose = text[:-1] + "abcdefghijklmnopqrstuvwxyz234567"["abcdefghijklmnopqrstuvwxyz234567".index(text[-1]) | 1]
    return cases + [
        case("of_repeated_bytes", text, accept(hex=hashlib.sha256(good.public).digest()[:16].hex())),
        case("of_zeros", "a" * 26, accept(hex="00" * 16)),
        case("in_upper_case", text.upper(), refuse("encoding")),
        case("with_padding", text + "======", refuse("encoding")),
        case("with_a_loose_bit", loose, refuse("encoding")),
        case("with_a_digit_that_is_none_of_base32", "1" + text[1:], refuse("encoding")),
        case("in_base32hex_digits", "0" + text[1:], refuse("encoding")),
        case("of_15_bytes", base32(bytes(15)), refuse("length")),
        case("of_17_bytes", base32(bytes(17)), refuse("length")),
        case("of_32_bytes", base32(hashlib.sha256(good.public).digest()), refuse("length")),
        case("empty", "", refuse("length")),
        case("with_spaces", text[:13] + " " + text[13:], refuse("encoding")),
    ]


def words() -> list:
    english = Mnemonic("english")
    published = [
        ("zeros", "00" * 32, "abandon " * 23 + "art"),
        (
            "7f",
            "7f" * 32,
            "legal winner thank year wave sausage worth useful " * 2
            + "legal winner thank year wave sausage worth title",
        ),
        (
            "80",
            "80" * 32,
            "letter advice cage absurd amount doctor acoustic avoid " * 2
            + "letter advice cage absurd amount doctor acoustic bless",
        ),
        ("ones", "ff" * 32, "zoo " * 23 + "vote"),
        (
            "random",
            "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c",
            "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple"
            " dilemma loan word shrug inflict delay length",
        ),
    ]

    def case(name, text, expected):
        return {"name": f"words_{name}", "kind": "recovery_words", "words": text, "expected": expected}

    cases = []
    for name, entropy, text in published:
        assert english.to_mnemonic(bytes.fromhex(entropy)) == text
        cases.append(case(f"published_{name}", text, accept(seed_hex=entropy, words=text)))
    text = published[4][2]
    listed = text.split()
    seed = published[4][1]
    assert not english.check("abandon " * 23 + "abandon") and english.check("abandon " * 11 + "about")
    return cases + [
        case("in_upper_case", text.upper(), accept(seed_hex=seed, words=text)),
        case("on_several_lines", " " + text.replace(" ", "\n  ") + "\t", accept(seed_hex=seed, words=text)),
        case("with_a_bad_checksum", "abandon " * 23 + "abandon", refuse("words")),
        case("with_the_last_word_replaced", " ".join(listed[:-1] + ["zoo"]), refuse("words")),
        case("with_two_swapped", " ".join([listed[1], listed[0], *listed[2:]]), refuse("words")),
        case("with_one_misspelt", text.replace("hamster", "hamstre"), refuse("words")),
        case("cut_to_four_letters", " ".join(word[:4] for word in listed), refuse("words")),
        case("with_commas", text.replace(" ", ", "), refuse("words")),
        case("in_spanish", Mnemonic("spanish").to_mnemonic(bytes.fromhex(seed)), refuse("words")),
        case("only_twelve", "abandon " * 11 + "about", refuse("count")),
        case("one_missing", " ".join(listed[:-1]), refuse("count")),
        case("one_too_many", text + " zoo", refuse("count")),
        case("none", "", refuse("count")),
    ]


TYPED = [
    ("bare", "bob.example", "https://bob.example"),
    ("with_scheme", "https://bob.example", "https://bob.example"),
    ("with_slash", "https://bob.example/", "https://bob.example"),
    ("in_upper_case", " HTTPS://Bob.EXAMPLE ", "https://bob.example"),
    ("with_the_default_port", "https://bob.example:443", "https://bob.example"),
    ("with_another_port", "bob.example:8443", "https://bob.example:8443"),
    ("with_port_80", "https://bob.example:80", "https://bob.example:80"),
    ("international", "b\u00fccher.example", "https://xn--bcher-kva.example"),
    ("public_ip", "https://192.0.2.7", "https://192.0.2.7"),
    ("ipv6", "https://[2001:DB8:0:0::1]:8443", "https://[2001:db8::1]:8443"),
    ("loopback", "127.0.0.1:3001", "http://127.0.0.1:3001"),
    ("localhost", "localhost:3001", "http://127.0.0.1:3001"),
    ("localhost_with_scheme", "http://LOCALHOST:3001/", "http://127.0.0.1:3001"),
    ("loopback_over_https", "https://127.0.0.1:3001", "https://127.0.0.1:3001"),
    ("other_loopback", "http://127.9.9.9:80", "http://127.9.9.9"),
    ("with_a_dot_behind", "bob.example.", "https://bob.example"),
    ("with_a_dot_and_a_port", "https://bob.example.:8443", "https://bob.example:8443"),
    ("localhost_with_a_dot_behind", "localhost.:3001", "http://127.0.0.1:3001"),
    ("loopback_with_a_dot_behind", "127.0.0.1.:3001", "http://127.0.0.1:3001"),
    ("loopback_ipv6", "http://[0:0:0:0:0:0:0:1]:3001", "http://[::1]:3001"),
]
NOT_TYPED = [
    ("empty", "", "empty"),
    ("blank", " \n", "empty"),
    ("plain_http", "http://bob.example", "scheme"),
    ("plain_http_to_a_private_ip", "http://192.168.1.2", "scheme"),
    ("ftp", "ftp://bob.example", "scheme"),
    ("plain_http_to_a_name_below_localhost", "http://bob.localhost:3001", "scheme"),
    ("with_a_path", "https://bob.example/friends", "more_than_an_origin"),
    ("with_a_query", "https://bob.example/?q", "more_than_an_origin"),
    ("with_a_fragment", "https://bob.example/#top", "more_than_an_origin"),
    ("with_a_user", "https://bob@bob.example", "more_than_an_origin"),
    ("with_a_password", "https://:secret@bob.example", "more_than_an_origin"),
    ("with_spaces", "bob dot example", "not_a_url"),
    ("without_host", "https://", "not_a_url"),
    ("with_a_port_too_great", "https://bob.example:65536", "not_a_url"),
    ("with_two_dots_behind", "bob.example..", "not_a_url"),
    ("with_a_dot_only", "https://./", "not_a_url"),
    ("with_port_0", "bob.example:0", "port_zero"),
    ("with_port_0_on_loopback", "http://127.0.0.1:00", "port_zero"),
    ("with_a_port_that_is_none", "https://bob.example:port", "not_a_url"),
    ("too_long", ".".join(["a" * 60] * 5), "too_long"),
]
CANONICAL = [
    "https://bob.example",
    "https://bob.example:8443",
    "https://xn--bcher-kva.example",
    "http://127.0.0.1:3001",
    "http://[::1]:3001",
    "https://192.0.2.7",
]
NOT_CANONICAL = [
    ("without_scheme", "bob.example", "not_a_url"),
    ("with_slash", "https://bob.example/", "not_a_url"),
    ("in_upper_case", "https://Bob.example", "not_a_url"),
    ("scheme_in_upper_case", "HTTPS://bob.example", "not_a_url"),
    ("with_the_default_port", "https://bob.example:443", "not_a_url"),
    ("with_zeros_before_the_port", "https://bob.example:08443", "not_a_url"),
    ("with_an_empty_port", "https://bob.example:", "not_a_url"),
    ("with_port_0", "https://bob.example:0", "port_zero"),
    ("with_a_dot_behind", "https://bob.example.", "not_a_url"),
    ("with_a_dot_before_the_port", "https://bob.example.:8443", "not_a_url"),
    ("ip_with_a_dot_behind", "http://127.0.0.1.:3001", "not_a_url"),
    ("international", "https://b\u00fccher.example", "not_a_url"),
    ("localhost", "http://localhost:3001", "not_a_url"),
    ("short_ip", "http://127.1:3001", "not_a_url"),
    ("hexadecimal_ip", "http://0x7f.0.0.1:3001", "not_a_url"),
    ("long_ipv6", "http://[0::1]:3001", "not_a_url"),
    ("with_space", " https://bob.example", "not_a_url"),
    ("with_backslashes", "https:\\\\bob.example", "not_a_url"),
    ("with_a_tab_inside", "https://bob.exa\tmple", "not_a_url"),
    ("empty", "", "not_a_url"),
    ("plain_http", "http://bob.example", "scheme"),
    ("with_a_path", "https://bob.example/a", "more_than_an_origin"),
    ("with_a_user", "https://bob@bob.example", "more_than_an_origin"),
]


def addresses() -> list:
    typed = [(name, text, accept(address=address)) for name, text, address in TYPED]
    typed += [(name, text, refuse(reason)) for name, text, reason in NOT_TYPED]
    wire = [(f"canonical_{at}", text, accept()) for at, text in enumerate(CANONICAL)]
    wire += [(name, text, refuse(reason)) for name, text, reason in NOT_CANONICAL]
    return [
        *({"name": f"typed_{name}", "kind": "address_typed", "text": text, "expected": e} for name, text, e in typed),
        *({"name": f"address_{name}", "kind": "address", "text": text, "expected": e} for name, text, e in wire),
    ]


def main():
    write(
        "keys-v1.json",
        {},
        [
            *public_keys(),
            *pairs_and_signatures(),
            *fingerprints_and_codes(),
            *words(),
            *addresses(),
        ],
    )
