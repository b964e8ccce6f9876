"""
Whether two parsed values are the same, told in C and not fooled by `1 == True`.

`==` on parsed JSON calls 1, 1.0 and true equal. An encoding in a fixed order keeps
them apart, so both together are a proof.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import msgspec

from shadow_middleware.compare.parse import Literal
from shadow_middleware.compare.prune import Ignored

__all__ = ["fingerprint", "same"]


def _unusual(value: Any) -> bytes:
    # JSON holds no bytes, so these can be mistaken for nothing that a body says.
    if isinstance(value, Literal):
        return b"literal:" + value.text.encode("utf-8", "backslashreplace")
    if isinstance(value, Ignored):
        return b"ignored:" + value.name.encode("utf-8", "backslashreplace")
    raise TypeError(type(value).__name__)


_encode = msgspec.msgpack.Encoder(enc_hook=_unusual).encode
_encode_sorted = msgspec.msgpack.Encoder(
    enc_hook=_unusual, order="deterministic"
).encode


def same(live: Any, shadow: Any) -> bool:
    """
    Whether both are the same value of the same types.

    False may also mean that it cannot be told in one go; a walk then decides.
    """
    kind = type(live)
    if kind is not type(shadow):
        return False
    if kind is not dict and kind is not list:
        return bool(live == shadow)
    try:
        if live != shadow:
            return False
        return _encode(live) == _encode(shadow) or (
            _encode_sorted(live) == _encode_sorted(shadow)
        )
    except (TypeError, ValueError, OverflowError, RecursionError):
        return False


def fingerprint(value: Any) -> Hashable:
    """Return what is equal for same values only."""
    try:
        return _encode_sorted(value)
    except (TypeError, ValueError, OverflowError):
        return _written(value)
    except RecursionError:
        return id(value)


def _written(value: Any) -> Hashable:
    if type(value) is int:
        # Writing 4,000 digits takes half a millisecond.
        return int, value
    try:
        return repr(value)
    except (ValueError, RecursionError):
        return id(value)
