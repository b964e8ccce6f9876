"""Stand-ins for the ports of the package, shared by the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shadow_middleware.capture import Capture, Collector, Record
from shadow_middleware.exchange import Headers
from shadow_middleware.handoff.base import HandoffState
from shadow_middleware.handoff.census import Census
from shadow_middleware.live import LiveSide, odd_of
from shadow_middleware.selection import SKIPPED
from shadow_middleware.settings import load

__all__ = [
    "RecordingHandoff",
    "begun",
    "captured",
    "recorded",
    "recording_live",
    "respond",
]


class RecordingHandoff:
    """A hand-off that keeps every capture for the test to look at."""

    def __init__(self) -> None:
        self.session = "test"
        self.paused_until = 0
        self.resting = False
        self.small = 2**14
        self.timed = False
        self.census = Census()
        self.captures: list[Capture] = []
        self.refused = 0
        self.started = 0

    @property
    def only(self) -> Capture:
        """The one capture that there has to be."""
        assert len(self.captures) == 1
        return self.captures[0]

    def offer(self, capture: Capture) -> None:
        self.captures.append(capture)

    def add(self, record: Record) -> None:
        self.offer(captured(record))

    def refuse(self) -> None:
        self.refused += 1

    @property
    def free_bytes(self) -> int:
        return 2**24

    def defer(self, work: Callable[[], None]) -> None:
        work()

    def start(self) -> None:
        self.started += 1

    def flush(self, timeout: float = 0.0) -> bool:
        return True

    def close(self, timeout: float, *, wait: bool = True) -> bool:
        return True

    @property
    def state(self) -> HandoffState:
        return HandoffState(
            session=self.session,
            selected=len(self.captures) + self.refused,
            handed=len(self.captures),
            dropped={},
            held=0,
            held_bytes=0,
            ended=0,
            agents=0,
            connected=True,
        )


def recording_live(**settings: Any) -> tuple[LiveSide, RecordingHandoff]:
    """Return a live side, and the hand-off that records what it hands over."""
    handoff = RecordingHandoff()
    settings.setdefault("shadow_url", "http://shadow.test")
    return LiveSide(load(settings), handoff), handoff


def begun(
    live: LiveSide,
    method: str = "GET",
    path: bytes = b"/",
    query: bytes = b"",
    headers: Headers = (),
    scheme: str = "http",
    http_version: str = "1.1",
    context: Any = None,
) -> Capture | None:
    """Return the capture of a request that is mirrored, as adapters begin it; else None."""
    if method not in live.methods:
        return None
    key = live.admits(path, headers, context)
    if key is SKIPPED:
        return None
    odd = odd_of(key, scheme, http_version)
    capture = Capture(live, method, path, query, headers, live.now(), odd)
    return capture if live.clears(capture) else None


def respond(capture: Capture, status: int = 200, headers: Headers = ()) -> None:
    """Have the capture take note of the response's head, as adapters do."""
    capture.status, capture.response_headers = status, tuple(headers)
    if not capture.desk.admits_type(headers):
        capture.leave()


def recorded(capture: Capture) -> Record:
    """Return the record of a capture as the agent gets it: without collectors."""
    values = capture.record()
    return 1, *(v.parts if isinstance(v, Collector) else v for v in values)


def captured(record: Record) -> Capture:
    """Return the capture that a record could be of."""
    started, first_byte, ended, method, path, query, headers, *rest = record
    request, status, response_headers, response, route, odd = rest
    capture: Any = Capture(None, method, path, query, headers, started, odd)  # type: ignore[arg-type]
    capture.first_byte, capture.ended, capture.request = first_byte, ended, request
    capture.status, capture.response_headers = status, response_headers
    capture.response, capture.route, capture.done = response, route, True
    return capture  # type: ignore[no-any-return]
