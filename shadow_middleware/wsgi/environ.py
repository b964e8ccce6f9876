"""What the environ says of the request: its target, headers and route."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

__all__ = [
    "ROUTE_KEY",
    "Environ",
    "is_websocket",
    "request_headers",
    "request_target",
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
    return str(environ.get("HTTP_UPGRADE", "")).lower() == "websocket"


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


def request_headers(environ: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """
    Return the headers that the environ still tells: names in lower case.

    Servers have joined duplicates by then, as PEP 3333 has them do.
    """
    headers = []
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            if key in _AMBIENT:
                continue
            name = key[5:]
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            name = key
        else:
            continue
        name_bytes = name.replace("_", "-").lower().encode("latin-1")
        headers.append((name_bytes, value.encode("latin-1")))
    return headers


def route_of(environ: Mapping[str, Any]) -> str:
    """
    Return the template that the app, or its framework, leaves in the environ, or ''.

    An app without a framework can name its route as `shadow_middleware.route`.
    """
    if named := environ.get(ROUTE_KEY):
        return str(named)
    request = environ.get("werkzeug.request")
    rule = getattr(request, "url_rule", None) or environ.get("bottle.route")
    return str(getattr(rule, "rule", "") or "")
