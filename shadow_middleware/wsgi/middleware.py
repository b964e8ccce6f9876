"""The middleware itself, and one request on its way through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from shadow_middleware.capture import Capture
from shadow_middleware.live import LiveSide
from shadow_middleware.runtime import live_side
from shadow_middleware.settings import load
from shadow_middleware.wsgi.body import wrapped
from shadow_middleware.wsgi.environ import (
    Environ,
    is_websocket,
    request_headers,
    request_target,
    response_headers,
    route_of,
)
from shadow_middleware.wsgi.input import Input

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

    from _typeshed import OptExcInfo

__all__ = ["ShadowMiddleware"]

_SEEN: Final = "shadow_middleware.seen"


class ShadowMiddleware:
    """
    Mirrors what passes between a WSGI server and `app` to a shadow.

    Takes every setting as a keyword. Constructing it starts nothing.

    Raises:
        ConfigurationError: if the settings are wrong; never at a request.
    """

    def __init__(self, app: WSGIApplication, **settings: Any) -> None:
        self.app = app
        self.settings = load(settings)
        self.live = live_side(self.settings)
        self._methods = self.settings.mirrored_methods

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Serve the request with the app, exactly as it would be without us."""
        if environ.get("REQUEST_METHOD") not in self._methods:
            return self.app(environ, start_response)
        capture = None
        if _SEEN not in environ:  # of two middlewares around one app one captures
            environ[_SEEN] = True
            capture = self._begin(environ)
        if capture is None:
            return self.app(environ, start_response)
        return Exchange(self.live, capture, environ, start_response).run(self.app)

    def _begin(self, environ: Environ) -> Capture | None:
        try:
            if is_websocket(environ):
                return None
            path, query = request_target(environ)
            return self.live.begin(
                environ["REQUEST_METHOD"],
                path,
                query,
                request_headers(environ),
                environ["wsgi.url_scheme"],
                environ.get("SERVER_PROTOCOL", "HTTP/1.1")[5:],
                environ,
            )
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self.live.fault("wsgi request", error)
            return None


class Exchange:
    """One request on its way through; the app and the server never meet its state."""

    # Defaults live on the class: most requests set few of these.
    write: Callable[[bytes], object] | None = None
    input: Input | None = None
    file: object = None
    length: int | None = None
    sent = 0
    raised = False
    route = ""

    def __init__(
        self,
        live: LiveSide,
        capture: Capture,
        environ: Environ,
        start_response: StartResponse,
    ) -> None:
        self.live = live
        self.capture = capture
        self.environ = environ
        self.start = start_response

    def run(self, app: WSGIApplication) -> Iterable[bytes]:
        """Call the app and return its answer, wrapped so that it is seen."""
        self._tap_environ()
        try:
            result = app(self.environ, self.start_response)
        except BaseException as error:
            self.failed(error)
            self.end(complete=True)
            raise
        if self._is_file(result):
            # The server sends the file itself, past everybody: no bytes to compare.
            self._note_unread()
            self.capture.abandon("sendfile", self._route())
            return result
        return wrapped(result, self)

    def _tap_environ(self) -> None:
        """Stand between the app and what it reads, where there is anything to see."""
        environ = self.environ
        length = environ.get("CONTENT_LENGTH")
        if (length and length != "0") or "HTTP_TRANSFER_ENCODING" in environ:
            self.input = Input(environ["wsgi.input"], self.capture, length)
            environ["wsgi.input"] = self.input
        wrapper = environ.get("wsgi.file_wrapper")
        if wrapper is not None and not isinstance(wrapper, type):
            environ["wsgi.file_wrapper"] = self._file_wrapper(wrapper)

    def _file_wrapper(self, wrapper: Callable[..., Any]) -> Callable[..., Any]:
        """Remember what a server's wrapper *function* (uWSGI's) makes."""

        def file_wrapper(*args: Any, **kwargs: Any) -> Any:
            self.file = wrapper(*args, **kwargs)
            return self.file

        return file_wrapper

    def _is_file(self, result: object) -> bool:
        if self.file is not None and result is self.file:
            return True
        wrapper = self.environ.get("wsgi.file_wrapper")
        return isinstance(wrapper, type) and isinstance(result, wrapper)

    def start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: OptExcInfo | None = None,
    ) -> Callable[[bytes], object]:
        """Pass the head on to the server, then take note of it."""
        if exc_info is None:
            self.write = self.start(status, headers)
        else:
            try:
                self.write = self.start(status, headers, exc_info)
            finally:
                exc_info = None  # PEP 3333: no circular reference through the frame
        self._note_head(status, headers)
        return self._write

    def _note_head(self, status: str, headers: list[tuple[str, str]]) -> None:
        try:
            self._route()
            pairs = response_headers(headers)
            self.capture.response_started(int(status[:3]), pairs)
            for name, value in pairs:
                if len(name) == 14 and name.lower() == b"content-length":
                    self.length = int(value)
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self.capture.broken("wsgi response head", error)

    def _write(self, data: bytes, /) -> object:
        """PEP 3333's legacy `write`: bytes past the iterable."""
        assert self.write is not None
        result = self.write(data)
        self.note(data)
        return result

    def note(self, data: bytes) -> None:
        """Take note of bytes that go to the server."""
        try:
            self.sent += len(data)
        except TypeError:
            return  # no bytes at all; the server says so in its own words
        if self.capture.method != "HEAD":  # servers send none of it
            self.capture.response_chunk(data)

    def failed(self, error: BaseException) -> None:
        """Take note of what the app raised."""
        self.raised = True
        self.capture.failed(error)

    def exhausted(self) -> None:
        """End now where the client has its last byte already, else with `close()`."""
        if self.length is not None and self.sent >= self.length:
            self.end(complete=True)

    def end(self, *, complete: bool) -> None:
        """Hand the exchange over, or abandon it where the client went away."""
        if self.capture.done:
            return
        self._note_unread()
        route = self._route()
        if complete or self._all_sent():
            self.capture.finish(route)
        else:
            self.capture.abandon("client_disconnect", route)

    def _route(self) -> str:
        # Flask clears its traces when it has answered, before a stream has ended.
        try:
            self.route = self.route or route_of(self.environ)
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self.live.fault("wsgi route", error)
        return self.route

    def _note_unread(self) -> None:
        if self.input is not None and not self.input.complete:
            self.capture.request_incomplete()

    def _all_sent(self) -> bool:
        """Whether a server that stopped asking for more had everything."""
        if self.raised or self.capture.method == "HEAD":
            return True
        return self.length is not None and self.sent >= self.length
