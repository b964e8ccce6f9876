"""The middleware itself: all that stands between a server's call and the app's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from shadow_middleware.runtime import live_side
from shadow_middleware.settings import load
from shadow_middleware.wsgi.body import wrapped
from shadow_middleware.wsgi.environ import Environ, Plans
from shadow_middleware.wsgi.exchange import WsgiExchange
from shadow_middleware.wsgi.listing import lister_of
from shadow_middleware.wsgi.look import Look
from shadow_middleware.wsgi.request import SEEN, begin

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

__all__ = ["ShadowMiddleware"]


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
        self.live.meeting = lambda occasion: lister_of(app)
        self._mark = id(self)
        self._plans = Plans()

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Serve the request with the app, exactly as it would be without us."""
        live = self.live
        exchange = None
        try:
            if environ.get("REQUEST_METHOD") in live.methods and SEEN not in environ:
                environ[SEEN] = self._mark  # of two around one app, one captures
                exchange = begin(WsgiExchange, live, self._plans, environ, environ)
                if exchange is not None:
                    exchange.server_start = start_response
                    wrapper = environ.get("wsgi.file_wrapper")
                    if wrapper is not None and not isinstance(wrapper, type):
                        exchange.tap_file_wrapper(wrapper)
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            live.fault("wsgi request", error)
        if exchange is None:
            if live.census is not None and (number := live.census.due()):
                return self._look_at(environ, start_response, number)
            return self.app(environ, start_response)
        try:
            result = self.app(environ, exchange.start_response)
        except BaseException as error:
            exchange.failed(error)
            exchange.end()
            raise
        return wrapped(result, exchange)

    def _look_at(
        self, environ: Environ, start_response: StartResponse, number: int
    ) -> Iterable[bytes]:
        """Serve a request that is not mirrored, and count what route it used."""
        if environ.get(SEEN, self._mark) != self._mark:  # another one's, within us
            return self.app(environ, start_response)
        look = Look(self.live, environ, start_response, number)
        try:
            return self.app(environ, look.start_response)
        except BaseException:
            look.note(0)
            raise
