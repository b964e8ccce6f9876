"""httpx and httpx2: what their own transports would send."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from shadow_middleware.errors import OutgoingRefusedError
from shadow_middleware.isolation.options import Http
from shadow_middleware.isolation.patching import Patches
from shadow_middleware.isolation.stubs.outgoing import stand_in, stands_in

__all__ = ["put"]


def put(patches: Patches, *, library: str | None, http: Http) -> None:
    """Stand in for both transports that open connections; others stay as they are."""
    module: Any = importlib.import_module(library or "httpx")

    def make(present: Any) -> Callable[..., Any]:
        def handle_request(self: Any, request: Any) -> Any:
            if not stands_in(http, request.method, str(request.url)):
                return present(self, request)
            return _response(module, http, request, request.read())

        return handle_request

    def amake(present: Any) -> Callable[..., Any]:
        async def handle_async_request(self: Any, request: Any) -> Any:
            if not stands_in(http, request.method, str(request.url)):
                return await present(self, request)
            return _response(module, http, request, await request.aread())

        return handle_async_request

    patches.replace(module.HTTPTransport, "handle_request", make)
    patches.replace(module.AsyncHTTPTransport, "handle_async_request", amake)


def _response(module: Any, http: Http, request: Any, body: bytes) -> Any:
    try:
        answer = stand_in(http, request.method, str(request.url), body)
    except OutgoingRefusedError as error:
        # What an app expects of a server that is not there.
        raise module.ConnectError(str(error), request=request) from error
    return module.Response(
        answer.status,
        headers=dict(answer.headers),
        content=answer.body,
        request=request,
    )
