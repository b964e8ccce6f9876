"""One request on its way through Django, from middleware to `response.close()`."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from shadow_middleware.capture import Capture
from shadow_middleware.live import LiveSide
from shadow_middleware.selection import SKIPPED
from shadow_middleware.wsgi.environ import response_headers
from shadow_middleware.wsgi.input import Input

__all__ = ["Exchange", "LateDesk"]


class Exchange:
    """What is seen of one request; it ends once, and raises nothing into Django."""

    __slots__ = ("_capture", "_input", "_live", "_request", "_response", "_stream")

    def __init__(self, live: LiveSide, capture: Capture, request: HttpRequest) -> None:
        self._live = live
        self._capture = capture
        self._request = request
        self._response: Callable[[], Any] = lambda: None
        self._input: Input | None = None
        self._stream: _StreamTap | None = None

    def tap_request(self) -> None:
        """See what the view reads; nothing is read on its behalf."""
        request: Any = self._request
        length = request.META.get("CONTENT_LENGTH")
        chunked = "HTTP_TRANSFER_ENCODING" in request.META
        if not chunked and (not length or length == "0"):
            return
        if hasattr(request, "_body"):  # a middleware before us has read it
            self._capture.request_chunk(request._body)
        elif request._read_started:
            self._capture.request_incomplete()
        else:
            self._input = Input(request._stream, self._capture, length)
            request._stream = self._input

    def failed(self, error: BaseException) -> None:
        """End with what Django itself did not turn into a response."""
        self._capture.failed(error)
        self._end(self._capture.finish)

    def cancelled(self) -> None:
        """End where the client went away before there was a response."""
        self._end(lambda route: self._capture.abandon("client_disconnect", route))

    def watch(self, response: HttpResponseBase) -> None:
        """Follow the response until the server closes it."""
        try:
            # Weak, so that a response that nobody closes is missed as soon as it goes.
            self._response = weakref.ref(response)
            # Read when it goes out, not now: the middleware before us may change it.
            response._resource_closers.append(self._closed)  # type: ignore[attr-defined]
            self._capture.first_byte = self._live.now()
            if getattr(response, "streaming", False):
                self._capture.first_byte = 0
                self._note_head()
                self._tap_stream(response)
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self._capture.broken("django response", error)

    def _tap_stream(self, response: Any) -> None:
        # The iterator, not `streaming_content`: setting that would take the file of a
        # FileResponse away, and with it the server's sendfile.
        tap = _AsyncTap if response.is_async else _SyncTap
        self._stream = tap(response._iterator, self._note)
        response._iterator = self._stream

    def _note(self, chunk: Any) -> None:
        try:
            data = (
                chunk
                if isinstance(chunk, bytes)
                else self._response().make_bytes(chunk)
            )
            self._capture.response_chunk(data)
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self._capture.broken("django stream", error)

    def _note_head(self) -> None:
        response = self._response()
        headers = response_headers(response.items())
        if response.cookies:
            headers += [
                (b"Set-Cookie", cookie.output(header="").strip().encode("latin-1"))
                for cookie in response.cookies.values()
            ]
        self._capture.response_started(response.status_code, headers)

    def _closed(self) -> None:
        """Hand over: the server has the last byte."""
        if self._stream is None:
            self._note_whole()
            self._end(self._capture.finish)
        elif self._stream.error is not None:
            self.failed(self._stream.error)
        elif self._stream.exhausted or self._request.method == "HEAD":
            self._end(self._capture.finish)
        else:
            reason = "sendfile" if self._sent_as_file() else "client_disconnect"
            self._end(lambda route: self._capture.abandon(reason, route))

    def _note_whole(self) -> None:
        try:
            self._note_head()
            if self._request.method != "HEAD":
                self._capture.response_chunk(self._response().content)
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self._capture.broken("django response", error)

    def _sent_as_file(self) -> bool:
        """Whether Django gave the server the file itself, past every iterator."""
        if getattr(self._response(), "file_to_stream", None) is None:
            return False
        return "wsgi.file_wrapper" in self._request.META

    def _end(self, hand_over: Callable[[str], None]) -> None:
        if self._input is not None and not self._input.complete:
            self._capture.request_incomplete()
        hand_over(self._route())

    def _route(self) -> str:
        try:
            match = self._request.resolver_match
            return "" if match is None else "/" + str(match.route).removeprefix("/")
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self._live.fault("django route", error)
            return ""

    def __del__(self) -> None:
        # Another middleware put a response of its own in the place of the one we watch.
        if not self._capture.done:
            self._live.defer(self._replaced)

    def _replaced(self) -> None:
        stream = self._stream
        if stream is not None and stream.error is not None:
            self.failed(stream.error)
        else:
            self._end(lambda route: self._capture.abandon("response_replaced", route))


class _StreamTap:
    """What both kinds of stream have in common: how they ended."""

    def __init__(self, iterator: Any, note: Callable[[Any], None]) -> None:
        self._iterator = iterator
        self._note = note
        self.exhausted = False
        self.error: BaseException | None = None


class _SyncTap(_StreamTap):
    """A sync stream, walked once by the server and never by us."""

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            chunk = next(self._iterator)
        except StopIteration:
            self.exhausted = True
            raise
        except BaseException as error:
            self.error = error
            raise
        self._note(chunk)
        return chunk


class _AsyncTap(_StreamTap):
    """An async stream, walked once by the server and never by us."""

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            chunk = await anext(self._iterator)
        except StopAsyncIteration:
            self.exhausted = True
            raise
        except Exception as error:
            self.error = error
            raise
        self._note(chunk)
        return chunk


class LateDesk:
    """
    Decides when the response is out, because only then the user is known.

    Looking at `request.user` earlier would load the session, which adds
    `Vary: Cookie` to the answer. Until then bytes are kept, up to the caps.
    """

    def __init__(self, live: LiveSide, request: HttpRequest) -> None:
        self._live = live
        self._request = request
        self.now = live.now
        self.fault = live.fault
        self.defer = live.defer
        self.ledger = live.ledger
        self.caps = live.caps
        self.admits_type = live.admits_type

    def hand_over(self, capture: Capture) -> None:
        """Hand over what turns out to be selected."""
        key = self._live.select(capture.path, capture.headers, self._request)
        if key is SKIPPED or (self._live.handoff.paused_until and self._live.refuses()):
            return
        if key is not None:
            capture.note("key", key)
        capture.desk = self._live
        if self._live.clears(capture):
            self._live.hand_over(capture)
