"""The first line of a request, as logs have it: `GET /cart?id=1 HTTP/1.1`."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from shadow_middleware.traffic.importers.options import Unreadable

__all__ = ["Asked", "asked", "asked_of", "version_of"]

_METHOD: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}\Z")
_SCHEME: Final = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)")


class Asked(NamedTuple):
    """What was asked for."""

    method: str
    path: bytes
    query: bytes
    version: str
    scheme: str = ""
    """'' where the line does not say, as nearly always."""
    host: bytes = b""


def asked(line: bytes) -> Asked:
    """
    Return what a request line asks for.

    Raises:
        Unreadable: it is none, such as the greeting of a TLS client, or a tunnel.
    """
    method, blank, rest = line.partition(b" ")
    target, last, protocol = rest.rpartition(b" ")
    if not last or not protocol.startswith(b"HTTP/"):
        target, protocol = rest, b"HTTP/0.9"
    if not blank or not _METHOD.match(method):
        raise Unreadable("no request line: the client sent something else than HTTP")
    return asked_of(method, target, version_of(protocol))


def asked_of(method: bytes, target: bytes, version: str = "1.1") -> Asked:
    """
    Return method and target taken apart.

    Raises:
        Unreadable: the method is none, or the target names no resource.
    """
    if not _METHOD.match(method) or method == b"-":
        raise Unreadable("the method is no HTTP method")
    name = method.decode("ascii")
    if target[:1] == b"/":
        path, _, query = target.partition(b"?")
        return Asked(name, path, query, version)
    if target == b"*":
        return Asked(name, target, b"", version)
    found = _SCHEME.match(target)
    if found is None or method == b"CONNECT":
        raise Unreadable("the target is neither a path nor a URL")
    scheme = found[1].decode("ascii").lower()
    if scheme not in ("http", "https"):
        raise Unreadable(f"a URL of {scheme}: is no HTTP request")
    path, _, query = target[found.end() :].partition(b"#")[0].partition(b"?")
    host = found[2].rpartition(b"@")[2]
    return Asked(name, path or b"/", query, version, scheme, host)


def version_of(protocol: bytes) -> str:
    """Return `1.1` of `HTTP/1.1`, and `2` of `HTTP/2.0`, as servers here say it."""
    version = protocol.rpartition(b"/")[2].decode("latin-1").strip().lower()
    short = {"2.0": "2", "h2": "2", "3.0": "3", "h3": "3"}.get(version, version)
    return short if short in ("0.9", "1.0", "1.1", "2", "3") else "1.1"
