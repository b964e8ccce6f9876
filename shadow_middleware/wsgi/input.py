"""What the app reads: the server's stream with an observer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from shadow_middleware.capture import Capture

__all__ = ["Input"]


class Input:
    """
    `wsgi.input` as the server gave it; what the app reads is noted as it passes.

    Methods beyond PEP 3333 exist exactly where the server's object has them.
    """

    __slots__ = ("_astray", "_at_end", "_capture", "_expected", "_received", "_stream")

    def __init__(self, stream: Any, capture: Capture, length: str | None) -> None:
        self._stream = stream
        self._capture = capture
        self._expected = int(length) if length and length.isdecimal() else None
        self._received = 0
        self._at_end = False
        self._astray = False

    @property
    def complete(self) -> bool:
        """Whether the app has read the body to its end."""
        if self._expected is None:
            return self._at_end
        return self._received >= self._expected

    def _note(self, data: bytes, size: int | None = -1) -> None:
        if (not data and size != 0) or size is None or size < 0:
            self._at_end = True
        if data:
            if self._astray:
                self._capture.request_incomplete()
            self._received += len(data)
            self._capture.request_chunk(data)

    def read(self, *size: Any) -> bytes:
        data: bytes = self._stream.read(*size)
        self._note(data, *size[:1])
        return data

    def readline(self, *size: Any) -> bytes:
        line: bytes = self._stream.readline(*size)
        self._note(line, 0 if size[:1] == (0,) else 1)
        return line

    def readlines(self, *hint: Any) -> list[bytes]:
        lines: list[bytes] = self._stream.readlines(*hint)
        self._note(b"".join(lines), *hint[:1])
        return lines

    def __iter__(self) -> Iterator[bytes]:
        for line in self._stream:
            self._note(line, 1)
            yield line
        self._note(b"")

    def __next__(self) -> bytes:
        line: bytes = next(self._stream)
        self._note(line, 1)
        return line

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._stream, name)
        if name == "read1":
            return self._noted(found)
        if name == "seek":
            return self._moved(found)
        if name in ("readinto", "readinto1"):
            return self._noted_from_buffer(found)
        if name == "detach":
            return self._unseen(found)
        return found

    def _noted(self, method: Callable[..., bytes]) -> Callable[..., bytes]:
        def read(*args: Any) -> bytes:
            data = method(*args)
            self._note(data, 1)
            return data

        return read

    def _noted_from_buffer(
        self, method: Callable[[Any], int | None]
    ) -> Callable[[Any], int | None]:
        def readinto(buffer: Any) -> int | None:
            count = method(buffer)
            if count is not None:
                view = memoryview(buffer).cast("B")
                self._note(bytes(view[:count]), len(view))
            return count

        return readinto

    def _moved(self, method: Callable[..., int]) -> Callable[..., int]:
        def seek(*args: Any) -> int:
            position = method(*args)
            # Django looks at the end for the size, and comes back before it reads.
            self._astray = position != self._received
            return position

        return seek

    def _unseen(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Let a way of reading that we cannot follow be what it is."""

        def call(*args: Any) -> Any:
            self._capture.request_incomplete()
            return method(*args)

        return call
