"""A request that is not mirrored: what route it used, and with what status."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from shadow_middleware.live import LiveSide
from shadow_middleware.transform.marker import MARKER_HEADER
from shadow_middleware.wsgi.environ import Environ, request_target, route_of

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

__all__ = ["Look", "counts"]


class Look:
    """Stands in for a server's `start_response`, and counts the request once."""

    def __init__(
        self,
        live: LiveSide,
        environ: Environ,
        start_response: StartResponse,
        number: int,
    ) -> None:
        self._live = live
        self._environ: Environ | None = environ
        self._server = start_response
        self._number = number

    def start_response(
        self, status: str, headers: list[tuple[str, str]], *exc_info: Any
    ) -> Callable[[bytes], object]:
        """Pass the head on to the server, then take note of it."""
        write = self._server(status, headers, *exc_info)
        # Now: Flask's route is gone from the environ before a stream has ended.
        self.note(status)
        return write

    def note(self, status: str | int) -> None:
        """Count the request, for itself and others that nobody looked at."""
        environ, self._environ = self._environ, None
        if environ is None:
            return
        try:
            if counts(self._live, environ):
                path, _ = request_target(environ)
                self._live.passed(
                    environ["REQUEST_METHOD"],
                    route_of(environ),
                    path,
                    int(str(status)[:3]),
                    self._number,
                )
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self._live.fault("wsgi look", error)


_MARKER: Final = "HTTP_" + MARKER_HEADER.decode().upper().replace("-", "_")


def counts(live: LiveSide, environ: Environ) -> bool:
    """Whether a request that is not mirrored is one of live's, and not a copy."""
    marker = environ.get(_MARKER)
    headers = () if marker is None else ((MARKER_HEADER, marker.encode("latin-1")),)
    return live.counts(headers)
