"""
The live side of one configuration: select, capture, hand over, and never raise.

Adapters ask it at each request whether to begin a `Capture`, and hand that over in the
end. Everything that could go wrong in our own code ends in `fault`, which counts it;
the live app sees none of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from random import random
from typing import TYPE_CHECKING, Any, Final

from shadow_middleware.selection import OWN, SKIPPED, Selector, Skipped, reader_of
from shadow_middleware.transform.credentials import strip, withheld_names
from shadow_middleware.transform.marker import MARKER_HEADER
from shadow_middleware.transform.marker import read as read_marker
from shadow_middleware.transform.pseudonym import visitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from shadow_middleware.capture import Capture
    from shadow_middleware.exchange import Headers
    from shadow_middleware.handoff.base import Handoff, HandoffState
    from shadow_middleware.handoff.census import Census, Lister
    from shadow_middleware.settings import Settings

__all__ = ["BodyLedger", "Key", "LiveSide", "odd_of"]

logger = logging.getLogger("shadow_middleware")

_NOTABLE: Final = {MARKER_HEADER, b"content-length", b"transfer-encoding"}

Key = str | Skipped | None
"""What selection says of a request."""

FAULT_LOG_INTERVAL: Final = 60.0
MAX_KNOWN_NAMES: Final = 1024
MIN_ROOM: Final = 4 * 1024 * 1024
"""Bytes that bodies may take while they are collected, however full the buffer is."""


class LiveSide:
    """What all requests of one middleware share. Cheap to make; starts nothing."""

    __slots__ = (
        "_admit",
        "_fault_logged",
        "_known",
        "_look",
        "_return_logged",
        "_selector",
        "_withheld",
        "admits_type",
        "any_response",
        "any_route",
        "any_type",
        "caps",
        "census",
        "faults",
        "handoff",
        "innocent",
        "ledger",
        "meeting",
        "methods",
        "now",
        "plain",
        "settings",
        "short",
    )

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
        self.ledger = BodyLedger(lambda: max(MIN_ROOM, handoff.free_bytes))
        self.faults: Counter[str] = Counter()
        self.caps = (settings.max_request_body, settings.max_response_body)
        self._selector = selector = Selector(settings)
        self.methods = selector.methods
        """Methods that are mirrored: none where nothing is, the cheapest no there is."""
        self.census: Census | None = handoff.census if self.methods else None
        """What takes note of requests that are not mirrored; None where none are."""
        self.meeting: Callable[[Any], Lister] | None = None
        """Called once, when the app is met; what it returns lists the app's routes."""
        self.plain = selector.plain
        """Whether every request of `methods` is mirrored."""
        self._admit = selector.admit
        self.any_route = selector.any_route
        self.admits_type = selector.admits_type
        self.any_type = not settings.content_types
        """Whether all responses are mirrored but event streams."""
        self.any_response = self.any_type and self.any_route
        """Whether nothing of a response's head or route needs a look."""
        self._withheld = withheld_names(settings)
        self._look = _look_at_clients(settings)
        self.innocent: set[bytes] = set()
        """Names of headers that were looked at, and say nothing of note."""
        self._known: dict[tuple[bytes, ...], tuple[str, ...]] = {}
        self.short = min(self.caps[1], handoff.small)
        """Bytes of a response that `handoff.add` may be given."""
        self._fault_logged = self._return_logged = float("-inf")

    def select(self, path: bytes, headers: Headers, context: Any) -> Key:
        """
        Return the key of a request that is mirrored (None without one), else SKIPPED.

        For a request of `methods`, where the selection is not `plain`. Never raises.
        """
        try:
            return self._admit(path, headers, context, random())
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.fault("selection", error)
            return SKIPPED

    def admits(self, path: bytes, headers: Headers, context: Any) -> Key:
        """
        Return the key of a request that is captured now, else SKIPPED. Never raises.

        What adapters write out where each call of a function counts.
        """
        key = None if self.plain else self.select(path, headers, context)
        if key is not SKIPPED and self.handoff.paused_until and self.refuses():
            return SKIPPED
        return key

    def clears(self, capture: Capture) -> bool:
        """
        Keep credentials at home; whether it is no copy of ours. Never raises.

        Call it where a header's name is not `innocent`, or for any capture.
        """
        innocent = self.innocent
        try:
            if self._look is not None:
                self._look(capture)
            notable = tuple([n for n, _ in capture.headers if n not in innocent])
            withheld = self._known.get(notable)
            if withheld is None:
                return self._look_closer(capture, notable)
            # Most browsers send a cookie, and nothing else of note.
            capture.headers = [
                field for field in capture.headers if field[0] in innocent
            ]
            capture.note("withheld", withheld)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.fault("headers", error)
            return False
        return True

    def _is_notable(self, name: bytes) -> bool:
        """Whether it is a credential or our own marker; remembers names that are not."""
        if self._withheld[name] or name.lower() in _NOTABLE:
            return True
        # Where users are looked for, every request is: so no name is innocent.
        if len(self.innocent) < MAX_KNOWN_NAMES and self._look is None:
            self.innocent.add(name)
        return False

    def refuses(self) -> bool:
        """Whether capture rests: the buffer is full, which counts, or nothing is wanted."""
        if self.now() >= self.handoff.paused_until:
            self.handoff.paused_until = 0
            return False
        self.handoff.refuse()
        return True

    def _look_closer(self, capture: Capture, names: tuple[bytes, ...]) -> bool:
        """Keep credentials at home; whether it is not a copy."""
        # Nearly no request comes here but the first: what is done once is done here.
        if self.meeting is not None:
            self.meet(capture.occasion)
        names = tuple([name for name in names if self._is_notable(name)])
        if not names:
            return True
        for name, value in capture.headers:
            match name.lower():
                case b"content-length" if value != b"0":
                    capture.has_body()
                case b"transfer-encoding":
                    capture.has_body()
                case lower if lower == MARKER_HEADER and self._is_copy(value):
                    return False
        capture.headers, withheld = strip(capture.headers, self._withheld)
        if withheld:
            capture.note("withheld", withheld)
            self._remember(names, withheld)
        return True

    def _remember(self, names: tuple[bytes, ...], withheld: tuple[str, ...]) -> None:
        """Know these names the next time, if all they ask for is to be withheld."""
        plain = all(self._withheld[name] for name in names)
        if plain and len(self._known) < MAX_KNOWN_NAMES and len(names) <= len(withheld):
            self._known[names] = withheld

    def _is_copy(self, marker: bytes) -> bool:
        secret = self.settings.secret
        said = read_marker(marker, secret=secret, now=time.time())
        if said is not None and said.id.rpartition("-")[0] == self.handoff.session:
            self._came_back()
        return said is not None

    def _came_back(self) -> None:
        """Say that a copy of what this very process was asked has come back to it."""
        now = time.monotonic()
        if now - self._return_logged >= FAULT_LOG_INTERVAL:
            self._return_logged = now
            logger.warning(
                "a copy of a request of this app was sent to this app: is a target its "
                "own address? Then it is compared with itself, and every verdict is "
                "worth nothing. A shadow that passes requests on to it is no fault"
            )

    def hand_over(self, capture: Capture) -> None:
        """Take a finished capture, unless its route is excluded. Never raises."""
        try:
            if self.any_route or self._selector.admits_route(
                capture.method, capture.route
            ):
                self.handoff.offer(capture)
            else:
                self.passed(capture.method, capture.route, capture.path, capture.status)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.fault("hand-over", error)

    def meet(self, occasion: Any) -> None:
        """Have the app's routes listed, once, on another thread. Never raises."""
        meeting, self.meeting = self.meeting, None
        if meeting is None or self.census is None:
            return
        try:
            self.census.ask(meeting(occasion))
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.fault("routes", error)

    def counts(self, headers: Headers) -> bool:
        """Whether a request that is not mirrored is one of live's, and not a copy."""
        # While the buffer is full, requests are counted as dropped; see `refuses`.
        handoff = self.handoff
        return (handoff.resting or not handoff.paused_until) and not any(
            len(name) == len(MARKER_HEADER)
            and name.lower() == MARKER_HEADER
            and self._is_copy(value)
            for name, value in headers
        )

    def passed(
        self, method: str, route: str, path: bytes, status: int, number: int = 1
    ) -> None:
        """
        Count requests that are not mirrored. Never raises.

        Args:
            method: In upper case.
            route: The framework's template, or ''.
            path: What stands for the route where there is none.
            status: What live answered; 0 where it raised.
            number: How many requests the one at hand stands for.
        """
        if self.census is None or route is OWN:
            return
        try:
            name = f"{method} {route or path.decode('latin-1')}"
            self.census.note(name, status // 100, number)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.fault("census", error)

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
        if not self.methods:
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


def odd_of(key: Key, scheme: str, version: str) -> dict[str, object] | None:
    """Return what differs from the plainest request there is."""
    if key is None and scheme == "http" and version == "1.1":
        return None
    odd: dict[str, object] = {"scheme": scheme, "http_version": version}
    if key is not None:
        odd["key"] = key
    return odd


def _look_at_clients(settings: Settings) -> Callable[[Capture], None] | None:
    """Return what notes whose a request is while its credentials are still there."""
    user_of, sessions = reader_of(settings.user), settings.follows_sessions
    if user_of is None and not sessions:
        return None

    def look(capture: Capture) -> None:
        if user_of is not None and (user := user_of(capture.headers, None)):
            capture.note("user", user.decode("utf-8", "surrogateescape"))
        if sessions and (known := visitor(capture.headers)):
            capture.note("visitor", known)

    return look


class BodyLedger:
    """
    Implements `capture.Ledger` for any number of threads, none of which waits.

    What comes and goes is queued, and added up by whoever comes next. So a finaliser
    may give back even in the middle of an addition on its own thread.
    """

    def __init__(self, room: Callable[[], int]) -> None:
        self._room = room
        self._adding = threading.Lock()
        self._changes: deque[int] = deque()
        self._total = 0

    def take(self, size: int) -> bool:
        """Hold `size` bytes more, if there is room for them."""
        self._add_up()
        if self._total + size > self._room():
            return False
        self._changes.append(size)
        return True

    def give(self, size: int) -> None:
        """Hold `size` bytes less."""
        self._changes.append(-size)

    def _add_up(self) -> None:
        if self._adding.acquire(blocking=False):
            try:
                while self._changes:
                    self._total += self._changes.popleft()
            finally:
                self._adding.release()
