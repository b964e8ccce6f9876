"""
The access log: one line for each replay that was sent, for Logstash and its like.

    /users/7?full=1 12.406 15.020 2.614 200 200
    /slow 8.113 - - 200 -

A thread of its own writes the file, so that a slow disk holds up no replay; what it
cannot take is counted. Each round is one write to the end of the file, so agents may
share it, and it is opened anew when logrotate has moved it.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from shadow_middleware.exchange import Outcome, Replay

__all__ = ["AccessLog", "access_line"]

_logger = logging.getLogger("shadow_middleware.access")

MOST: Final = 20_000
"""Lines that wait for the disk."""
LONGEST: Final = 2_000
"""Characters of a URL."""
INTERVAL: Final = 0.25
_UNANSWERED: Final = frozenset({Outcome.SHADOW_ERROR, Outcome.TIMEOUT})
_SAFE: Final = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def access_line(replay: Replay, url: str) -> str:
    """
    Return `url live_ms shadow_ms delta_ms live_status shadow_status`.

    `-` stands for what there is not, as where the shadow did not answer. No URL can
    forge a blank or a line.
    """
    live_ms = replay.exchange.timing.total_ms
    shadow_ms = replay.timing.total_ms if replay.timing else None
    live, shadow = replay.exchange.response, replay.response
    words = [
        quote(url[:LONGEST], safe=_SAFE) or "-",
        f"{live_ms:.3f}",
        "-" if shadow_ms is None else f"{shadow_ms:.3f}",
        "-" if shadow_ms is None else f"{shadow_ms - live_ms:.3f}",
        "-" if live is None else str(live.status),
        "-" if shadow is None else str(shadow.status),
    ]
    return " ".join(words)


class AccessLog:
    """Writes lines to the end of a file. Any thread may write, and never waits."""

    def __init__(self, path: str, url: Callable[[bytes, bytes], str]) -> None:
        """
        Open nothing yet.

        Args:
            path: Of the file; it is made where it is not there.
            url: Returns path and query as text, without secrets.
        """
        self._path = path
        self._url = url
        self._lines: deque[str] = deque()
        self._lost = 0
        self._complaint = ""
        self._file: int | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def write(self, replay: Replay) -> None:
        """Take in the line of a replay, if it was sent."""
        if replay.response is None and replay.outcome not in _UNANSWERED:
            return
        if len(self._lines) >= MOST:
            self._lost += 1
            return
        request = replay.exchange.request
        self._lines.append(access_line(replay, self._url(request.path, request.query)))
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="shadow-middleware-access", daemon=True
            )
            self._thread.start()

    def close(self, timeout: float) -> None:
        """Write what is left within so many seconds, and close the file."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.wait(INTERVAL):
            self._round()
        self._round()
        self._let_go()

    def _round(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        if not lines:
            return
        try:
            _write_all(self._opened(), "".join(f"{line}\n" for line in lines).encode())
        except OSError as error:
            self._lost += len(lines)
            self._let_go()
            self._complain(f"lines are lost, for the access log fails: {error}")
        else:
            if self._lost:
                lost, self._lost = self._lost, 0
                _logger.warning("%d lines of the access log were lost", lost)
            self._complaint = ""

    def _opened(self) -> int:
        if self._file is not None and not self._is_same(self._file):
            self._let_go()
        if self._file is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._file = os.open(self._path, flags, 0o640)
        return self._file

    def _is_same(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self._path))
        except FileNotFoundError:
            return False

    def _let_go(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            self._complaint = text
            _logger.warning("%s", text)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
