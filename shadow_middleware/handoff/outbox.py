"""Frames on their way to an agent: in order, whole for the next one, and counted."""

from __future__ import annotations

import selectors
import socket
from collections import deque
from contextlib import suppress

__all__ = ["Frame", "Outbox", "wait_writable"]


class Frame:
    """Bytes on their way, and how many exchanges they account for."""

    __slots__ = ("accounts", "data", "lasting")

    def __init__(self, data: bytes | bytearray, accounts: int, lasting: bool) -> None:
        self.data = data
        self.accounts = accounts
        self.lasting = lasting
        """Whether a next agent needs it as well."""


class Outbox:
    """What the socket has not taken yet. For one thread at a time."""

    __slots__ = ("_frames", "_offset", "count", "handed", "size")

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._offset = 0
        self.size = 0
        """Bytes held, those of a frame that has gone in part included."""
        self.count = 0
        """Exchanges that the frames account for."""
        self.handed = 0
        """Exchanges of the frames that have gone as a whole."""

    def __bool__(self) -> bool:
        return bool(self._frames)

    def append(self, frame: Frame) -> None:
        """Have this sent after all others."""
        self._frames.append(frame)
        self._account(frame, 1)

    def prepend(self, frame: Frame) -> None:
        """Have this sent before all others; none may have gone in part."""
        self._frames.appendleft(frame)
        self._account(frame, 1)

    def send(self, connection: socket.socket) -> None:
        """Send as much as the socket takes now."""
        while self._frames:
            frame = self._frames[0]
            try:
                with memoryview(frame.data) as view:
                    self._offset += connection.send(view[self._offset :])
            except OSError:
                # It is full; or has failed, which the keeper sees as well.
                return
            if self._offset == len(frame.data):
                self._frames.popleft()
                self._offset = 0
                self._account(frame, -1)
                self.handed += frame.accounts

    def rewind(self) -> None:
        """Keep for a next agent what it needs, from the first frame's beginning."""
        self._offset = 0
        for frame in [frame for frame in self._frames if not frame.lasting]:
            self._frames.remove(frame)
            self._account(frame, -1)

    def clear(self) -> int:
        """Forget all frames; return how many exchanges they accounted for."""
        lost = self.count
        self._frames.clear()
        self._offset = self.size = self.count = 0
        return lost

    def _account(self, frame: Frame, sign: int) -> None:
        self.size += sign * len(frame.data)
        self.count += sign * frame.accounts


def wait_writable(connection: socket.socket | None, timeout: float) -> None:
    """Wait until the socket takes bytes, or all of the time where there is none."""
    # Not select(): it takes no file descriptor above 1023.
    with selectors.DefaultSelector() as waiting:
        with suppress(OSError, ValueError):  # closed a moment ago
            waiting.register(connection or -1, selectors.EVENT_WRITE)
        waiting.select(timeout)
