"""
What crosses the broker, sealed: only who has a key reads it, or changes it unnoticed.

AES-256-GCM with a random nonce for each message (NIST SP 800-38D; a key is good for
2**32 messages, so change it now and then: the first key seals, all of them open).
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from typing import Final

from shadow_middleware.errors import ConfigurationError, DecodeError, MissingExtraError

__all__ = ["Seal", "key_of"]

PLAIN: Final = b"\x00"
SEALED: Final = b"\x01"
_NONCE: Final = 12
_KEY: Final = 32


def key_of(text: str) -> bytes:
    """
    Return the key that a setting writes in base64.

    Raises:
        ValueError: it is not base64, or not of 32 bytes.
    """
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    if len(key) != _KEY:
        raise ValueError(f"has {len(key)} bytes in place of {_KEY}")
    return key


class Seal:
    """
    Closes and opens messages.

    Args:
        keys: In base64; the first closes. None of them leaves messages readable.

    Raises:
        MissingExtraError: there are keys, and no package that can use them.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            self._keys = []
            return
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise MissingExtraError("seal", "broker_seal") from None
        try:
            self._keys = [AESGCM(key_of(one)) for one in keys]
        except ValueError as error:
            raise ConfigurationError(f"broker_seal: a key {error}") from None

    def close(self, data: bytes, name: bytes) -> bytes:
        """Return the message as it goes to the broker, bound to its name."""
        if not self._keys:
            return PLAIN + data
        nonce = os.urandom(_NONCE)
        return SEALED + nonce + self._keys[0].encrypt(nonce, data, name)

    def open(self, data: bytes, name: bytes) -> bytes:
        """
        Return the message as it was.

        Raises:
            DecodeError: none of our keys opens it, it was changed, or it should be
                sealed and is not.
        """
        kind, rest = data[:1], data[1:]
        if kind == PLAIN and not self._keys:
            return rest
        if kind == PLAIN:
            raise DecodeError("a message is not sealed, and broker_seal wants it to be")
        if kind != SEALED or not self._keys:
            raise DecodeError("a message is sealed; set broker_seal to the agents' key")
        from cryptography.exceptions import InvalidTag

        for key in self._keys:
            try:
                return key.decrypt(rest[:_NONCE], rest[_NONCE:], name)
            except (InvalidTag, ValueError):
                continue
        raise DecodeError("no key of broker_seal opens a message")
