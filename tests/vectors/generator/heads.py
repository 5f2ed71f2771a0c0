"""head-v1.json: heads and record ids, their spelling and their order."""

from common import NOW_MS, accept, base32hex, refuse, write


def spelling(kind: str, size: int) -> list:
    good = NOW_MS.to_bytes(6, "big") + bytes(range(1, size - 5))
    text = base32hex(good)

    def case(name, text, expected):
        return {"name": f"{kind}_{name}", "kind": kind, "text": text, "expected": expected}

    def value(data):
        return accept(hex=data.hex(), ms=int.from_bytes(data[:6], "big"))

    # The last symbol has bits that belong to no byte, and have to be zero.
    loose = text[:-1] + "0123456789abcdefghijklmnopqrstuv"["0123456789abcdefghijklmnopqrstuv".index(text[-1]) | 1]
    assert loose != text
    return [
        case("of_now", text, value(good)),
        case("of_zeros", base32hex(bytes(size)), value(bytes(size))),
        case("of_ones", base32hex(b"\xff" * size), value(b"\xff" * size)),
        case("empty", "", refuse("spelling")),
        case("one_character_short", text[:-1], refuse("spelling")),
        case("one_character_long", text + "0", refuse("spelling")),
        case("one_byte_short", base32hex(good[:-1]), refuse("spelling")),
        case("one_byte_long", base32hex(good + b"\0"), refuse("spelling")),
        case("in_upper_case", text.upper(), refuse("spelling")),
        case("with_padding", text + "=" * (-len(text) % 8), refuse("spelling")),
        case("with_a_loose_bit", loose, refuse("spelling")),
        case("with_a_letter_of_base32_only", "w" + text[1:], refuse("spelling")),
        case("with_leading_space", " " + text[1:], refuse("spelling")),
        case("with_a_line_feed", text + "\n", refuse("spelling")),
        case("with_a_hyphen", text[:5] + "-" + text[6:], refuse("spelling")),
        case("in_other_digits", "\u0660" + text[1:], refuse("spelling")),
    ]


def order(kind: str, size: int) -> list:
    rest = bytes(size - 6)
    ascending = [
        bytes(size),
        (1).to_bytes(6, "big") + rest,
        (1).to_bytes(6, "big") + b"\0\1" + rest[2:],
        (1).to_bytes(6, "big") + b"\1" + rest[1:],
        (255).to_bytes(6, "big") + b"\xff" * len(rest),
        (256).to_bytes(6, "big") + rest,
        NOW_MS.to_bytes(6, "big") + rest,
        NOW_MS.to_bytes(6, "big") + rest[1:] + b"\1",
        NOW_MS.to_bytes(6, "big") + b"\x80" + rest[1:],
        (NOW_MS + 1).to_bytes(6, "big") + rest,
        b"\xff" * size,
    ]
    pairs = list(zip(ascending, ascending[1:]))
    cases = [(f"{kind}_order_{at}", low, high, "before") for at, (low, high) in enumerate(pairs)]
    cases += [(f"{kind}_order_turned_{at}", high, low, "after") for at, (low, high) in enumerate(pairs)]
    cases += [(f"{kind}_order_same", ascending[6], ascending[6], "same")]
    return [
        {
            "name": name,
            "kind": f"{kind}_order",
            "first": base32hex(a),
            "second": base32hex(b),
            "expected": {"order": way},
        }
        for name, a, b, way in cases
    ]


def made() -> list:
    times = [("of_now", NOW_MS), ("of_zero", 0), ("of_one_millisecond", 1), ("of_the_last_millisecond", 2**48 - 1)]
    unique = bytes(range(0xA0, 0xAA))
    return [
        {
            "name": f"record_id_made_{name}",
            "kind": "record_id_made",
            "ms": ms,
            "unique_hex": unique.hex(),
            "expected": {"text": base32hex(ms.to_bytes(6, "big") + unique)},
        }
        for name, ms in times
    ]


def main():
    write(
        "head-v1.json",
        {},
        [
            *spelling("head", 12),
            *order("head", 12),
            *spelling("record_id", 16),
            *order("record_id", 16),
            *made(),
        ],
    )
