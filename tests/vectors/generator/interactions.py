"""interactions-v1.json: comments, reactions, requests that carry them, and what readers are shown of them."""

import json

from common import (
    ALICE,
    ALICE_KEY,
    BOB,
    NEW_KEY,
    NOW_MS,
    OTHER,
    accept,
    base32hex,
    canonical,
    certificate,
    refuse,
    signed,
    write,
)

POST = base32hex(NOW_MS.to_bytes(6, "big") + bytes(range(10)))
OTHER_POST = base32hex(NOW_MS.to_bytes(6, "big") + bytes(10))
LATE_MS = NOW_MS + 300_001
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"


def record_id(at_ms, last=1):
    return base32hex(at_ms.to_bytes(6, "big") + bytes(9) + bytes([last]))


def comment(at_ms=NOW_MS, **changes):
    document = {
        "type": "tidings/comment/v1",
        "id": record_id(at_ms),
        "author": ALICE.text,
        "key": ALICE_KEY.text,
        "name": "Alice",
        "poster": BOB.fingerprint,
        "post": POST,
        "body": {"type": "text/v1", "text": "hear, hear"},
    }
    return without_absent({**document, **changes})


def reaction(**changes):
    document = {
        "type": "tidings/reaction/v1",
        "author": ALICE.text,
        "key": ALICE_KEY.text,
        "name": "Alice",
        "poster": BOB.fingerprint,
        "post": POST,
        "emoji": "\U0001f44d",
        "set": True,
        "at_ms": NOW_MS,
    }
    return without_absent({**document, **changes})


def without_absent(document):
    return {name: value for name, value in document.items() if value is not ...}


def text(words):
    return {"type": "text/v1", "text": words}


def record(name, kind, document, expected, key=ALICE_KEY, proof=certificate()):
    """A record with the certificate that comes along with it, as a reader gets it from the poster."""
    return {"name": name, "kind": kind, "record": signed(document, key), "certificate": proof, "expected": expected}


def padded(document, bytes_of_json):
    """The same with a member that nobody knows, so that it has that many bytes when it is signed."""
    bare = len(canonical(signed({**document, "more": ""}, ALICE_KEY)).encode())
    return {**document, "more": "x" * (bytes_of_json - bare)}


def records():
    answered = {"id": record_id(NOW_MS - 5), "author": BOB.fingerprint}
    yield record("comment", "comment", comment(), accept())
    yield record("comment_answers_another", "comment", comment(parent=answered), accept())
    yield record("comment_edited", "comment", comment(edited_ms=NOW_MS + 1), accept())
    yield record("comment_of_the_longest_text", "comment", comment(body=text("\U0001f600" * 2000)), accept())
    yield record("comment_of_another_type", "comment", comment(body={"type": "image/v1", "blob": 1}), accept())
    yield record("comment_with_an_unknown_member", "comment", comment(mood="merry"), accept())
    yield record("comment_parent_null", "comment", comment(parent=None), accept())
    yield record("comment_at_the_latest_time", "comment", comment(at_ms=NOW_MS + 300_000), accept())
    yield record("comment_text_too_long", "comment", comment(body=text("x" * 2001)), refuse("text"))
    yield record("comment_text_empty", "comment", comment(body=text(" \n")), refuse("text"))
    yield record("comment_name_empty", "comment", comment(name=""), refuse("text"))
    yield record("comment_name_too_long", "comment", comment(name="x" * 61), refuse("text"))
    yield record("comment_name_with_a_line", "comment", comment(name="a\nb"), refuse("text"))
    yield record("comment_from_the_future", "comment", comment(at_ms=LATE_MS), refuse("time"))
    yield record("comment_edited_in_the_future", "comment", comment(edited_ms=LATE_MS), refuse("time"))
    yield record("comment_about_another_post", "comment", comment(post=OTHER_POST), refuse("post"))
    yield record("comment_about_somebody_elses_post", "comment", comment(poster=OTHER.fingerprint), refuse("post"))
    yield record("comment_without_a_name", "comment", comment(name=...), refuse("form"))
    yield record("comment_of_the_type_of_a_post", "comment", comment(type="tidings/post/v1"), refuse("form"))
    yield record("comment_parent_without_author", "comment", comment(parent={"id": POST}), refuse("form"))
    yield record("comment_signed_by_the_identity", "comment", comment(), refuse("signature"), key=ALICE)
    yield record("comment_signed_by_an_earlier_key", "comment", comment(key=NEW_KEY.text), refuse("signature"), key=NEW_KEY)
    altered = record("comment_altered", "comment", comment(), refuse("signature"))
    altered["record"]["name"] = "Alicia"
    yield altered
    yield record("comment_without_a_certificate", "comment", comment(), refuse("certificate"), proof=None)
    theirs = certificate(identity=OTHER, key=ALICE_KEY)
    yield record("comment_with_somebody_elses_certificate", "comment", comment(), refuse("certificate"), proof=theirs)
    forged = certificate(signer=OTHER)
    yield record("comment_with_a_forged_certificate", "comment", comment(), refuse("signature"), proof=forged)
    yield record("reaction", "reaction", reaction(), accept())
    yield record("reaction_taken_back", "reaction", reaction(set=False), accept())
    yield record("reaction_of_a_family", "reaction", reaction(emoji=FAMILY), accept())
    yield record("reaction_of_a_keycap", "reaction", reaction(emoji="1\u20e3"), accept())
    for name, emoji in [("empty", ""), ("letter", "a"), ("digit", "1"), ("two", "\U0001f44d" * 2), ("selector", "\ufe0f")]:
        yield record(f"reaction_emoji_{name}", "reaction", reaction(emoji=emoji), refuse("form"))
    yield record("reaction_from_the_future", "reaction", reaction(at_ms=LATE_MS), refuse("time"))
    yield record("reaction_set_is_a_number", "reaction", reaction(set=1), refuse("form"))
    yield record("reaction_name_too_long", "reaction", reaction(name="x" * 61), refuse("text"))
    yield record("reaction_about_another_post", "reaction", reaction(post=OTHER_POST), refuse("post"))
    yield record("reaction_signed_by_another_key", "reaction", reaction(), refuse("signature"), key=NEW_KEY)


def sizes():
    """What the poster's deployment takes at most; readers take what they are shown."""
    for kind, document, most in [("comment", comment(), 12_288), ("reaction", reaction(), 1_024)]:
        for over in (0, 1):
            expected = refuse("size") if over else accept()
            name = f"{kind}_{'too_large' if over else 'of_the_greatest_size'}"
            signed_one = signed(padded(document, most + over), ALICE_KEY)
            yield {"name": name, "kind": f"{kind}_size", "record": signed_one, "expected": expected}


def message(name, interactions, expected):
    return {"name": name, "kind": "message", "text": json.dumps({"interactions": interactions}), "expected": expected}


def messages():
    said = {"kind": "comment", "record": signed(comment(), ALICE_KEY)}
    gone = {"kind": "comment_deleted", "post": POST, "id": record_id(NOW_MS)}
    liked = {"kind": "reaction", "record": signed(reaction(), ALICE_KEY)}
    yield message("message_of_each_kind", [said, gone, liked], accept(interactions=3))
    yield message("message_empty", [], accept(interactions=0))
    yield message("message_with_an_unknown_member", [{**gone, "why": "typo"}], accept(interactions=1))
    yield message("message_of_sixteen", [gone] * 16, accept(interactions=16))
    yield message("message_of_seventeen", [gone] * 17, refuse("too many", status=422, slug="invalid"))
    yield message("message_without_an_id", [{"kind": "comment_deleted", "post": POST}], refuse("form", status=422, slug="invalid"))
    torn = message("message_torn_off", [gone], refuse("json", status=400, slug="not-json"))
    yield {**torn, "text": torn["text"][:-1]}


def main():
    head = {
        "now_ms": NOW_MS,
        "poster": BOB.fingerprint,
        "post": POST,
        "sender": {"identity": ALICE.text, "key": ALICE_KEY.text},
    }
    write("interactions-v1.json", head, [*records(), *sizes(), *messages()])
