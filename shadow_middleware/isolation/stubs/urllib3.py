"""urllib3, and with it requests and botocore, which send through it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import urllib3
from urllib3.connectionpool import HTTPConnectionPool

from shadow_middleware.isolation.options import Answer, Http
from shadow_middleware.isolation.patching import Patches
from shadow_middleware.isolation.stubs.outgoing import stand_in, stands_in

__all__ = ["put"]


def put(patches: Patches, *, library: str | None, http: Http) -> None:
    """Stand in for what connection pools send."""

    def make(present: Any) -> Callable[..., Any]:
        def urlopen(
            self: Any, method: str, url: str, body: Any = None, *more: Any, **kw: Any
        ) -> Any:
            whole = url
            if not url.startswith(("http://", "https://")):  # else it is a proxy's
                port = f":{self.port}" if self.port else ""
                whole = f"{self.scheme}://{self.host}{port}{url}"
            if not stands_in(http, method, whole):
                return present(self, method, url, body, *more, **kw)
            answer = stand_in(http, method, whole, body)
            return _response(answer, method, url, kw.get("preload_content", True))

        return urlopen

    patches.replace(HTTPConnectionPool, "urlopen", make)


def _response(answer: Answer, method: str, url: str, preload: bool) -> Any:
    return urllib3.HTTPResponse(
        body=io.BytesIO(answer.body),
        headers=dict(answer.headers),
        status=answer.status,
        preload_content=preload,
        request_method=method,
        request_url=url,
    )
