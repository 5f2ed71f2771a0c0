"""record-v1.json: signed documents as JSON text, their canonical form (RFC 8785), and which certificate replaces which."""

import json

from common import (
    ALICE,
    ALICE_KEY,
    BOB,
    NEW_KEY,
    NOW_MS,
    OTHER,
    Key,
    accept,
    b64url,
    base32hex,
    canonical,
    certificate,
    refuse,
    signed,
    write,
)

TOO_GREAT = 2**53
POST_ID = base32hex(NOW_MS.to_bytes(6, "big") + bytes(range(10)))


def post(body=None, at_ms=NOW_MS, **changes):
    identifier = base32hex(at_ms.to_bytes(6, "big") + bytes(range(10)))
    return {
        "type": "tidings/post/v1",
        "id": identifier,
        "author": ALICE.text,
        "key": ALICE_KEY.text,
        "body": {"type": "text/v1", "text": "hello"} if body is None else body,
        **changes,
    }


def text_post(text):
    return post({"type": "text/v1", "text": text})


def warned(warning):
    return post({"type": "text/v1", "text": "hello", "warning": warning})


def profile(**changes):
    return {
        "type": "tidings/profile/v1",
        "author": ALICE.text,
        "key": ALICE_KEY.text,
        "name": "Alice",
        "updated_ms": NOW_MS,
        **changes,
    }


def friendship(**changes):
    return {
        "type": "tidings/friendship/v1",
        "from": ALICE.text,
        "to": BOB.fingerprint,
        "generation": 1,
        "sequence": 1,
        "stance": "wanted",
        "name": "Alice",
        "created_ms": NOW_MS,
        **changes,
    }


def nested(levels, around=lambda inner: [inner]):
    """Lists, or whatever `around` makes, in each other; the innermost one has a number in it."""
    return 1 if levels == 0 else around(nested(levels - 1, around))


def kind_of(document):
    return document["type"].split("/")[1]


def to_text(document):
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def good(name, document, key=ALICE_KEY, text=None):
    """Accepted: `text` is another spelling of the same document."""
    whole = signed(document, key)
    text = to_text(whole) if text is None else text(whole)
    return {"name": name, "kind": kind_of(document), "text": text, "expected": accept(canonical=canonical(document))}


def bad(name, document, reason, key=ALICE_KEY, alter=None, text=None, kind=None):
    """Refused: signed as it stands, and then altered."""
    whole = signed(document, key)
    whole = alter(whole) if alter else whole
    text = to_text(whole) if text is None else text(whole)
    return {"name": name, "kind": kind or kind_of(document), "text": text, "expected": refuse(reason)}


def without(document, member):
    return {name: value for name, value in document.items() if name != member}


def canonical_forms() -> list:
    # RFC 8785 sections 3.2.2 and 3.2.3: the input, and what has to come out.
    numbers = "[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]"
    string = '"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"'
    literals = "[null, true, false]"
    rfc = {"numbers": json.loads(numbers), "string": json.loads(string), "literals": json.loads(literals)}
    assert canonical(rfc) == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    names = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    order = [name for name, _ in json.loads(canonical(names), object_pairs_hook=list)]
    assert order == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]

    def spelled(whole):
        text = to_text({**whole, "rfc": 0})
        return text.replace(
            '"rfc":0', f'"rfc": {{ "numbers": {numbers},\n "string": {string}, "literals": {literals} }}'
        )

    def raw_number(number):
        """A number in a member that nobody knows, in a spelling of its own."""
        return lambda whole: to_text({**whole, "n": 0}).replace('"n":0', f'"n":{number}')

    # RFC 8785 appendix B: the text that is read, and the value.
    listed = [
        ("zero", "0"),
        ("minus_zero", "-0"),
        ("minus_zero_point", "-0.0"),
        ("least", "5e-324"),
        ("greatest", "1.7976931348623157e308"),
        ("greatest_safe_integer", "9007199254740991"),
        ("least_safe_integer", "-9007199254740991"),
        ("many_digits", "295147905179352830000"),
        ("twenty_one_digits", "9.999999999999997e22"),
        ("power", "1e23"),
        ("after_power", "1.0000000000000001e23"),
        ("below_exponent", "999999999999999700000"),
        ("near_exponent", "999999999999999900000"),
        ("exponent", "1e21"),
        ("small_exponent", "9.999999999999997e-7"),
        ("small", "0.000001"),
        ("third", "333333333.33333325"),
        ("third_above", "333333333.3333334"),
        ("minus", "-0.0000033333333333333333"),
        ("round_to_even", "1424953923781206.2"),
        ("an_integer_with_a_fraction", "1.0"),
        ("an_integer_with_an_exponent", "1e2"),
    ]
    expected = {
        "minus_zero": "0",
        "minus_zero_point": "0",
        "least": "5e-324",
        "greatest": "1.7976931348623157e+308",
        "many_digits": "295147905179352830000",
        "exponent": "1e+21",
        "small": "0.000001",
        "small_exponent": "9.999999999999997e-7",
        "minus": "-0.0000033333333333333333",
        "power": "1e+23",
        "an_integer_with_a_fraction": "1",
        "an_integer_with_an_exponent": "100",
    }
    cases = [
        good("canonical_form_of_rfc_8785_example", post(rfc=rfc), text=spelled),
        good("member_names_of_rfc_8785", post(names=names)),
    ]
    for name, number in listed:
        value = float(number)
        assert name not in expected or canonical({"n": value}) == '{"n":%s}' % expected[name], name
        cases.append(good(f"canonical_number_{name}", post(n=value), text=raw_number(number)))
    escaped = 'a\u0001b\u001f\u007f\u0080\u2028\u00e9\u20ac\U0001f600"\\/\b\f\n\r\t'
    cases += [
        good("characters_in_a_member_that_nobody_knows", post(x=escaped)),
        good("characters_as_escapes", text_post("h\u00e9 \U0001f600"), text=lambda whole: json.dumps(whole)),
        good("characters_are_not_normalised", text_post("e\u0301 \u00e9")),
        good(
            "white_space_and_another_order",
            post(),
            text=lambda whole: json.dumps(dict(reversed(whole.items())), indent="\t"),
        ),
        good(
            "members_that_nobody_knows", post(mood={"happy": 1.5, "why": [None, True, {"b": 1, "a": 2}]}, B="", a={})
        ),
        good(
            "integer_above_2_53_in_a_member_that_nobody_knows",
            post(n=float(TOO_GREAT)),
            text=raw_number("9007199254740993"),
        ),
        good(
            "integer_below_minus_2_53_in_a_member_that_nobody_knows",
            post(n=-float(TOO_GREAT)),
            text=raw_number("-9007199254740993"),
        ),
        good(
            "integer_of_64_bits_in_a_member_that_nobody_knows",
            post(n=float(2**64)),
            text=raw_number("18446744073709551615"),
        ),
        good(
            "integer_of_100_digits_in_a_member_that_nobody_knows",
            post(n=1e99),
            text=raw_number("1" + "0" * 99),
        ),
        bad(
            "integer_above_2_53_signed_with_all_its_digits",
            post(n=float(TOO_GREAT)),
            "mismatch",
            alter=lambda whole: {
                **whole,
                "signature": b64url(
                    ALICE_KEY.sign(canonical(post(n=0)).replace('"n":0', '"n":9007199254740993').encode())
                ),
            },
            text=raw_number("9007199254740993"),
        ),
        good(
            "member_twice_counts_as_its_last",
            post(),
            text=lambda whole: to_text(whole).replace('"text":"hello"', '"text":"hullo","text":"hello"'),
        ),
        bad(
            "member_twice_does_not_count_as_its_first",
            post(),
            "mismatch",
            text=lambda whole: to_text(whole).replace('"text":"hello"', '"text":"hello","text":"hullo"'),
        ),
    ]
    return cases


def posts() -> list:
    sealed = {"type": "sealed/v1", "nonce": "abc", "parts": [1, 2]}
    cases = [
        good("post", post()),
        good("post_of_5000_characters", text_post("x" * 5_000)),
        good("post_with_line_feeds_and_tabs", text_post("a\n\tb")),
        good("post_with_isolates", text_post("a\u2066b\u2069c")),
        good("post_with_marks_of_direction", text_post("a\u200eb\u200f")),
        good("post_with_joined_emoji", text_post("\U0001f468\u200d\U0001f469\u200d\U0001f467")),
        good("post_with_another_body", post(sealed)),
        good("post_with_a_body_type_of_64_characters", post({"type": "x" * 64})),
        bad("post_with_a_body_type_of_65_characters", post({"type": "x" * 65}), "text"),
        bad("post_with_an_empty_body_type", post({"type": ""}), "text"),
        good("post_of_300_s_in_the_future", post(at_ms=NOW_MS + 300_000)),
        good("post_of_the_year_1970", post(at_ms=0)),
        bad("post_of_more_than_300_s_in_the_future", post(at_ms=NOW_MS + 300_001), "future"),
        bad("post_of_5001_characters", text_post("x" * 5_001), "text"),
        bad("post_without_characters", text_post(""), "text"),
        bad("post_of_white_space", text_post(" \n\u2003"), "text"),
        bad("post_without_text", post({"type": "text/v1"}), "text"),
        bad("post_larger_than_64_kib", post({"type": "sealed/v1", "data": "x" * 65_536}), "size"),
        good("post_with_another_body_whose_text_is_no_text", post({"type": "rich/v1", "text": [{"bold": "hello"}]})),
        good("post_with_another_body_whose_text_is_null", post({"type": "rich/v1", "text": None})),
        good("post_of_64_levels", post(deep=nested(63))),
        bad("post_of_65_levels", post(deep=nested(64)), "malformed"),
        good("post_of_64_levels_of_objects", post(deep=nested(63, lambda inner: {"a": inner}))),
        bad("post_of_65_levels_of_objects", post(deep=nested(64, lambda inner: {"a": inner})), "malformed"),
        good("post_of_64_levels_in_its_body", post({"type": "rich/v1", "parts": nested(62)})),
        bad("post_of_65_levels_in_its_body", post({"type": "rich/v1", "parts": nested(63)}), "malformed"),
        bad("post_whose_text_is_null", post({"type": "text/v1", "text": None}), "text"),
        bad("post_whose_body_is_null", {**post(), "body": None}, "malformed"),
        bad("post_whose_text_is_a_number", post({"type": "text/v1", "text": 1}), "malformed"),
        bad("post_whose_body_has_no_type", post({"text": "hello"}), "malformed"),
        bad("post_whose_body_is_a_text", post("hello"), "malformed"),
        good("post_edited", post(edited_ms=NOW_MS + 1)),
        good("post_edited_before_it_was_written", post(edited_ms=0)),
        good("post_whose_edited_ms_is_null", post(edited_ms=None)),
        bad("post_edited_more_than_300_s_in_the_future", post(edited_ms=NOW_MS + 300_001), "future"),
        bad("post_whose_edited_ms_is_a_text", post(edited_ms="1"), "malformed"),
        bad("post_whose_edited_ms_is_negative", post(edited_ms=-1), "malformed"),
        good("post_behind_a_warning", post({"type": "text/v1", "text": "hello", "warning": "the end of a film"})),
        good("post_behind_a_warning_of_200_characters", warned("x" * 200)),
        bad("post_behind_a_warning_of_201_characters", warned("x" * 201), "text"),
        bad("post_behind_a_warning_of_two_lines", warned("a\nb"), "text"),
        bad("post_behind_a_warning_of_white_space", warned(" "), "text"),
        bad("post_whose_warning_is_a_number", warned(1), "malformed"),
    ]
    forbidden = [0, 1, 8, 11, 12, 13, 27, 0x7F, 0x80, 0x85, 0x9F, *range(0x202A, 0x202F)]
    cases += [bad(f"post_with_u_{code:04x}", text_post(f"a{chr(code)}b"), "text") for code in forbidden]

    def with_member(name, value):
        return lambda whole: {**whole, name: value}

    cases += [
        bad("post_signed_by_another_key", post(), "mismatch", key=OTHER),
        bad("post_signed_by_the_identity", post(), "mismatch", key=ALICE),
        bad("post_signed_by_an_earlier_key", post(key=NEW_KEY.text), "mismatch", key=NEW_KEY),
        bad("post_by_another_author", post(author=OTHER.text), "people"),
        bad("post_that_names_another_key", post(key=OTHER.text), "people"),
        bad(
            "post_with_its_text_altered",
            post(),
            "mismatch",
            alter=with_member("body", {"type": "text/v1", "text": "hullo"}),
        ),
        bad("post_with_its_id_altered", post(), "mismatch", alter=with_member("id", base32hex(bytes(16)))),
        bad("post_with_a_member_added", post(), "mismatch", alter=with_member("mood", "fine")),
        bad("post_with_a_member_removed", post(mood="fine"), "mismatch", alter=lambda whole: without(whole, "mood")),
        bad(
            "post_with_a_member_altered_that_nobody_knows",
            post(mood="fine"),
            "mismatch",
            alter=with_member("mood", "glad"),
        ),
        bad("post_with_a_number_altered_that_nobody_knows", post(n=1.5), "mismatch", alter=with_member("n", 1.6)),
        bad(
            "post_signed_over_the_signature_too",
            post(),
            "mismatch",
            alter=lambda whole: {**whole, "signature": b64url(ALICE_KEY.sign(canonical(whole).encode()))},
        ),
        bad(
            "post_signed_as_it_was_written",
            post(),
            "mismatch",
            alter=lambda whole: {**whole, "signature": b64url(ALICE_KEY.sign(to_text(post()).encode()))},
        ),
        bad("post_with_signature_of_zeros", post(), "mismatch", alter=with_member("signature", b64url(bytes(64)))),
        bad("post_with_signature_of_63_bytes", post(), "length", alter=with_member("signature", b64url(bytes(63)))),
        bad(
            "post_with_signature_with_padding",
            post(),
            "encoding",
            alter=lambda whole: {**whole, "signature": whole["signature"] + "=="},
        ),
        bad("post_with_signature_null", post(), "malformed", alter=with_member("signature", None)),
        bad("post_without_signature", post(), "malformed", alter=lambda whole: without(whole, "signature")),
        bad("post_without_type", post(), "type", alter=lambda whole: without(whole, "type")),
        bad("post_of_another_version", post(type="tidings/post/v2"), "type", kind="post"),
        bad("post_shown_as_a_profile", post(name="Alice", updated_ms=1), "type", kind="profile"),
        bad("post_without_author", post(), "malformed", alter=lambda whole: without(whole, "author")),
        bad("post_with_an_id_in_upper_case", post(id=POST_ID.upper()), "malformed"),
        bad("post_with_an_author_of_small_order", post(author=b64url(bytes(32))), "malformed"),
        bad("post_in_an_array", post(), "json", text=lambda whole: f"[{to_text(whole)}]"),
        bad("post_cut_short", post(), "json", text=lambda whole: to_text(whole)[:-1]),
        bad("post_with_something_behind", post(), "json", text=lambda whole: to_text(whole) + "x"),
        bad(
            "post_with_a_lone_surrogate",
            text_post("?"),
            "json",
            text=lambda whole: to_text(whole).replace('"?"', '"\\ud83d"'),
        ),
        bad(
            "post_with_a_raw_control_character",
            text_post("?"),
            "json",
            text=lambda whole: to_text(whole).replace('"?"', '"\n"'),
        ),
        bad("post_with_a_comment", post(), "json", text=lambda whole: "/**/" + to_text(whole)),
        bad("post_with_nan", post(n=0), "json", text=lambda whole: to_text(whole).replace('"n":0', '"n":NaN')),
        bad(
            "post_with_a_number_too_great",
            post(n=0),
            "json",
            text=lambda whole: to_text(whole).replace('"n":0', '"n":1e400'),
        ),
        bad(
            "post_with_a_leading_zero",
            post(n=1),
            "json",
            text=lambda whole: to_text(whole).replace('"n":1', '"n":01'),
        ),
        bad("post_with_a_comma_too_many", post(), "json", text=lambda whole: to_text(whole)[:-1] + ",}"),
    ]
    return cases


def profiles() -> list:
    return [
        good("profile", profile()),
        good("profile_with_bio", profile(bio="One\ntwo")),
        good("profile_with_a_bio_of_500_characters", profile(bio="\U0001f600" * 500)),
        good("profile_with_empty_bio", profile(bio="")),
        good("profile_whose_bio_is_null", profile(bio=None)),
        bad("profile_whose_name_is_null", profile(name=None), "malformed"),
        good("profile_with_a_name_of_60_characters", profile(name="\U0001f600" * 60)),
        good("profile_of_300_s_in_the_future", profile(updated_ms=NOW_MS + 300_000)),
        bad("profile_of_more_than_300_s_in_the_future", profile(updated_ms=NOW_MS + 300_001), "future"),
        bad(
            "profile_with_a_time_beyond_2_53",
            profile(updated_ms=float(TOO_GREAT)),
            "future",
            text=integer("updated_ms", TOO_GREAT),
        ),
        bad("profile_with_a_negative_time", profile(updated_ms=-1), "malformed"),
        bad("profile_with_a_time_as_a_string", profile(updated_ms=str(NOW_MS)), "malformed"),
        bad("profile_with_a_name_of_61_characters", profile(name="x" * 61), "text"),
        bad("profile_without_name", profile(name=""), "text"),
        bad("profile_with_a_line_feed_in_its_name", profile(name="Ali\nce"), "text"),
        bad("profile_with_an_override_in_its_name", profile(name="Ali\u202ece"), "text"),
        bad("profile_with_a_bio_of_501_characters", profile(bio="x" * 501), "text"),
        bad("profile_with_a_control_character_in_its_bio", profile(bio="a\u0007"), "text"),
        bad("profile_of_somebody_else", profile(author=OTHER.text), "people"),
        bad("profile_that_names_another_key", profile(key=OTHER.text), "people"),
        bad("profile_signed_by_another_key", profile(), "mismatch", key=OTHER),
        bad("profile_with_its_name_altered", profile(), "mismatch", alter=lambda whole: {**whole, "name": "Eve"}),
    ]


def integer(member, number):
    """An integer that no double is sure to hold, written out."""
    return lambda whole: to_text({**whole, member: number})


def friendships() -> list:
    most = 2**52 - 1

    def number(name, **changes):
        # Signed as the nearest doubles, as RFC 8785 has it.
        return bad(
            name,
            friendship(**{m: float(n) for m, n in changes.items()}),
            "number",
            text=lambda whole: to_text({**whole, **changes}),
        )

    return [
        good("friendship", friendship()),
        good("friendship_ended", friendship(stance="ended", sequence=2)),
        good("friendship_with_greeting", friendship(greeting="Hello,\nBob")),
        good(
            "friendship_with_the_greatest_numbers", friendship(generation=most, sequence=most, created_ms=2**53 - 1)
        ),
        good("friendship_with_a_greeting_of_500_characters", friendship(greeting="\u00e9" * 500)),
        good("friendship_whose_greeting_is_null", friendship(greeting=None)),
        bad("friendship_whose_stance_is_null", friendship(stance=None), "malformed"),
        bad("friendship_with_a_greeting_of_501_characters", friendship(greeting="x" * 501), "text"),
        bad("friendship_with_a_greeting_of_1001_bytes", friendship(greeting="\u00e9" * 499 + "\u20ac"), "text"),
        bad("friendship_with_an_override_in_its_greeting", friendship(greeting="a\u202db"), "text"),
        bad("friendship_without_name", friendship(name=" "), "text"),
        bad("friendship_with_a_name_of_61_characters", friendship(name="x" * 61), "text"),
        bad("friendship_with_a_tab_in_its_name", friendship(name="Ali\tce"), "text"),
        number("friendship_of_generation_0", generation=0),
        number("friendship_of_sequence_0", sequence=0),
        number("friendship_of_a_generation_beyond_2_52", generation=2**52),
        number("friendship_of_a_sequence_beyond_2_52", sequence=2**52),
        number("friendship_with_a_time_beyond_2_53", created_ms=TOO_GREAT),
        bad("friendship_with_a_negative_generation", friendship(generation=-1), "malformed"),
        bad("friendship_with_a_fraction", friendship(generation=1.5), "malformed"),
        bad(
            "friendship_with_an_integer_as_a_fraction",
            friendship(),
            "malformed",
            text=lambda whole: to_text(whole).replace('"generation":1', '"generation":1.0'),
        ),
        bad("friendship_with_another_stance", friendship(stance="maybe"), "malformed"),
        bad("friendship_with_a_stance_in_upper_case", friendship(stance="Wanted"), "malformed"),
        bad("friendship_without_stance", without(friendship(), "stance"), "malformed"),
        bad("friendship_larger_than_3072_bytes", friendship(note="x" * 3_072), "size"),
        bad("friendship_to_somebody_else", friendship(to=OTHER.fingerprint), "people"),
        bad("friendship_from_somebody_else", friendship(**{"from": OTHER.text}), "people"),
        bad("friendship_signed_by_the_identity", friendship(), "mismatch", key=ALICE),
        bad(
            "friendship_with_its_stance_altered",
            friendship(),
            "mismatch",
            alter=lambda whole: {**whole, "stance": "ended"},
        ),
    ]


def certificates() -> list:
    def of(**changes):
        return without(certificate(**changes), "signature")

    def yes(name, **changes):
        return good(name, of(**changes), ALICE)

    def no(name, reason, key=ALICE, text=None, alter=None, **changes):
        return bad(name, of(**changes), reason, key=key, text=text, alter=alter)

    keys = [Key(n).text for n in range(20, 29)]
    return [
        yes("certificate"),
        yes("certificate_with_the_greatest_serial", serial=2**53 - 1),
        yes("certificate_that_revokes_a_key", revoked=keys[:1]),
        yes("certificate_that_revokes_eight_keys", revoked=keys[:8]),
        yes("certificate_with_an_empty_list_of_revoked_keys", revoked=[]),
        yes("certificate_whose_revoked_is_null", revoked=None),
        yes("certificate_on_loopback", address="http://127.0.0.1:3001"),
        yes("certificate_with_a_member_that_nobody_knows", note="x"),
        no("certificate_that_revokes_nine_keys", "too_many_revoked", revoked=keys),
        no("certificate_that_revokes_its_own_key", "revoked", revoked=[ALICE_KEY.text]),
        no("certificate_that_revokes_its_identity", "revoked", revoked=[ALICE.text]),
        no("certificate_that_revokes_a_key_twice", "revoked", revoked=[keys[0], keys[1], keys[0]]),
        no("certificate_that_revokes_no_key", "malformed", revoked=["x"]),
        no("certificate_that_revokes_a_key_of_small_order", "malformed", revoked=[b64url(bytes(32))]),
        no("certificate_whose_revoked_is_no_list", "malformed", revoked=keys[0]),
        bad("certificate_of_one_key_for_both", of(key=ALICE), "same_key", key=ALICE),
        bad(
            "certificate_with_a_serial_of_2_53",
            of(serial=float(TOO_GREAT)),
            "serial",
            key=ALICE,
            text=integer("serial", TOO_GREAT),
        ),
        no("certificate_with_a_negative_serial", "malformed", serial=-1),
        no("certificate_with_a_serial_as_a_string", "malformed", serial="5"),
        no(
            "certificate_with_a_serial_with_an_exponent",
            "malformed",
            text=lambda whole: to_text(whole).replace('"serial":5', '"serial":5e0'),
        ),
        no("certificate_signed_by_its_deployment_key", "mismatch", key=ALICE_KEY),
        no("certificate_signed_by_somebody_else", "mismatch", key=OTHER),
        no(
            "certificate_with_its_address_altered",
            "mismatch",
            alter=lambda whole: {**whole, "address": "https://eve.example"},
        ),
        no("certificate_with_its_key_altered", "mismatch", alter=lambda whole: {**whole, "key": OTHER.text}),
        no("certificate_with_its_serial_altered", "mismatch", alter=lambda whole: {**whole, "serial": 6}),
        no(
            "certificate_with_revoked_removed",
            "mismatch",
            revoked=keys[:1],
            alter=lambda whole: without(whole, "revoked"),
        ),
        no("certificate_with_revoked_added", "mismatch", alter=lambda whole: {**whole, "revoked": keys[:1]}),
        no("certificate_with_an_address_in_upper_case", "malformed", address="https://Alice.example"),
        no("certificate_with_a_slash_behind_its_address", "malformed", address="https://alice.example/"),
        no("certificate_with_a_dot_behind_its_address", "malformed", address="https://alice.example."),
        no("certificate_of_port_0", "malformed", address="https://alice.example:0"),
        no("certificate_on_plain_http", "malformed", address="http://alice.example"),
        no("certificate_without_identity", "malformed", alter=lambda whole: without(whole, "identity")),
        no(
            "certificate_with_an_identity_of_small_order",
            "malformed",
            alter=lambda whole: {**whole, "identity": b64url(bytes(32))},
        ),
    ]


def standings() -> list:
    known = certificate(serial=5, revoked=[OTHER.text])

    def case(name, expected, came):
        return {
            "name": f"standing_{name}",
            "kind": "standing",
            "known": known,
            "came": came,
            "expected": {"standing": expected},
        }

    return [
        case("of_the_known_one", "same", known),
        case("of_the_known_one_in_another_order", "same", dict(reversed(known.items()))),
        case("of_a_greater_serial", "newer", certificate(serial=6, revoked=[OTHER.text])),
        case("of_a_greater_serial_with_another_key", "newer", certificate(serial=6, key=NEW_KEY)),
        case(
            "of_a_greater_serial_that_revokes_the_known_key",
            "newer",
            certificate(serial=6, key=NEW_KEY, revoked=[ALICE_KEY.text]),
        ),
        case("of_a_greater_serial_with_a_revoked_key", "superseded", certificate(serial=6, key=OTHER)),
        case("of_a_smaller_serial", "superseded", certificate(serial=4, revoked=[OTHER.text])),
        case("of_a_smaller_serial_with_a_revoked_key", "superseded", certificate(serial=4, key=OTHER)),
        case(
            "of_the_same_serial_with_another_key",
            "conflicting",
            certificate(serial=5, key=NEW_KEY, revoked=[OTHER.text]),
        ),
        case(
            "of_the_same_serial_with_another_address",
            "conflicting",
            certificate(serial=5, address="https://elsewhere.example", revoked=[OTHER.text]),
        ),
        case("of_the_same_serial_with_a_member_that_is_null", "conflicting", certificate(revoked=[OTHER.text], note=None)),
        case("of_the_same_serial_without_revoked", "conflicting", certificate(serial=5)),
        case(
            "of_the_same_serial_with_a_member_more",
            "conflicting",
            certificate(serial=5, revoked=[OTHER.text], note="x"),
        ),
    ]


def main():
    head = {"now_ms": NOW_MS, "sender": {"identity": ALICE.text, "key": ALICE_KEY.text}, "receiver": BOB.fingerprint}
    write(
        "record-v1.json",
        head,
        [
            *canonical_forms(),
            *posts(),
            *profiles(),
            *friendships(),
            *certificates(),
            *standings(),
        ],
    )
