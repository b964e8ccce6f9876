"""One request on its way through Django, from middleware to `response.close()`."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from shadow_middleware.capture import Capture
from shadow_middleware.live import LiveSide, odd_of
from shadow_middleware.selection import ROUTE_KEY, SKIPPED
from shadow_middleware.wsgi.environ import encoded_names, is_websocket
from shadow_middleware.wsgi.input import Input
from shadow_middleware.wsgi.look import counts
from shadow_middleware.wsgi.request import Exchange

__all__ = ["DjangoExchange", "LateDesk", "begin_scope", "looked_at"]


def _nothing() -> None:
    """Return what a reference to no response returns."""


class DjangoExchange(Exchange, kw_only=True):
    """What is seen of one request; it ends once, and raises nothing into Django."""

    # A Struct, as its base is: made without Python code, however much it holds.

    response_of: Callable[[], Any] = _nothing
    """Weak, so that a response that nobody closes is missed as soon as it goes."""
    stream: _StreamTap | None = None

    def tap_body(self, environ: Mapping[str, Any]) -> None:
        """See what the view reads; nothing is read on its behalf."""
        request = self.context
        length = environ.get("CONTENT_LENGTH")
        if "HTTP_TRANSFER_ENCODING" not in environ and (not length or length == "0"):
            return
        if hasattr(request, "_body"):  # a middleware before us has read it
            self.request_chunk(request._body)
        elif request._read_started:
            self.request_incomplete()
        else:
            self.input = Input(request._stream, self, length)
            request._stream = self.input

    def raised(self, error: BaseException) -> None:
        """End with what Django itself did not turn into a response."""
        self.failed(error)
        self.end()

    def cancelled(self) -> None:
        """End where the client went away before there was a response."""
        self.end("client_disconnect")

    def watch(self, response: HttpResponseBase) -> None:
        """Follow the response until the server closes it."""
        try:
            self.response_of = weakref.ref(response)
            # Read when it goes out, not now: the middleware before us may change it.
            response._resource_closers.append(self.closed)  # type: ignore[attr-defined]
            if getattr(response, "streaming", False):
                self._note_head(response)
                self._tap_stream(response)
            else:
                self.first_byte = self.live.now()
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self.broken("django response", error)

    def _tap_stream(self, response: Any) -> None:
        # The iterator, not `streaming_content`: setting that would take the file of a
        # FileResponse away, and with it the server's sendfile.
        tap = _AsyncTap if response.is_async else _SyncTap
        self.stream = tap(response._iterator, self._note)
        response._iterator = self.stream

    def _note(self, chunk: Any) -> None:
        try:
            if not isinstance(chunk, bytes):
                chunk = self.response_of().make_bytes(chunk)
            self.response_chunk(chunk)
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self.broken("django stream", error)

    def _note_head(self, response: Any) -> None:
        self.status = response.status_code
        # `items()` looks every name up again, in Python; what it looks in has pairs.
        store = getattr(response.headers, "_store", None)
        pairs = response.items() if store is None else store.values()
        names = encoded_names
        headers = []
        for name, value in pairs:  # a comprehension is a function too
            headers.append((names[name], value.encode("latin-1")))
        if response.cookies:
            headers += [
                (b"Set-Cookie", cookie.output(header="").strip().encode("latin-1"))
                for cookie in response.cookies.values()
            ]
        self.response_headers = headers
        if not (self.live.any_type and self.first_byte):
            # Only a stream can be an event stream, so only streams are asked.
            self._check_type()

    def _check_type(self) -> None:
        if not self.live.admits_type(self.response_headers):
            self.leave()
            route = self.find_route()
            self.live.passed(self.method, route, self.path, self.status)

    def closed(self) -> None:
        """Hand over: the server has the last byte."""
        if self.done:
            return
        stream = self.stream
        if stream is None:
            try:
                response = self.response_of()
                self._note_head(response)
                if self.method != "HEAD" and not self.done:
                    self.response_whole(response.content)
            except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
                self.broken("django response", error)
        elif stream.error is not None:
            self.failed(stream.error)
        elif not stream.exhausted and self.method != "HEAD":
            self.end("sendfile" if self._sent_as_file() else "client_disconnect")
        self.end()

    def _sent_as_file(self) -> bool:
        """Whether Django gave the server the file itself, past every iterator."""
        if getattr(self.response_of(), "file_to_stream", None) is None:
            return False
        return "wsgi.file_wrapper" in self.context.META

    def find_route(self) -> str:
        """Return the pattern that Django found, or ''. Never raises."""
        try:
            return _route_of(self.context)
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self.live.fault("django route", error)
            return ""

    def __del__(self) -> None:
        # Another middleware put a response of its own in the place of the one we watch.
        if not self.done:
            self.live.defer(self._replaced)

    def _replaced(self) -> None:
        if self.stream is not None and self.stream.error is not None:
            self.failed(self.stream.error)
            self.end()
        else:
            self.end("response_replaced")


def _route_of(request: Any) -> str:
    if named := request.META.get(ROUTE_KEY):
        return str(named)  # of `OWN` the very object
    match = request.resolver_match
    return "" if match is None else "/" + str(match.route).removeprefix("/")


def looked_at(live: LiveSide, request: Any, status: int, number: int) -> None:
    """Count a request that is not mirrored, for itself and others. Never raises."""
    try:
        if counts(live, request.META):
            path = quote(request.path).encode()
            live.passed(request.method, _route_of(request), path, status, number)
    except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
        live.fault("django look", error)


def begin_scope(
    live: LiveSide, request: Any, desk: LateDesk | None
) -> DjangoExchange | None:
    """
    Return the exchange of a request that came by ASGI, None if it is not mirrored.

    It raises where a scope is unlike the standard: call it behind a fence.
    """
    scope = request.scope
    if is_websocket(request.META):
        return None
    # A copy: the list is the server's.
    headers = tuple(scope["headers"])
    path = scope.get("raw_path") or quote(scope["path"]).encode()
    key = None if desk else live.admits(path, headers, request)
    if key is SKIPPED:
        return None
    exchange = DjangoExchange(
        desk or live,
        request.method,
        path,
        scope.get("query_string", b""),
        headers,
        live.now(),
        odd_of(key, scope.get("scheme", "http"), scope.get("http_version", "1.1")),
        live=live,
        context=request,
    )
    if not desk and not live.clears(exchange):
        return None
    exchange.tap_body(request.META)
    return exchange


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
        key = self._live.admits(capture.path, capture.headers, self._request)
        if key is SKIPPED:
            if self._live.counts(capture.headers):
                route, status = capture.route, capture.status
                self._live.passed(capture.method, route, capture.path, status)
            return
        if key is not None:
            capture.note("key", key)
        capture.desk = self._live
        if self._live.clears(capture):
            self._live.hand_over(capture)
