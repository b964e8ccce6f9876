"""
Names for what may not cross the wall, so that one visitor is told from another.

A session's cookie is a credential. Its pseudonym is not: it opens nothing, and is the
same wherever the cookie is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from shadow_middleware.exchange import Headers

__all__ = ["SHORTEST", "pseudonym", "visitor"]

SHORTEST: Final = 16
"""Characters of a cookie that can name a visitor; `theme=dark` names nobody."""
_MOST: Final = 16


def pseudonym(value: str) -> str:
    """Return what a value is called: the same for the same, and nothing to go back by."""
    raw = value.encode("utf-8", "surrogateescape")
    return "s-" + blake2b(raw, digest_size=12).hexdigest()


def visitor(headers: Headers) -> tuple[str, ...]:
    """Return the pseudonyms of the cookies by which a client may be known again."""
    return tuple(pseudonym(value) for value in _values(headers))[:_MOST]


def _values(headers: Headers) -> Iterator[str]:
    for name, line in headers:
        if len(name) == 6 and name.lower() == b"cookie":
            for pair in line.split(b";"):
                value = pair.partition(b"=")[2].strip()
                if len(value) >= SHORTEST:
                    yield value.decode("utf-8", "surrogateescape")
