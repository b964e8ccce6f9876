"""urllib.request is answered; http.client, which others build on, is refused."""

from __future__ import annotations

import email.message
import http.client
import io
import urllib.request
import urllib.response
from collections.abc import Callable
from typing import Any

from shadow_middleware.isolation.options import Answer, Http
from shadow_middleware.isolation.patching import Patches
from shadow_middleware.isolation.stubs.outgoing import refused, stand_in, stands_in

__all__ = ["put"]

_WEB = ("http://", "https://")


def put(patches: Patches, *, library: str | None, http: Http) -> None:
    """Stand in for what the standard library sends."""
    patches.replace(urllib.request.OpenerDirector, "open", _opener(http))
    _put_client(patches, http)


def _opener(config: Http) -> Callable[[Any], Callable[..., Any]]:
    def make(present: Any) -> Callable[..., Any]:
        def open(
            self: Any, fullurl: Any, data: Any = None, *more: Any, **kw: Any
        ) -> Any:
            request = fullurl
            if isinstance(fullurl, str):
                request = urllib.request.Request(fullurl, data)
            url, method = request.full_url, request.get_method()
            if not url.startswith(_WEB) or not stands_in(config, method, url):
                return present(self, fullurl, data, *more, **kw)
            body = data if data is not None else request.data
            return _response(stand_in(config, method, url, body), request)

        return open

    return make


def _response(answer: Answer, request: Any) -> Any:
    headers = email.message.Message()
    for name, value in answer.headers.items():
        headers[name] = value
    url = request.full_url
    if answer.status >= 400:
        raise urllib.request.HTTPError(
            url, answer.status, "", headers, io.BytesIO(answer.body)
        )
    body = io.BytesIO(answer.body)
    return urllib.response.addinfourl(body, headers, url, answer.status)


def _put_client(patches: Patches, config: Http) -> None:
    def make(present: Any) -> Callable[..., Any]:
        def connect(self: http.client.HTTPConnection) -> None:
            secure = isinstance(self, http.client.HTTPSConnection)
            url = f"http{'s' * secure}://{self.host}:{self.port}"
            if stands_in(config, "CONNECT", url):
                stand_in(config, "CONNECT", url)
                raise refused("CONNECT", url)
            present(self)

        return connect

    for owner in (http.client.HTTPConnection, http.client.HTTPSConnection):
        patches.replace(owner, "connect", make)
