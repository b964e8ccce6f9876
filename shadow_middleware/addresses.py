"""
Addresses of apps: what is one, and whether two of them are the same app.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from shadow_middleware.configuration import Place

__all__ = ["check_url", "covers"]


def check_url(place: Place, value: str) -> str:
    """Check an http address with a host, and nothing that belongs elsewhere."""
    parts, port = _split(place, value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise place.error(
            f"{place.show(value)} is not an http:// or https:// address",
            _with_scheme(value),
        )
    if port == 0:
        raise place.error(f"{place.show(value)} has no usable port")
    if "?" in value or "#" in value:
        bare = re.split("[?#]", value)[0]
        raise place.error(
            f"{place.show(value)} has a query or fragment", f"did you mean {bare!r}?"
        )
    return value


def _split(place: Place, value: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise place.error(f"not an address: {error}") from None
    if "@" in parts.netloc:
        # Not quoted: errors end in logs, and a password is in there.
        raise place.error(
            "the address holds credentials",
            "send them with a transport of your own (`transport`)",
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise place.error(
            f"{place.show(value)} has characters that no address has",
            "percent-encode the path, and write the host in punycode",
        )
    return parts, port


def _with_scheme(value: str) -> str:
    host = value.rpartition("://")[2].lstrip("/")
    return f"did you mean {'http://' + host!r}?" if host else ""


def covers(live: str, target: str) -> bool:
    """
    Whether `target` is an address of the app at `live`: same host, port and base.

    All names of the loopback interface are one host.
    """
    here, there = urlsplit(live), urlsplit(target)
    if _origin(here) != _origin(there):
        return False
    base = here.path.rstrip("/") + "/"
    return (there.path.rstrip("/") + "/").startswith(base)


def _origin(parts: SplitResult) -> tuple[str, int]:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = (parts.hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return "loopback", port
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host, port
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback or address.is_unspecified:
        return "loopback", port
    return str(address), port
