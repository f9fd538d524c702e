"""Signatures on manifests of the team's cache: Ed25519, over the key and the whole manifest.

The one place that imports `cryptography`. It refuses to know where entries are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_DOMAIN: Final = b"shipway step cache entry 1\0"
_HEAD: Final = b"shipway-signed 1 "


class NotGenuine(Exception):
    """An entry is not what the team signed; the message says why."""


class NoSuchKeyPair(Exception):
    """The signing key is none, or another one's; the message never holds it."""


def verified(key: str, found: bytes, public_key: str) -> bytes:
    """Return the manifest of a signed object.

    Raises:
        NotGenuine: it is unsigned, or signed with another key or for another entry.
    """
    head, _, manifest = found.partition(b"\n")
    if not head.startswith(_HEAD):
        raise NotGenuine("it is not signed")
    try:
        signature = base64.b64decode(head.removeprefix(_HEAD), validate=True)
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        public.verify(signature, _message(key, manifest))
    except (InvalidSignature, binascii.Error, ValueError) as wrong:
        raise NotGenuine("its signature does not fit the team's key") from wrong
    return manifest


class Signer:
    """The team's private key, 32 bytes in base64; it must be the one of the public key.

    Raises:
        NoSuchKeyPair: it is not.
    """

    def __init__(self, signing_key: str, public_key: str) -> None:
        try:
            raw = base64.b64decode(signing_key.strip(), validate=True)
            self._key = Ed25519PrivateKey.from_private_bytes(raw)
        except ValueError:
            # `from None`: the cause may carry the key.
            raise NoSuchKeyPair("the signing key is not 32 bytes in base64") from None
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        if public != base64.b64decode(public_key):
            raise NoSuchKeyPair("the signing key does not fit the public key")

    def signed(self, key: str, manifest: bytes) -> bytes:
        """Return the object for a key: one line with the signature, then the manifest."""
        signature = self._key.sign(_message(key, manifest))
        return _HEAD + base64.b64encode(signature) + b"\n" + manifest


def _message(key: str, manifest: bytes) -> bytes:
    return _DOMAIN + key.encode() + b"\0" + hashlib.sha256(manifest).digest()
