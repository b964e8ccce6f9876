"""
The words: exchange, response, outcome, difference, replay.

Plain immutable data that every stage of the flow shares. Nothing here does any
work beyond answering questions about itself.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import msgspec

__all__ = [
    "CALL",
    "CALL_URL",
    "CANDIDATE",
    "CONTROL",
    "Body",
    "Difference",
    "Exchange",
    "Given",
    "Headers",
    "Kind",
    "Outcome",
    "Part",
    "Replay",
    "Request",
    "Response",
    "Substitution",
    "Timing",
    "Unknown",
    "header_values",
]

CONTROL = "control"
"""The target under which replays to the control are counted. No shadow may be named so."""

CALL = "CALL"
"""What stands for the method of an exchange that is a function's call."""
CALL_URL = "call:"
"""The address of a target that nothing is sent to: answers come along with exchanges."""
CANDIDATE = "candidate"
"""The target under which calls of candidates are counted."""

Headers = Sequence[tuple[bytes, bytes]]
"""Header fields as they came: ordered, duplicates kept, names in any case."""


class Outcome(enum.StrEnum):
    """How a replay ended. Every selected exchange has exactly one per target."""

    MATCH = "match"
    """Both sides gave the same answer."""
    NOISE = "noise"
    """They differ only where two identical versions differ as well."""
    DIVERGENCE = "divergence"
    """They differ, and no rule and no noise explains it."""
    SHADOW_ERROR = "shadow_error"
    """The shadow refused, reset or did not speak HTTP."""
    TIMEOUT = "timeout"
    """The shadow did not finish in time."""
    LIVE_ERROR = "live_error"
    """The live app raised or answered with a 5xx: no evidence either way."""
    INCOMPARABLE = "incomparable"
    """A body was cut by a cap and what is left cannot decide."""
    SKIPPED = "skipped"
    """Not replayed on purpose; the reason says why."""
    DROPPED = "dropped"
    """Not replayed because a bound was reached; the reason says which."""


class Part(enum.StrEnum):
    """The part of a response in which a difference lies."""

    STATUS = "status"
    HEADER = "header"
    BODY = "body"
    LATENCY = "latency"


class Kind(enum.StrEnum):
    """What kind of difference it is, seen from live to shadow."""

    MISSING = "missing"
    """Live has it, the shadow does not."""
    ADDED = "added"
    """The shadow has it, live does not."""
    CHANGED = "changed"
    """Both have it, with different values."""
    TYPE = "type"
    """Both have it, with values of different types."""
    ORDER = "order"
    """The same items in another order."""
    UNCHANGED = "unchanged"
    """Both have the same, where a rule expects a change."""


class Body(msgspec.Struct, frozen=True):
    """
    The bytes of a body, whole or cut at a cap.

    Beyond the cap only the length and a running SHA-256 digest of *all* bytes
    are kept, so two cut bodies can still be told apart.
    """

    data: bytes = b""
    """The first bytes, at most the cap."""
    length: int = 0
    """How many bytes passed in all."""
    digest: bytes | None = None
    """SHA-256 of all bytes; None while `data` holds them all."""

    @property
    def complete(self) -> bool:
        """Whether `data` is the whole body."""
        return self.length == len(self.data)


EMPTY_BODY = Body()


class Request(msgspec.Struct, frozen=True):
    """A request as it came in: raw bytes, nothing decoded, nothing re-encoded."""

    method: str
    path: bytes
    """The raw path as on the request line, percent-escapes and all."""
    query: bytes = b""
    """The raw query string without the question mark."""
    headers: Headers = ()
    body: Body = EMPTY_BODY
    scheme: str = "http"
    http_version: str = "1.1"

    @property
    def path_and_query(self) -> bytes:
        """The target as on the request line: raw, with the question mark if there is one."""
        return self.path + b"?" + self.query if self.query else self.path


class Response(msgspec.Struct, frozen=True):
    """A response of either side, as bytes."""

    status: int
    headers: Headers = ()
    body: Body = EMPTY_BODY
    trailers: Headers = ()


class Timing(msgspec.Struct, frozen=True):
    """
    Three readings of one monotonic clock, in nanoseconds.

    Taken at the same points on both legs: the request begins, the first byte of
    the body (or, with no body, the head) is there, the last byte is there.
    """

    started: int
    first_byte: int
    ended: int

    @property
    def total_ms(self) -> float:
        """Milliseconds from start to last byte."""
        return (self.ended - self.started) / 1e6

    @property
    def first_byte_ms(self) -> float:
        """Milliseconds from start to first byte."""
        return (self.first_byte - self.started) / 1e6


class Given(msgspec.Struct, frozen=True):
    """A candidate's end of a call, which came along with control's: nothing is sent."""

    outcome: Outcome | None = None
    """How it ended, where it did not answer."""
    reason: str = ""
    response: Response | None = None
    timing: Timing | None = None


class Unknown(enum.StrEnum):
    """What is not known of an exchange that was read from a file, and was once there."""

    HEADERS = "headers"
    """Some or all headers of live's answer."""
    BODY = "body"
    """The body of live's answer."""
    VALUES = "values"
    """Values of live's answer in whose place the file has a mark."""
    TIMING = "timing"
    """How long live took."""


class Exchange(msgspec.Struct, frozen=True):
    """One request with its live response, as captured."""

    id: str
    """Unique over all hosts: `<process>-<number>` in hexadecimal."""
    at: float
    """When live began to serve it, in seconds since the epoch."""
    request: Request
    response: Response | None
    """None where the live app raised before it answered."""
    timing: Timing
    route: str = ""
    """The framework's own template, `/users/{id}`; the raw path where unknown."""
    key: str | None = None
    """What keeps order and sampling sticky; None stands alone."""
    live_error: str | None = None
    """The class name of what the live app raised, if it raised."""
    skip: str | None = None
    """Why this exchange is counted but not replayed, if so."""
    withheld: tuple[str, ...] = ()
    """Names of request headers that the credential policy dropped on the live side."""
    after_drop: bool = False
    """Whether an earlier exchange of the same key was dropped."""
    given: Given | None = None
    """The other answer, where it is known already."""
    user: str | None = None
    """Whose request it is, where the settings ask for that; never stored."""
    visitor: tuple[str, ...] = ()
    """Pseudonyms of the cookies that its client sent, where sessions are kept."""
    answered_at: float = 0.0
    """When live served it, where `at` says when it was read from a file again; else 0."""
    unknown: tuple[Unknown, ...] = ()
    """What the file that it was read from does not tell."""

    @property
    def live_at(self) -> float:
        """When live served it, in seconds since the epoch."""
        return self.answered_at or self.at

    @property
    def session(self) -> str:
        """The live process that captured it: the first part of the id."""
        return self.id.rpartition("-")[0]

    @property
    def endpoint(self) -> str:
        """Method and route as people say it: `GET /users/{id}`."""
        return f"{self.request.method} {self.route}"


class Difference(msgspec.Struct, frozen=True):
    """One place where the two responses differ."""

    part: Part
    path: str
    """JSON pointer in a body, lower-case name of a header, '' for a whole part."""
    kind: Kind
    live: Any = None
    """A JSON-safe value, or a short description of what cannot be one."""
    shadow: Any = None
    note: str = ""
    """What a person should know about it, such as that the walk was cut."""
    shape: str = ""
    """The path with list indexes and map keys as `*`: `/items/*/id`."""
    live_is: str = ""
    """What sort of value live has: `uuid`, `integer`, `null`; '' where it has none."""
    shadow_is: str = ""
    """What sort of value the shadow has."""
    size: str = ""
    """For two numbers, how far they are apart: `tiny`, `slight`, `some` or `large`."""
    alike: str = ""
    """What both values are, where that can explain that they differ: `timestamp`."""
    group: str = ""
    """The fingerprint of the group that it belongs to, once it is judged."""
    noise: str = ""
    """Why it is noise, once it is judged: `control`, `self-probe`, `uuid`; '' if not."""


class Substitution(msgspec.Struct, frozen=True):
    """One value of a request that was replaced by what the shadow calls the same."""

    where: str
    """`path segment 2`, `body /item_id`, `cookie sessionid`."""
    live: str
    """What live's client sent; the first letters only where it is a secret."""
    shadow: str
    """What was sent in its place; the same."""
    learned: str
    """Where both were seen first: `POST /items, body /id`."""


class Replay(msgspec.Struct, frozen=True):
    """One exchange sent, or not sent, to one target, and how that ended."""

    exchange: Exchange
    target: str
    outcome: Outcome
    reason: str = ""
    """The short word it is counted under: `connect`, `queue_full`, a rule's name…"""
    differences: tuple[Difference, ...] = ()
    explained: tuple[str, ...] = ()
    """Names of the rules and normalisers that explain different bytes."""
    response: Response | None = None
    """What the shadow answered, if it did."""
    timing: Timing | None = None
    """The shadow's leg, on the same clock points as the live one."""
    cut: bool = False
    """Whether the comparison reached its budget before the end."""
    hint: str = ""
    """The setting of ours that most likely explains the result, in a sentence."""
    signature: str = ""
    """Which groups a divergence belongs to: see `knowledge.signature_of`."""
    version: str = ""
    """The shadow's version: as it says itself, or as the settings say."""
    hits: tuple[tuple[str, str], ...] = ()
    """Each rule that took a difference away, with the sort of difference it was."""
    rebound: tuple[Substitution, ...] = ()
    """What was put in place of live's own names in the request that was sent."""
    ambiguous: tuple[str, ...] = ()
    """Values that were left alone, since they may name several things: where each is."""


def header_values(headers: Headers, name: bytes) -> list[bytes]:
    """Return every value of the header `name` (lower case), in order."""
    return [value for key, value in headers if key.lower() == name]
