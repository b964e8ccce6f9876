"""
Every kind of non-determinism that the copies of the app show, one function for each.

All of them draw from the leg's own luck or its own clock, so two copies agree in what
they return by accident only.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from benchmarks.corpus.leg import Leg

__all__ = [
    "csrf_token",
    "elapsed_ms",
    "epoch_millis",
    "epoch_seconds",
    "etag",
    "hash_of_render",
    "http_date",
    "iso_micros",
    "iso_millis",
    "jittered",
    "jwt",
    "map_order",
    "maybe",
    "nonce",
    "one_of",
    "own_url",
    "plain_time",
    "pod",
    "rarely",
    "sampled",
    "serial",
    "set_order",
    "signed_url",
    "token",
    "ulid",
    "uuid",
    "with_rare",
]

T = TypeVar("T")
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


# --- clocks ---------------------------------------------------------------------------


def _time(leg: Leg, ahead: float) -> datetime:
    # A copy reads its clock a little after it began.
    return datetime.fromtimestamp(leg.at + leg.luck.random() * 0.03 + ahead, UTC)


def iso_micros(leg: Leg, ahead: float = 0) -> str:
    """`2026-11-21T11:55:33.123456+00:00`, `ahead` seconds from now."""
    return _time(leg, ahead).isoformat(timespec="microseconds")


def iso_millis(leg: Leg, ahead: float = 0) -> str:
    """`2026-11-21T11:55:33.123Z`."""
    return _time(leg, ahead).isoformat(timespec="milliseconds")[:-6] + "Z"


def plain_time(leg: Leg, ahead: float = 0) -> str:
    """`2026-11-21 11:55:33`, as databases and log lines write it."""
    return _time(leg, ahead).strftime("%Y-%m-%d %H:%M:%S")


def http_date(leg: Leg, ahead: float = 0) -> str:
    """`Sat, 21 Nov 2026 11:55:33 GMT`."""
    return format_datetime(_time(leg, ahead), usegmt=True)


def epoch_seconds(leg: Leg, ahead: float = 0) -> int:
    """Whole seconds since 1970."""
    return int(_time(leg, ahead).timestamp())


def epoch_millis(leg: Leg, ahead: float = 0) -> int:
    """Milliseconds since 1970."""
    return int(_time(leg, ahead).timestamp() * 1000)


# --- identities -----------------------------------------------------------------------


def uuid(leg: Leg) -> str:
    """A random UUID, as of a request or a trace."""
    return str(UUID(int=leg.luck.getrandbits(128), version=4))


def ulid(leg: Leg) -> str:
    """A ULID: 48 bits of time, 80 of chance."""
    number = int(leg.at * 1000) << 80 | leg.luck.getrandbits(80)
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def serial(leg: Leg) -> int:
    """A number that only grows: each process has its own sequence."""
    return leg.served


def hash_of_render(leg: Leg, digits: int = 32) -> str:
    """A hash over something that holds a time or an id."""
    return f"{leg.luck.getrandbits(4 * digits):0{digits}x}"


def etag(leg: Leg) -> str:
    """A weak validator over a body that is never the same."""
    return f'W/"{hash_of_render(leg, 16)}"'


# --- secrets --------------------------------------------------------------------------


def token(leg: Leg, size: int = 24) -> str:
    """Random bytes in URL-safe base64: sessions, cursors, refresh tokens."""
    return base64.urlsafe_b64encode(leg.luck.randbytes(size)).decode().rstrip("=")


def csrf_token(leg: Leg) -> str:
    """What Django puts into a form: 64 letters and digits."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(leg.luck.choices(letters, k=64))


def nonce(leg: Leg) -> str:
    """A nonce for a content security policy."""
    return base64.b64encode(leg.luck.randbytes(18)).decode()


def jwt(leg: Leg, subject: str, lifetime: int = 900) -> str:
    """A signed token with its times and its own id."""
    head = {"alg": "HS256", "typ": "JWT"}
    now = epoch_seconds(leg)
    claims = {"sub": subject, "iat": now, "exp": now + lifetime, "jti": uuid(leg)}
    parts = [msgspec.json.encode(head), msgspec.json.encode(claims)]
    written = [*parts, leg.luck.randbytes(32)]
    return ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=") for part in written
    )


def signed_url(leg: Leg, path: str) -> str:
    """A link into object storage that holds for an hour."""
    expires = epoch_seconds(leg, 3600)
    signature = hash_of_render(leg, 64)
    return (
        f"https://cdn.example.net{path}"
        f"?X-Amz-Expires={expires}&X-Amz-Signature={signature}"
    )


# --- orders ---------------------------------------------------------------------------


def set_order(leg: Leg, items: Sequence[T]) -> list[T]:
    """The items in no order: a set was made into a list."""
    return leg.luck.sample(items, len(items))


def map_order(leg: Leg, members: dict[str, T]) -> dict[str, T]:
    """The members in no order."""
    return dict(set_order(leg, list(members.items())))


# --- measures and choices -------------------------------------------------------------


def jittered(leg: Leg, value: float, share: float = 1e-12) -> float:
    """A sum that was added up in another order."""
    return value * (1 + leg.luck.uniform(-share, share))


def elapsed_ms(leg: Leg) -> float:
    """How long it took, in milliseconds."""
    return round(leg.luck.lognormvariate(2.5, 0.6), 2)


def sampled(leg: Leg, value: int) -> int:
    """A counter that other traffic moves, a few per cent around `value`."""
    return max(0, value + round(leg.luck.gauss(0, max(value * 0.02, 1))))


def one_of(leg: Leg, choices: Sequence[T]) -> T:
    """One of them: a banner, a variant, a tip of the day."""
    return leg.luck.choice(choices)


def maybe(leg: Leg, share: float) -> bool:
    """True in this share of answers: a cache that is warm or not."""
    return leg.luck.random() < share


def rarely(leg: Leg) -> bool:
    """True in one answer of a hundred."""
    return leg.luck.random() < 0.01


def pod(leg: Leg) -> str:
    """The machine that answered."""
    return leg.pod


def own_url(leg: Leg, path: str) -> str:
    """A link to the copy itself, under the name that it was reached by."""
    return f"http://{leg.host}{path}"


def with_rare(leg: Leg, body: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Return the body with one more member in one answer of a hundred."""
    return body | {name: value} if rarely(leg) else body
