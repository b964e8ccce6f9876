"""
The words of an endpoint: what is asked of it, and what it answers.

An endpoint is a function from a question to a value. It runs on a worker thread, so it
may read the store; its types are all that the OpenAPI document is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Generic, Protocol, TypeVar

import msgspec

from shadow_middleware.reading import Reading, Steering, Triage

__all__ = [
    "NO_ZERO_BYTE",
    "Evidence",
    "Fingerprint",
    "Listed",
    "Note",
    "Nothing",
    "Operation",
    "Page",
    "Question",
    "Slice",
    "Text",
    "Time",
    "page_of",
]

_MOST = 200
_FARTHEST = 1_000_000

NO_ZERO_BYTE = r"^[^\x00]*$"
"""Of every text: Postgres holds none, and nothing that was captured is shown with one."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=NO_ZERO_BYTE)]
Time = Annotated[float, msgspec.Meta(ge=0, le=1e11)]
"""Unix seconds."""
Fingerprint = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
Note = Annotated[str, msgspec.Meta(max_length=1_000, pattern=NO_ZERO_BYTE)]
"""Why, in the words of whoever decides."""

T = TypeVar("T")


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameter, no content."""


class Slice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which part of a list is wanted."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=_MOST)] = 50
    offset: Annotated[int, msgspec.Meta(ge=0, le=_FARTHEST)] = 0


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list."""

    items: list[T]
    total: int
    """All that fit."""
    limit: int
    offset: int


class Listed(msgspec.Struct, Generic[T], frozen=True):
    """A whole list, short by its nature."""

    items: list[T]


class Evidence(Protocol):
    """Where endpoints read, and where they write what a person decides."""

    @property
    def reading(self) -> Reading:
        """What is read from; raises StoreError while the store is away."""
        ...

    @property
    def triage(self) -> Triage:
        """What is written to; raises StoreError while the store is away."""
        ...

    @property
    def steering(self) -> Steering:
        """What targets are changed by; raises StoreError while the store is away."""
        ...


class Question(msgspec.Struct, frozen=True):
    """One request, as an endpoint needs to know it."""

    evidence: Evidence
    path: Mapping[str, str]
    query: Any
    """Of the operation's `query`."""
    body: Any
    """Of the operation's `body`."""

    @property
    def reading(self) -> Reading:
        """What is read from."""
        return self.evidence.reading

    @property
    def triage(self) -> Triage:
        """What is written to."""
        return self.evidence.triage

    @property
    def steering(self) -> Steering:
        """What targets are changed by."""
        return self.evidence.steering


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path."""

    name: str
    path: str
    """Below `/api`, with placeholders as the router has them."""
    answer: Any
    """The type of what it answers with."""
    run: Callable[[Question], Any]
    """Its docstring is what the OpenAPI document says of it."""
    query: type[msgspec.Struct] = Nothing
    body: type[msgspec.Struct] | None = None
    method: str = "GET"
    status: int = 200
    tag: str = "evidence"


def page_of(items: list[T], asked: Slice) -> Page[T]:
    """Return the part of a list that was asked for."""
    part = items[asked.offset : asked.offset + asked.limit]
    return Page(part, len(items), asked.limit, asked.offset)
