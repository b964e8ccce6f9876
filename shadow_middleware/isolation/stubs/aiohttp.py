"""aiohttp: a copy opens no connection. It is refused, as a server that is away does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp

from shadow_middleware.errors import OutgoingRefusedError
from shadow_middleware.isolation.options import Http
from shadow_middleware.isolation.patching import Patches
from shadow_middleware.isolation.stubs.outgoing import refused, stand_in, stands_in

__all__ = ["put"]


class _Refused(OutgoingRefusedError, aiohttp.ClientError):
    """An app that handles aiohttp's errors handles this one."""


def put(patches: Patches, *, library: str | None, http: Http) -> None:
    """Refuse each request of a copy before a connection is taken for it."""

    def make(present: Any) -> Callable[..., Any]:
        async def connect(self: Any, req: Any, *more: Any, **kw: Any) -> Any:
            url = str(req.url)
            if not stands_in(http, req.method, url):
                return await present(self, req, *more, **kw)
            stand_in(http, req.method, url)
            raise _Refused(str(refused(req.method, url)))

        return connect

    patches.replace(aiohttp.BaseConnector, "connect", make)
