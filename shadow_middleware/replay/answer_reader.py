"""
From the bytes of a connection to one answer: when it is whole, cut, or none.

The grammar is llhttp's, through httptools. Nothing is decoded, merged or sorted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import httptools

from shadow_middleware.errors import ReplayProtocolError
from shadow_middleware.exchange import Body, Response

__all__ = ["MAX_HEAD", "AnswerReader"]

MAX_HEAD: Final = 256 * 1024
"""Bytes that may come without any of a body: heads, sizes of chunks, trailers."""

_SWITCHING: Final = 101


class AnswerReader:
    """
    Reads one answer after the other, as they come over one connection.

    Args:
        cap: Bytes of a body that are kept. The rest of a longer one is not waited for.
        clock: Nanoseconds, monotonic.
    """

    def __init__(self, cap: int, clock: Callable[[], int]) -> None:
        self._cap = cap
        self._clock = clock
        self._parser = self._new_parser()
        self.begin(head_only=False)

    def begin(self, *, head_only: bool) -> None:
        """Expect an answer; `head_only` where it has no body, as one to HEAD."""
        self._head_only = head_only
        self._fields: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._length = self._without_body = 0
        self._has_head = self._is_whole = self._is_too_much = False
        self.first = 0
        """When the first byte of the body was there, or the head of an empty one."""
        self.keeps = False
        """Whether another answer may follow this one, once it is whole."""

    def feed(self, data: bytes) -> bool:
        """
        Take what has come; return whether the answer is whole, or longer than the cap.

        Raises:
            ReplayProtocolError: it is no HTTP, or more than it announced.
        """
        before = self._length
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.keeps = False
        except httptools.HttpParserError as error:
            raise ReplayProtocolError(f"{type(error).__name__}: {error}") from None
        if self._is_too_much:
            raise ReplayProtocolError("more came than the answer had announced")
        if self._length == before and not self._is_whole:
            self._without_body += len(data)
            if self._without_body > MAX_HEAD:
                raise ReplayProtocolError(f"{MAX_HEAD:,} bytes came, and no body")
        return self._is_whole or self._length > self._cap

    def end(self) -> bool:
        """Take note that nothing more comes; return whether that makes it whole."""
        if not self._has_head or self._head_only:
            return False
        framed = (b"content-length", b"transfer-encoding")
        return not any(name.lower() in framed for name, _ in self._fields)

    def response(self) -> Response:
        """Return the answer; of a body beyond the cap, a length that it has at least."""
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if self._length > self._cap:
            data = data[: self._cap]
        status = self._parser.get_status_code()
        response = Response(status, self._fields, Body(data, self._length))
        if self._head_only:
            # It still waits for the body that was announced.
            self._parser = self._new_parser()
        return response

    def _new_parser(self) -> httptools.HttpResponseParser:
        parser = httptools.HttpResponseParser(self)
        # What clients other than the most pedantic take.
        parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        return parser

    # --- what the parser tells ----------------------------------------------------------

    def on_message_begin(self) -> None:
        """See an answer begin; nobody has asked for a second one."""
        self._is_too_much = self._is_whole

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; trailers are not kept."""
        if not self._has_head:
            self._fields.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """See the head end."""
        self._has_head = True
        self.first = self._clock()
        if self._head_only and self._parser.get_status_code() >= 200:
            self._is_whole = True
            self.keeps = self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self._head_only:
            self._is_too_much = True
        if not self._length:
            self.first = self._clock()
        if self._length <= self._cap:
            self._chunks.append(data)
        self._length += len(data)

    def on_message_complete(self) -> None:
        """See the answer end, or one that only comes before it, such as 103."""
        status = self._parser.get_status_code()
        if status < 200 and status != _SWITCHING:
            self._fields = []
            self._has_head = False
            return
        self._is_whole = True
        self.keeps = self._parser.should_keep_alive()
