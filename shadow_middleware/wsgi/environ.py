"""What the environ says of the request: its target, headers and route."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from shadow_middleware.selection import ROUTE_KEY

__all__ = [
    "Environ",
    "Plan",
    "Plans",
    "encoded_names",
    "is_websocket",
    "request_target",
    "route_of",
]

Environ = dict[str, Any]

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


class Plan(msgspec.Struct, eq=False):
    """What the keys of an environ say, whatever their values."""

    headers: tuple[tuple[str, bytes], ...]
    """Those that hold a header, and what it is called, in lower case."""
    odd: bool
    """Whether there may be a body, a change of protocol, or a header that is none."""
    harmless_to: object = None
    """The live side that finds nothing of note in these names."""


class Plans(dict[tuple[str, ...], Plan]):
    """
    Plans by the keys of an environ; made as they come.

    Requests of the same clients have the same keys, in the same order.
    """

    def __missing__(self, keys: tuple[str, ...]) -> Plan:
        named = {key: name for key in keys if (name := _header_name(key)) is not None}
        plan = Plan(tuple(named.items()), not _ODD.isdisjoint(named))
        if sum(map(len, keys)) <= _LONGEST_PLAN:
            if len(self) >= _MOST_PLANS:  # clients choose the keys: begin anew
                self.clear()
            self[keys] = plan
        return plan


_ODD: Final = frozenset(
    {"CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "HTTP_UPGRADE"}
)
_MOST_PLANS: Final = 256
_LONGEST_PLAN: Final = 4096
"""Characters of all keys."""


def _header_name(key: str) -> bytes | None:
    if key.startswith("HTTP_"):
        if key in _AMBIENT:
            return None
        key = key[5:]
    elif key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        return None
    return key.replace("_", "-").lower().encode("latin-1")


_MOST_NAMES: Final = 4096


class _Encoded(dict[str, bytes]):
    """Names of response headers as bytes, learned as they come."""

    def __missing__(self, name: str) -> bytes:
        encoded = name.encode("latin-1")
        if len(self) < _MOST_NAMES:
            self[name] = encoded
        return encoded


encoded_names: Final = _Encoded()


def route_of(environ: Mapping[str, Any]) -> str:
    """
    Return the template that the app, or its framework, leaves in the environ, or ''.

    An app without a framework can name its route as `shadow_middleware.route`.
    """
    if named := environ.get(ROUTE_KEY):
        return str(named)  # of `OWN` the very object
    request = environ.get("werkzeug.request")
    if request is None:
        rule = environ.get("bottle.route")
    else:
        rule = getattr(request, "url_rule", None)
    return "" if rule is None else str(rule.rule)
