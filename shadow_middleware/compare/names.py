"""What the name of a field says of its value, whatever case it is written in."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Meaning", "meaning_of"]

TIMES = frozenset(
    [
        "at",
        "clock",
        "created",
        "date",
        "datetime",
        "ended",
        "epoch",
        "exp",
        "expire",
        "expires",
        "expiry",
        "generated",
        "iat",
        "modified",
        "nbf",
        "now",
        "since",
        "started",
        "time",
        "timestamp",
        "ts",
        "until",
        "updated",
    ]
)
IDS = frozenset(["id", "pk", "rowid", "seq", "sequence", "serial", "uid"])
NUMBERS = frozenset(["no", "nr", "number", "ref", "reference"])
NUMBERED = frozenset(
    [
        "account",
        "booking",
        "case",
        "confirmation",
        "invoice",
        "order",
        "payment",
        "receipt",
        "reference",
        "request",
        "ticket",
        "trace",
        "tracking",
        "transaction",
    ]
)
CSRF = re.compile(r"csrf|xsrf|authenticity_?token|request_?verification_?token")
SECRETS = frozenset(
    ["nonce", "token", "sig", "signature", "hmac", "etag", "sid", "session", "digest"]
)
MAX_NAME = 64

_humps = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


class Meaning(NamedTuple):
    """What a value of that name may be."""

    time: bool = False
    id: bool = False
    """Numbered one after another."""
    reference: bool = False
    """Numbered one after another, behind a prefix."""
    csrf: bool = False
    secret: bool = False
    """A string made at random."""


NOTHING = Meaning()


@lru_cache(maxsize=4096)
def meaning_of(name: str) -> Meaning:
    """Return what is known of a value by its name alone."""
    if not name or len(name) > MAX_NAME:
        return NOTHING
    words = [word.lower() for word in _humps.split(name) if word]
    if not words:
        return NOTHING
    last = words[-1]
    numbered = last in NUMBERS and (len(words) == 1 or words[-2] in NUMBERED)
    single = last in IDS or (last.endswith("s") and last[:-1] in IDS)
    return Meaning(
        time=last in TIMES,
        id=single or (numbered and len(words) > 1),
        reference=single or numbered,
        csrf=CSRF.search(name.lower().replace("-", "_")) is not None,
        secret=last in SECRETS,
    )
