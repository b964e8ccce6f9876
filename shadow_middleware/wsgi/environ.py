"""What the environ says of the request: its target, headers and route."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

__all__ = [
    "ROUTE_KEY",
    "Environ",
    "is_websocket",
    "request_headers",
    "request_target",
    "response_headers",
    "route_of",
]

Environ = dict[str, Any]

ROUTE_KEY: Final = "shadow_middleware.route"
"""Where an app may leave its route's template for us."""

_SAFE_IN_PATH: Final = "/!$&'()*+,;=:@~"  # RFC 3986, section 3.3
# wsgiref and CGI mix the process environment into environ, and HTTP_PROXY with it:
# https://httpoxy.org. None of that came from the client.
_AMBIENT: Final = frozenset(os.environ) | {"HTTP_PROXY"}


def is_websocket(environ: Environ) -> bool:
    """Whether the client asks to leave HTTP for a WebSocket."""
    upgrade = environ.get("HTTP_UPGRADE")
    return upgrade is not None and str(upgrade).lower() == "websocket"


def request_target(environ: Environ) -> tuple[bytes, bytes]:
    """Return raw path and query: as on the request line where the server kept it."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if isinstance(raw, str) and raw:
        target = raw.encode("latin-1")
        if not target.startswith(b"/") and b"://" in target:
            slash = target.find(b"/", target.find(b"://") + 3)
            target = target[slash:] if slash >= 0 else b"/"
        path, _, query = target.partition(b"?")
        return path, query
    decoded = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    path = quote(decoded.encode("latin-1"), safe=_SAFE_IN_PATH).encode()
    return path or b"/", environ.get("QUERY_STRING", "").encode("latin-1")


class _HeaderNames(dict[str, bytes | None]):
    """Header names by environ key, None for keys that are none; learned as they come."""

    def __missing__(self, key: str) -> bytes | None:
        name = None
        if key.startswith("HTTP_") and key not in _AMBIENT:
            name = key[5:].replace("_", "-").lower().encode("latin-1")
        if len(self) < _MOST_NAMES:  # clients choose them
            self[key] = name
        return name


_MOST_NAMES: Final = 4096
_names: Final = _HeaderNames(
    CONTENT_TYPE=b"content-type", CONTENT_LENGTH=b"content-length"
)


def request_headers(environ: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """
    Return the headers that the environ still tells: names in lower case.

    Servers have joined duplicates by then, as PEP 3333 has them do.
    """
    names = _names
    return [
        (name, value.encode("latin-1"))
        for key, value in environ.items()
        if (name := names[key]) is not None
        and (value or not key.startswith("CONTENT_"))  # empty stands for absent
    ]


class _Encoded(dict[str, bytes]):
    """Names of response headers as bytes, learned as they come."""

    def __missing__(self, name: str) -> bytes:
        encoded = name.encode("latin-1")
        if len(self) < _MOST_NAMES:
            self[name] = encoded
        return encoded


_encoded: Final = _Encoded()


def response_headers(pairs: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of a response as the bytes that the server makes of them."""
    names = _encoded
    return [(names[name], value.encode("latin-1")) for name, value in pairs]


def route_of(environ: Mapping[str, Any]) -> str:
    """
    Return the template that the app, or its framework, leaves in the environ, or ''.

    An app without a framework can name its route as `shadow_middleware.route`.
    """
    if named := environ.get(ROUTE_KEY):
        return str(named)
    request = environ.get("werkzeug.request")
    if request is None:
        rule = environ.get("bottle.route")
    else:
        rule = getattr(request, "url_rule", None)
    return "" if rule is None else str(rule.rule)
