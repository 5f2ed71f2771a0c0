"""Keys, encodings and files that all generators share. See ../README.md."""

import base64
import hashlib
import json
from pathlib import Path

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NOW_MS = 1_790_000_000_000
NOW_S = NOW_MS // 1000


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def base32(data: bytes) -> str:
    return base64.b32encode(data).rstrip(b"=").decode().lower()


def base32hex(data: bytes) -> str:
    return base64.b32hexencode(data).rstrip(b"=").decode().lower()


def fingerprint(public: bytes) -> str:
    return base32(hashlib.sha256(public).digest()[:16])


def safety_code(public: bytes) -> str:
    digest = hashlib.sha512(b"tidings/safety-code/v1\0" + public).digest()
    groups = [int.from_bytes(digest[at : at + 5], "big") % 100_000 for at in range(0, 40, 5)]
    return " ".join(f"{group:05}" for group in groups)


class Key:
    """An Ed25519 key pair from its 32 secret bytes, or from one byte that is repeated."""

    def __init__(self, seed):
        self.seed = bytes([seed]) * 32 if isinstance(seed, int) else seed
        self.private = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = self.private.public_key().public_bytes_raw()
        self.text = b64url(self.public)
        self.fingerprint = fingerprint(self.public)

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


ALICE, ALICE_KEY, BOB, OTHER, NEW_KEY = Key(1), Key(2), Key(4), Key(3), Key(5)


def canonical(document: dict) -> str:
    return rfc8785.dumps(document).decode()


def signed(document: dict, key: Key) -> dict:
    return {**document, "signature": b64url(key.sign(canonical(document).encode()))}


def certificate(identity=ALICE, key=ALICE_KEY, address="https://alice.example", serial=5, signer=None, **more):
    document = {
        "type": "tidings/certificate/v1",
        "identity": identity.text,
        "key": key.text,
        "address": address,
        "serial": serial,
        **more,
    }
    return signed(document, signer or identity)


def accept(**more):
    return {"outcome": "accept", **more}


def refuse(reason: str, **more):
    return {"outcome": "refuse", "reason": reason, **more}


def write(name: str, head: dict, cases: list):
    names = [case["name"] for case in cases]
    assert len(set(names)) == len(names), "every case has a name of its own"
    text = json.dumps({**head, "cases": cases}, indent=2) + "\n"
    (Path(__file__).parent.parent / name).write_text(text, encoding="ascii")
    print(f"{name}: {len(cases)} cases")
