"""
The marker: the header that says *this request is a copy*.

Every replay carries it, so that a marked request is never mirrored again and the
shadow can mute mail and payments. With a secret it is signed, and an unsigned or
wrongly signed one has no effect.

    X-Shadow-Request: 5f3a-1c;hop=1
    X-Shadow-Request: 5f3a-1c;hop=1;at=1700000000.250000;sig=9f86d0…

The time has microseconds, so that two copies of one exchange (a self-probe, a recheck)
never carry the same value: a shadow that has seen a value before knows it for a replay.
Standard library only: `isolation` reads markers where nothing else is installed.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["MARKER_HEADER", "REFUSED_HEADER", "Marker", "make", "read", "refused_by"]

MARKER_HEADER = b"x-shadow-request"
"""The header's name, in lower case."""

REFUSED_HEADER = b"x-shadow-refused"
"""With what a shadow answers that it has refused a copy's write; in lower case."""

_REFUSALS = frozenset({b"not_isolated", b"outgoing_refused", b"read_only"})
"""The `reason` of each `IsolationError`; no other word of a shadow's counts."""

MAX_AGE = 3600.0
"""Seconds for which a signed marker counts, so that a leaked one does not last."""

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
_FORM = re.compile(
    rb"([A-Za-z0-9._:-]{1,128});hop=([0-9]{1,3})"
    rb"(?:;at=([0-9]{1,12}(?:\.[0-9]{1,6})?);sig=([0-9a-f]{64}))?\Z"
)


@dataclass(frozen=True, slots=True)
class Marker:
    """What a marker says."""

    id: str
    """The id of the exchange that this request is a copy of."""
    hop: int
    """How many times it has been copied: 1 for a copy of a client's own request."""
    at: float = field(default=0.0, compare=False)
    """When it was signed, in seconds since the epoch; 0 where it is not."""


def make(exchange_id: str, *, hop: int = 1, secret: str = "", at: float = 0.0) -> bytes:
    """
    Return the value of the marker header.

    Args:
        exchange_id: Letters, digits and `._:-`, at most 128.
        hop: How many times the request has been copied, this time included.
        secret: Signs the marker, unless empty.
        at: Now, in seconds since the epoch; part of what is signed.

    Raises:
        ValueError: the id or the hop count cannot stand in a header.
    """
    if not _ID.match(exchange_id) or not 0 <= hop <= 999:
        raise ValueError(
            f"not an id and hop count for a marker: {exchange_id!r}, {hop}"
        )
    claim = f"{exchange_id};hop={hop}".encode()
    if not secret:
        return claim
    claim = b"%s;at=%.6f" % (claim, at)
    return b"%s;sig=%s" % (claim, _sign(claim, secret))


def read(
    value: bytes,
    *,
    secret: str = "",
    now: float | None = None,
    max_age: float = MAX_AGE,
) -> Marker | None:
    """
    Return what the marker says, or None if it says nothing that counts.

    Args:
        value: The header's value.
        secret: With it, only a marker signed with the same secret counts.
        now: Seconds since the epoch; with it, only one at most `max_age` old counts.
        max_age: Seconds, in either direction, for clocks that differ.
    """
    form = _FORM.match(value)
    if form is None:
        return None
    name, hop, at, signature = form.groups()
    if secret:
        if signature is None:
            return None
        claim = value[: form.start(4) - len(b";sig=")]
        if not hmac.compare_digest(_sign(claim, secret), signature):
            return None
        if now is not None and abs(now - float(at)) > max_age:
            return None
    return Marker(name.decode("ascii"), int(hop), float(at or 0.0))


def refused_by(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return why the shadow that answered so has refused a write, or nothing."""
    for name, value in headers:
        if name.lower() == REFUSED_HEADER and value in _REFUSALS:
            return value.decode("ascii")
    return ""


def _sign(claim: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), claim, "sha256").hex().encode()
