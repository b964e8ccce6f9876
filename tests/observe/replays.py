"""Replays to record, and a clock that stands still until it is told otherwise."""

from __future__ import annotations

from typing import Any

from shadow_middleware.evidence import Batch
from shadow_middleware.exchange import (
    Body,
    Difference,
    Exchange,
    Kind,
    Outcome,
    Part,
    Replay,
    Request,
    Response,
    Timing,
)
from shadow_middleware.observe.recorder import Recorder
from shadow_middleware.settings import Settings
from shadow_middleware.transform.redact import Redactor

__all__ = ["AT", "Clock", "Desk", "difference", "replay"]

AT = 1_700_000_000.0
PRICE = Difference(Part.BODY, "/items/3/price", Kind.CHANGED, 19.9, 21)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> float:
        return self.now


class Desk:
    """A recorder with everything around it kept for the test to look at."""

    def __init__(
        self,
        settings: Settings | None = None,
        wants: tuple[str, ...] = (),
        redactor: Any = None,
    ) -> None:
        settings = settings or Settings()
        self.clock = Clock()
        self.steady_clock, self.work_clock = Clock(), Clock()
        self.batches: list[Batch] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.recorder = Recorder(
            settings,
            redactor or Redactor(settings),
            self.batches.append,
            lambda name, event: self.events.append((name, event)),
            wanted=lambda name: name in wants,
            clock=self.clock,
            steady_clock=self.steady_clock,
            work_clock=self.work_clock,
        )

    def flushed(self) -> Batch:
        """Flush, and return everything that was handed over so far as one batch."""
        self.recorder.flush()
        return Batch(
            [count for batch in self.batches for count in batch.counts],
            [one for batch in self.batches for one in batch.latencies],
            [one for batch in self.batches for one in batch.divergences],
            samples=[one for batch in self.batches for one in batch.samples],
            rule_hits=[one for batch in self.batches for one in batch.rule_hits],
        )


def difference(path: str = "/items/3/price", **fields: Any) -> Difference:
    """Return one difference of a body."""
    given: dict[str, Any] = {
        "part": Part.BODY,
        "kind": Kind.CHANGED,
        "live": 19.9,
        "shadow": 21,
    }
    return Difference(path=path, **(given | fields))


def body(text: str) -> Body:
    """Return a whole body."""
    return Body(text.encode(), len(text.encode()))


def replay(outcome: Outcome = Outcome.DIVERGENCE, **fields: Any) -> Replay:
    """Return a replay that ended that way; other fields go to where they belong."""
    exchange = Exchange(
        id=fields.pop("id", "5e55-1"),
        at=fields.pop("at", AT),
        request=Request(
            "GET",
            fields.pop("path", b"/users/7"),
            fields.pop("query", b""),
            fields.pop("request_headers", ()),
            fields.pop("request_body", Body()),
        ),
        response=fields.pop(
            "live",
            Response(200, ((b"Content-Type", b"application/json"),), body('{"a": 1}')),
        ),
        timing=Timing(0, 1_000_000, 2_000_000),
        route=fields.pop("route", "/users/{id}"),
    )
    answered: dict[str, Any] = {
        "response": Response(
            200, ((b"Content-Type", b"application/json"),), body('{"a": 2}')
        ),
        "timing": Timing(0, 2_000_000, 3_000_000),
    }
    if outcome in (Outcome.DROPPED, Outcome.SKIPPED, Outcome.TIMEOUT):
        answered = {}
    if outcome is Outcome.DIVERGENCE:
        answered["differences"] = (PRICE,)
    return Replay(exchange, "shadow", outcome, **(answered | fields))
