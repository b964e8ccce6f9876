"""
One copy of the app as it answers one request.

Three copies run the same code on the same state. What they draw from `pick` is the
same on all of them; what they draw from `luck` is each copy's own.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Literal, NamedTuple

from shadow_middleware.exchange import Body, Response

__all__ = ["Answer", "Copy", "Form", "Leg", "Route"]

Copy = Literal["live", "control", "shadow", "probe"]
Form = Literal["json", "ndjson", "html", "text", "csv", "xml"]


class Leg(NamedTuple):
    """What one copy has at hand while it answers."""

    pick: Random
    """Chance that all copies share: the state of the database, one might say."""
    luck: Random
    """Chance of this copy alone."""
    at: float
    """When it begins to answer, in seconds since the epoch."""
    host: str
    """The name that it is reached under."""
    pod: str
    """The name of the machine that it runs on."""
    served: int
    """How many requests this process has answered so far."""


class Answer:
    """An answer before it is written, so that a regression can still be planted in it."""

    def __init__(self, body: Any, form: Form = "json", status: int = 200) -> None:
        self.status = status
        self.body = body
        """A JSON value; of NDJSON a list of them; of texts a list of lines."""
        self.form = form
        self.headers: list[tuple[str, str]] = []
        self.encoding = "utf-8"

    def header(self, name: str, value: str) -> Answer:
        """Add a header field, and return the answer itself."""
        self.headers.append((name, value))
        return self

    def written(self, write: Callable[[Answer], bytes]) -> Response:
        """Return the response as bytes; `write` makes those of the body."""
        data = write(self)
        fields = [*self.headers, ("content-length", str(len(data)))]
        headers = [(name.encode(), value.encode("latin-1")) for name, value in fields]
        return Response(self.status, headers, Body(data, len(data)))


class Route(NamedTuple):
    """One route of the app."""

    endpoint: str
    """`GET /orders/{id}`."""
    weight: int
    """Its share of the traffic, beside the others'."""
    build: Callable[[Leg], Answer]
