"""
The thread that writes an agent's capture, beside everything else the agent does.

Taking an exchange never waits and never raises. Each that is taken is written or counted
as not written, with the reason; within half a second it is where a kill of the agent
cannot reach it.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from shadow_middleware.exchange import Exchange
from shadow_middleware.settings import Settings
from shadow_middleware.traffic.marks import key_of
from shadow_middleware.traffic.ndjson import VERSION, Account, Head, encode
from shadow_middleware.traffic.recorded import Recorded, bodies_among
from shadow_middleware.traffic.rotation import Limits, Rotation
from shadow_middleware.transform.masking import Marks, Masker

__all__ = ["CaptureWriter", "Tally", "in_words", "recorded_of"]

_logger = logging.getLogger("shadow_middleware.capture")

INTERVAL: Final = 0.25
"""Seconds that an exchange waits before it is written, at most."""
_SOON: Final = 1024 * 1024
"""Bytes that are written at once, whenever that was."""
_AT_ONCE: Final = 200
"""Exchanges in one write."""
_RETRY_AFTER: Final = 1.0
_LONGEST_RETRY: Final = 30.0
_TELL_AGAIN: Final = 60.0
_FAILURES: Final = {
    errno.ENOSPC: "no_space",
    errno.EDQUOT: "no_space",
    errno.EFBIG: "no_space",
}


class Tally(msgspec.Struct, frozen=True):
    """What became of all exchanges so far."""

    taken: int
    written: int
    not_written: dict[str, int]
    waiting: int
    """Taken, and neither written nor given up yet."""
    bytes: int
    """Bytes of all files, as they are on disk."""
    failure: str = ""
    """Why nothing can be written now; empty while all is well."""


class CaptureWriter:
    """Writes the exchanges of one configuration to files that rotate."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        interval: float = INTERVAL,
    ) -> None:
        """
        Start nothing yet.

        Args:
            settings: Those with `capture_to`.
            clock: Seconds since the epoch.
            interval: Seconds between two writes, at most.
        """
        self._settings = settings
        self._clock = clock
        self._interval = interval
        limits = Limits(
            settings.capture_coding,
            settings.capture_rotate_bytes,
            settings.capture_rotate_seconds,
            settings.capture_keep_bytes,
            settings.capture_keep_files,
        )
        self._rotation = Rotation(settings.capture_to, _head(), limits)
        self._masker: Masker | None = None
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Exchange, int]] = deque()
        self._waiting_bytes = 0
        self._unsaved: list[bytes] = []
        self._written = 0
        self._not_written: Counter[str] = Counter()
        self._told_written = 0
        self._told_lost: Counter[str] = Counter()
        self._told_before: Counter[str] = Counter()
        self._failure = ""
        self._reason = ""
        self._retry_at, self._delay = 0.0, _RETRY_AFTER
        self._warned_at = float("-inf")
        self._wake = threading.Event()
        self._closing = False
        self._over = False
        self._thread: threading.Thread | None = None

    # --- the agent's side -----------------------------------------------------------------

    def add(self, exchange: Exchange, size: int) -> None:
        """Take an exchange of about so many bytes, or count it as not written."""
        with self._lock:
            if self._closing:
                self._not_written["shutdown"] += 1
                return
            count = len(self._waiting) + len(self._unsaved)
            settings = self._settings
            if (
                count >= settings.queue_count
                or self._waiting_bytes + size > settings.queue_bytes
            ):
                self._not_written[self._reason or "queue_full"] += 1
                return
            self._waiting.append((exchange, size))
            self._waiting_bytes += size
            urgent = self._waiting_bytes >= _SOON
        if self._thread is None:
            self._start()
        if urgent:
            self._wake.set()

    def dropped(self, drops: dict[str, int]) -> None:
        """Count what the live side sampled and dropped before the wall."""
        with self._lock:
            self._not_written.update(drops)
        if self._thread is None:
            self._start()

    @property
    def tally(self) -> Tally:
        """What became of all exchanges so far."""
        with self._lock:
            waiting = len(self._waiting) + len(self._unsaved)
            gone = self._not_written.total()
            return Tally(
                waiting + self._written + gone,
                self._written,
                dict(self._not_written),
                waiting,
                self._rotation.total_bytes,
                self._failure,
            )

    def close(self, timeout: float) -> Tally:
        """Write what waits within so many seconds, finish the file, and return the sum."""
        with self._lock:
            self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)
        with self._lock:
            self._over = True
            left = len(self._waiting) + len(self._unsaved)
            if left:
                self._not_written[self._reason or "shutdown"] += left
                self._waiting.clear()
                self._unsaved.clear()
        return self.tally

    def _start(self) -> None:
        self._thread = threading.Thread(
            target=self._run, name="shadow-middleware-capture", daemon=True
        )
        self._thread.start()

    # --- the thread -----------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait(self._interval)
            self._wake.clear()
            self._round()
        self._retry_at = 0.0
        self._round()
        with contextlib.suppress(OSError):
            self._finish()

    def _round(self) -> None:
        """Write all that waits, and begin another file if it is time."""
        now = self._clock()
        # Further ahead than anybody waits: the clock has gone back meanwhile.
        if now < self._retry_at <= now + _LONGEST_RETRY:
            return
        try:
            self._check_file()
            while not self._over and (self._unsaved or self._waiting):
                if lines := self._next_lines():
                    self._save(lines, now)
            self._tell_losses(now)
            if self._rotation.is_due(now):
                self._finish()
        except OSError as error:
            self._failed(error, now)
        else:
            self._recovered()

    def _next_lines(self) -> list[bytes]:
        if not self._unsaved:
            masker = self._ready()
            with self._lock:
                some = min(_AT_ONCE, len(self._waiting))
                taken = [self._waiting[at] for at in range(some)]
            lines = [self._line(masker, exchange) for exchange, _ in taken]
            with self._lock:
                if self._over:
                    return []
                for _ in taken:
                    self._waiting_bytes -= self._waiting.popleft()[1]
                self._unsaved = [line for line in lines if line]
        return self._unsaved

    def _line(self, masker: Masker, exchange: Exchange) -> bytes:
        try:
            return encode(recorded_of(masker, exchange))
        except Exception as error:
            with self._lock:
                self._not_written["unwritable"] += 1
            _logger.debug("an exchange cannot be written", exc_info=error)
            return b""

    def _save(self, lines: list[bytes], now: float) -> None:
        self._rotation.write(lines, now)
        with self._lock:
            self._written += len(lines)
            self._unsaved = []

    def _ready(self) -> Masker:
        if self._masker is None:
            key = key_of(self._settings.capture_to)
            self._masker = Masker(self._settings, Marks(key))
        return self._masker

    def _check_file(self) -> None:
        """Count what was written to a file that somebody has removed."""
        if not self._rotation.is_gone():
            return
        path, records = self._rotation.path, self._rotation.records
        self._rotation.forget()
        self._masker = None  # its key may be gone as well
        with self._lock:
            self._written -= records
            self._not_written["removed"] += records
            self._told_written = self._written
        self._told_lost = self._told_before.copy()
        _logger.warning("%s was removed with %d exchanges in it", path, records)

    def _tell(self, write: Callable[[Account], None], *, closed: bool = False) -> None:
        """Write down what was not told yet."""
        with self._lock:
            written, lost = self._written, self._not_written.copy()
        news = lost - self._told_lost
        since = written - self._told_written
        write(Account(since + news.total(), since, dict(news), closed))
        self._told_written, self._told_lost = written, lost

    def _finish(self) -> None:
        if self._rotation.path:
            self._tell(self._rotation.finish, closed=True)
            self._told_before = self._told_lost.copy()

    def _tell_losses(self, now: float) -> None:
        """Write into the file, and into the log, what is not written."""
        with self._lock:
            lost = self._not_written.copy()
        if lost == self._told_lost:
            return
        self._tell(lambda account: self._rotation.note(account, now))
        if now - self._warned_at >= _TELL_AGAIN:
            self._warned_at = now
            _logger.warning(
                "%d exchanges are not in the capture so far: %s",
                lost.total(),
                _words(lost),
            )

    def _failed(self, error: OSError, now: float) -> None:
        self._reason = _FAILURES.get(error.errno or 0, "not_writable")
        if not self._failure:
            _logger.warning(
                "the capture in %s cannot be written: %s; exchanges wait in memory",
                self._settings.capture_to,
                error,
            )
        self._failure = str(error)
        self._retry_at = now + self._delay
        self._delay = min(2 * self._delay, _LONGEST_RETRY)

    def _recovered(self) -> None:
        self._delay, self._reason = _RETRY_AFTER, ""
        if self._failure:
            self._failure = ""
            _logger.warning("the capture can be written again")


def in_words(tally: Tally, folder: str) -> str:
    """Return what became of a capture, in a line for the log."""
    lost = f", {sum(tally.not_written.values())} not: {_words(tally.not_written)}"
    return (
        f"the capture in {folder}: {tally.written} of {tally.taken} exchanges written"
        f"{lost if tally.not_written else ''}"
    )


def recorded_of(masker: Masker, exchange: Exchange) -> Recorded:
    """Return the record of an exchange, without its secrets."""
    masked = masker(exchange)
    missing = bodies_among(masked.left_out)
    return Recorded(masked.exchange, missing, masked=masked.changed)


def _head() -> Head:
    from shadow_middleware import __version__

    return Head(
        VERSION,
        f"shadow_middleware {__version__}",
        host=socket.gethostname(),
        process=f"{os.getpid()}.{secrets.token_hex(3)}",
    )


def _words(lost: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(lost.items()))
