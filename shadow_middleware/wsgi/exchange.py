"""One request on its way through; the app and the server never meet its state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from shadow_middleware.wsgi.environ import Environ, encoded_names, route_of
from shadow_middleware.wsgi.input import Input
from shadow_middleware.wsgi.request import Exchange

if TYPE_CHECKING:
    from _typeshed import OptExcInfo

__all__ = ["WsgiExchange"]


def _not_started(*head: Any) -> Any:
    raise NotImplementedError


class WsgiExchange(Exchange, kw_only=True):
    """The exchange of one environ; `start_response` is what the app gets."""

    # In a busy server every function, and every object, that a request meets costs
    # more than twice what it costs alone. Hence few of them, and Structs: their
    # constructors fill in the defaults without Python code.

    server_start: Callable[..., Callable[[bytes], object]] = _not_started
    server_write: Callable[[bytes], object] | None = None
    file: object = None
    length: int | None = None
    sent: int = 0
    raised: bool = False
    exhausted: bool = False
    """Whether the server has walked the app's iterable to its end."""
    closed: bool = False

    def tap_body(self, environ: Environ) -> None:
        """Stand between the app and what it reads, where there is anything to see."""
        length = environ.get("CONTENT_LENGTH")
        if (length and length != "0") or "HTTP_TRANSFER_ENCODING" in environ:
            self.input = Input(environ["wsgi.input"], self, length)
            environ["wsgi.input"] = self.input

    def tap_file_wrapper(self, wrapper: Callable[..., Any]) -> None:
        """Remember what a server's wrapper *function* (uWSGI's) makes."""

        def file_wrapper(*args: Any, **kwargs: Any) -> Any:
            self.file = wrapper(*args, **kwargs)
            return self.file

        self.context["wsgi.file_wrapper"] = file_wrapper

    def start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: OptExcInfo | None = None,
    ) -> Callable[[bytes], object]:
        """Pass the head on to the server, then take note of it."""
        if exc_info is None:
            self.server_write = self.server_start(status, headers)
        else:
            try:
                self.server_write = self.server_start(status, headers, exc_info)
            finally:
                exc_info = None  # PEP 3333: no circular reference through the frame
        try:
            # Flask clears its traces when it has answered, before a stream has ended.
            if "werkzeug.request" in self.context:
                self.route = self.find_route()
            self.status = int(status[:3])
            names = encoded_names
            kept = []
            length = None
            for name, value in headers:  # a comprehension is a function too
                kept.append((names[name], value.encode("latin-1")))
                if len(name) == 14 and name.lower() == "content-length":
                    length = int(value)
            self.response_headers = kept
            self.length = length
            if not self.live.any_type:
                self._check_type()
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self.broken("wsgi response head", error)
        return self._write

    def _check_type(self) -> None:
        if not self.live.admits_type(self.response_headers):
            route = self.route or self.find_route()
            self.leave()
            self.live.passed(self.method, route, self.path, self.status)

    def _write(self, data: bytes, /) -> object:
        """PEP 3333's legacy `write`: bytes past the iterable."""
        assert self.server_write is not None
        result = self.server_write(data)
        self.passed(data)
        return result

    def passed(self, data: bytes) -> None:
        """Take note of bytes that go to the server."""
        try:
            size = len(data)
        except TypeError:
            return  # no bytes at all; the server says so in its own words
        if not self.sent and self.length is None and self.live.any_type:
            # Only a stream can be an event stream, so only streams are asked.
            self._check_type()
        self.sent += size
        if self.method != "HEAD" and not self.done:  # servers send none of it
            self.response_chunk(data)

    def failed(self, error: BaseException) -> None:
        """Take note of what the app raised."""
        self.raised = True
        super().failed(error)

    def end_list(
        self, given: list[bytes], *, complete: bool, early: bool = False
    ) -> None:
        """
        End with what the server took of a list.

        Args:
            complete: Whether that is all of it.
            early: Only if the client has its last byte already.
        """
        single = len(given) == 1 and not self.sent and type(given[0]) is bytes
        if not single:
            if early and not self.has_all(given):
                return
            self._note_list(given)
            complete = complete or self.has_all(given)
        elif early and len(given[0]) != self.length:
            return
        elif self.method != "HEAD":  # servers send none of it
            data = given[0]
            if len(data) <= self.live.short:
                self.response = data
            else:
                self.response_whole(data)
        self.end(None if complete else self.why_cut())

    def _note_list(self, given: list[bytes]) -> None:
        if self.method != "HEAD":
            for chunk in given:
                self.response_chunk(chunk)

    def has_all(self, body: Sequence[bytes] = ()) -> bool:
        """Whether what was sent, and `body`, is all that the head announced."""
        if self.length is None:
            return False
        try:
            return self.sent + sum(map(len, body)) >= self.length
        except TypeError:
            return False  # no bytes at all; the server says so in its own words

    def why_cut(self) -> str | None:
        """Return why an answer that was not walked to its end is cut, if it is."""
        if self.exhausted or self.raised or self.method == "HEAD" or self.has_all():
            return None
        return "client_disconnect"

    def find_route(self) -> str:
        """Return the framework's template for the path, or ''. Never raises."""
        try:
            return route_of(self.context)
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self.live.fault("wsgi route", error)
            return ""
