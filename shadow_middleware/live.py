"""
The live side of one configuration: select, capture, hand over, and never raise.

Adapters ask it for a `Capture` at each request. Everything that could go wrong in
our own code ends in `fault`, which counts it; the live app sees none of it.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from random import random
from typing import TYPE_CHECKING, Any, Final

from shadow_middleware.capture import Capture, Ledger
from shadow_middleware.selection import Selector, Skipped
from shadow_middleware.transform.credentials import strip, withheld_names
from shadow_middleware.transform.marker import MARKER_HEADER
from shadow_middleware.transform.marker import read as read_marker

if TYPE_CHECKING:
    from collections.abc import Callable

    from shadow_middleware.exchange import Headers
    from shadow_middleware.handoff.base import Handoff, HandoffState
    from shadow_middleware.settings import Settings

__all__ = ["LiveSide"]

logger = logging.getLogger("shadow_middleware")

FAULT_LOG_INTERVAL: Final = 60.0
MAX_KNOWN_NAMES: Final = 1024
MIN_ROOM: Final = 4 * 1024 * 1024
"""Bytes that bodies may take while they are collected, however full the buffer is."""


class LiveSide:
    """What all requests of one middleware share. Cheap to make; starts nothing."""

    def __init__(
        self,
        settings: Settings,
        handoff: Handoff,
        *,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.settings = settings
        self.handoff = handoff
        self.now = clock
        self.ledger = Ledger(lambda: max(MIN_ROOM, handoff.free_bytes))
        self.faults: Counter[str] = Counter()
        self._selector = selector = Selector(settings)
        self._off = selector.rate <= 0
        # With a rate of 0 no method is one to mirror: the cheapest no there is.
        self._methods = frozenset() if self._off else selector.methods
        self._admit = selector.admit
        self._plain = selector.plain
        self._any_route = selector.any_route
        self.admits_type = selector.admits_type
        self.any_type = not settings.content_types
        self._withheld = withheld_names(settings)
        self._innocent: set[bytes] = set()
        self._caps = (settings.max_request_body, settings.max_response_body)
        self._fault_logged = float("-inf")

    def begin(
        self,
        method: str,
        path: bytes,
        query: bytes,
        headers: Headers,
        scheme: str = "http",
        http_version: str = "1.1",
        context: Any = None,
        make: type[Capture] = Capture,
    ) -> Capture | None:
        """
        Return the capture of a request that is mirrored, else None. Never raises.

        Args:
            method: In upper case.
            path: As on the request line, percent-escapes and all.
            query: Without the question mark.
            headers: In order, duplicates kept.
            scheme: `http` or `https`.
            http_version: `1.1`, `2`…
            context: What the user's `skip` and `key` callables get.
            make: The kind of capture that the adapter wants.
        """
        if method not in self._methods:
            return None
        try:
            key = None if self._plain else self._admit(path, headers, context, random())
            if isinstance(key, Skipped) or (
                self.handoff.paused_until and self._refused()
            ):
                return None
            capture = make(self, method, path, query, headers, self._caps)
            if key is not None or scheme != "http" or http_version != "1.1":
                _note_odd(capture, key, scheme, http_version)
            innocent = self._innocent
            for name, _ in headers:
                if name not in innocent and self._is_notable(name):
                    return self._look_closer(capture)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.fault("selection", error)
            return None
        return capture

    def _is_notable(self, name: bytes) -> bool:
        """Whether it is a credential or our own marker; remembers names that are not."""
        if self._withheld[name] or name.lower() == MARKER_HEADER:
            return True
        if len(self._innocent) < MAX_KNOWN_NAMES:
            self._innocent.add(name)
        return False

    def _refused(self) -> bool:
        if self.now() >= self.handoff.paused_until:
            self.handoff.paused_until = 0
            return False
        self.handoff.refuse()
        return True

    def _look_closer(self, capture: Capture) -> Capture | None:
        """Leave copies alone, and credentials at home."""
        for name, value in capture.headers:
            if name.lower() == MARKER_HEADER and self._is_copy(value):
                return None
        capture.headers, withheld = strip(capture.headers, self._withheld)
        if withheld:
            capture.note("withheld", withheld)
        return capture

    def _is_copy(self, marker: bytes) -> bool:
        secret = self.settings.secret
        return read_marker(marker, secret=secret, now=time.time()) is not None

    def hand_over(self, capture: Capture) -> None:
        """Take a finished capture, unless its route is excluded. Never raises."""
        try:
            if self._any_route or self._selector.admits_route(
                capture.method, capture.route
            ):
                self.handoff.offer(capture)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.fault("hand-over", error)

    def defer(self, work: Callable[[], None]) -> None:
        """Have this done soon, on another thread; the one way for a finaliser."""
        self.handoff.defer(work)

    def fault(self, where: str, error: BaseException) -> None:
        """Count an exception of our own, and log it at most once a minute."""
        self.faults[where] += 1
        now = time.monotonic()
        if now - self._fault_logged >= FAULT_LOG_INTERVAL:
            self._fault_logged = now
            logger.warning(
                "shadow_middleware failed in its own %s; live is not touched "
                "(%d such faults so far)",
                where,
                self.faults.total(),
                exc_info=error,
            )

    @property
    def state(self) -> HandoffState:
        """The figures of now, of all middlewares that share this hand-off."""
        return self.handoff.state

    def start(self) -> None:
        """Have an agent ready before the first request. Never raises."""
        if self._off:
            return
        try:
            self.handoff.start()
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.fault("start", error)

    def flush(self, timeout: float = 2.0) -> bool:
        """Push out what is held, for up to `timeout` seconds. Never raises."""
        try:
            return self.handoff.flush(timeout)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.fault("flush", error)
            return False


def _note_odd(capture: Capture, key: str | None, scheme: str, version: str) -> None:
    if key is not None:
        capture.note("key", key)
    if scheme != "http":
        capture.note("scheme", scheme)
    if version != "1.1":
        capture.note("http_version", version)
