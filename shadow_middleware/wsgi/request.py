"""The request that an environ tells of, for the adapters of WSGI, Flask and Django."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from shadow_middleware.capture import Capture, Desk
from shadow_middleware.live import Key, LiveSide, odd_of
from shadow_middleware.selection import OWN, Skipped
from shadow_middleware.wsgi.environ import (
    Environ,
    Plans,
    is_websocket,
    request_target,
)
from shadow_middleware.wsgi.input import Input

__all__ = ["SEEN", "Exchange", "begin"]

SEEN = "shadow_middleware.seen"
"""Set in the environ of a request that a middleware of ours has seen."""


class Exchange(Capture, kw_only=True):
    """A capture that also knows what the app is given."""

    live: LiveSide
    context: Any
    """The environ, or what a framework has in its place."""
    input: Input | None = None

    def tap_body(self, environ: Environ) -> None:
        """See what the app reads, where there is a body; nothing is read for it."""
        raise NotImplementedError

    def find_route(self) -> str:
        """Return the framework's template for the path, or ''. Never raises."""
        raise NotImplementedError

    def end(self, skip: str | None = None) -> None:
        """Hand over: the last byte is with the server; or it never will be, and why."""
        if self.done:
            return
        if self.input is not None and not self.input.complete:
            self.request_incomplete()
        route = self.route or self.find_route()
        # What the app was given knows us; nothing shall wait for the garbage collector.
        self.context = self.input = None
        if route is OWN:
            self.leave()
            return
        if skip is not None:
            self.abandon(skip, route)
            return
        live = self.live
        response = self.response
        if (
            self.request is not None
            or self.desk is not live
            or not live.any_route
            or not (
                response is None
                or (type(response) is bytes and len(response) <= live.short)
            )
        ):
            self.finish(route)
            return
        self.done = True
        try:
            self.ended, self.route = live.now(), route
            live.handoff.add(self.record())
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            live.fault("hand-over", error)


_ABSENT: Final = frozenset({(b"content-type", b""), (b"content-length", b"")})
"""What stands for a header that the client did not send."""

Kind = TypeVar("Kind", bound=Exchange)


def begin(  # noqa: C901 -- one function, since each costs in a busy server
    kind: type[Kind],
    live: LiveSide,
    plans: Plans,
    environ: Environ,
    context: Any,
    desk: Desk | None = None,
) -> Kind | None:
    """
    Return the exchange that begins, or None where it is not to be mirrored.

    It raises where an environ is unlike PEP 3333: call it behind a fence.

    Args:
        kind: What to make.
        live: What selects, and takes the exchange in the end.
        plans: Those of one middleware.
        environ: The request.
        context: What the user's `skip` and `key` callables get.
        desk: What does both instead, when live has answered.
    """
    plan = plans[tuple(environ)]
    headers = []
    for place, name in plan.headers:  # a comprehension is a function too
        headers.append((name, environ[place].encode("latin-1")))
    if plan.odd:
        if is_websocket(environ):
            return None
        headers = [header for header in headers if header not in _ABSENT]
    target = environ.get("RAW_URI")
    if target and target[0] == "/":
        path, _, query = target.encode("latin-1").partition(b"?")
    else:
        path, query = request_target(environ)
    key: Key = None
    if not (live.plain or desk):
        key = live.select(path, headers, context)
        if isinstance(key, Skipped):
            return None
    if live.handoff.paused_until and not desk and live.refuses():
        return None
    scheme = environ.get("wsgi.url_scheme", "http")
    protocol = environ.get("SERVER_PROTOCOL", "HTTP/1.1")
    exchange = kind(
        desk or live,
        environ["REQUEST_METHOD"],
        path,
        query,
        headers,
        live.now(),
        None
        if key is None and scheme == "http" and protocol == "HTTP/1.1"
        else odd_of(key, scheme, protocol[5:]),
        live=live,
        context=context,
    )
    if plan.harmless_to is not live and not desk:
        if not live.clears(exchange):
            return None
        if live.innocent.issuperset(name for _, name in plan.headers):
            plan.harmless_to = live
    if plan.odd:
        exchange.tap_body(environ)
    return exchange
