"""Without a network: a fake sender, and the outcomes of this process as a list."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shadow_middleware import signals
from shadow_middleware.exchange import Outcome, Request, Response, Timing
from shadow_middleware.replay.base import Answer

__all__ = ["FakeSender", "Outcomes", "collect"]


class FakeSender:
    """
    A `Sender` without a network: records requests, answers what it is told.

    `answer` is a response for every request, or a callable that returns one or
    raises a `ReplayError`.
    """

    def __init__(
        self, answer: Response | Callable[[Request], Response] | None = None
    ) -> None:
        self._answer = Response(200) if answer is None else answer
        self.requests: list[Request] = []
        self.closed = False

    async def send(self, request: Request) -> Answer:
        """Record the request and return the answer."""
        self.requests.append(request)
        started = time.monotonic_ns()
        if isinstance(self._answer, Response):
            response = self._answer
        else:
            response = self._answer(request)
        ended = time.monotonic_ns()
        return Answer(response, Timing(started, ended, ended))

    async def aclose(self) -> None:
        """Be closed."""
        self.closed = True


class Outcomes:
    """The events of the signals, gathered as they arrive; see `collect`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.finished: list[dict[str, Any]] = []
        """The events of `replay_finished`."""
        self.divergences: list[dict[str, Any]] = []
        """The events of `divergence_found`."""
        self.dropped: list[dict[str, Any]] = []
        """The events of `exchange_dropped`."""

    @property
    def counts(self) -> Counter[Outcome]:
        """How many replays ended in each outcome."""
        with self._changed:
            return Counter(Outcome(event["outcome"]) for event in self.finished)

    def wait_for(self, count: int, timeout: float = 60.0) -> Counter[Outcome]:
        """
        Return the outcomes once at least `count` replays have ended.

        Raises:
            TimeoutError: fewer ended within `timeout` seconds; says which.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self.finished) >= count, timeout)
        if len(self.finished) < count:
            raise TimeoutError(f"{dict(self.counts)} of {count} after {timeout} s")
        return self.counts

    def _finished(self, sender: str, *, event: dict[str, Any]) -> None:
        self._add(self.finished, event)

    def _divergence(self, sender: str, *, event: dict[str, Any]) -> None:
        self._add(self.divergences, event)

    def _dropped(self, sender: str, *, event: dict[str, Any]) -> None:
        self._add(self.dropped, event)

    def _add(self, events: list[dict[str, Any]], event: dict[str, Any]) -> None:
        with self._changed:
            events.append(event)
            self._changed.notify_all()


@contextmanager
def collect() -> Iterator[Outcomes]:
    """
    Gather what becomes of every replay of this process, with any engine.

    Set `signal_rate` above the rate of your test, or events are held back::

        with collect() as outcomes:
            client.get("/")
            assert outcomes.wait_for(1) == {Outcome.MATCH: 1}
    """
    outcomes = Outcomes()
    with (
        signals.replay_finished.connected_to(outcomes._finished),
        signals.divergence_found.connected_to(outcomes._divergence),
        signals.exchange_dropped.connected_to(outcomes._dropped),
    ):
        yield outcomes
