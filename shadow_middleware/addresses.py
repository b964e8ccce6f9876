"""
Addresses of apps: what is one, and whether two of them are the same app.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, unquote, urlsplit

from shadow_middleware.configuration import IMPORT_PATH, Place

__all__ = [
    "admits",
    "check_allowed",
    "check_listen",
    "check_target",
    "check_url",
    "covers",
    "host_and_port",
    "is_app",
    "is_loopback",
]


def is_app(url: str) -> bool:
    """Whether it names an app to import: `asgi:shop.main:app`, `wsgi:shop.wsgi:app`."""
    return url.startswith(("asgi:", "wsgi:"))


def check_target(place: Place, value: str) -> str:
    """Check the address of a shadow, or the import path of one that is run here."""
    if not is_app(value):
        return check_url(place, value)
    kind, _, path = value.partition(":")
    if not IMPORT_PATH.fullmatch(path):
        raise place.error(
            f"{place.show(value)} names no app", f"'{kind}:package.module:app'"
        )
    return value


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
    # What is left of a scheme, as in `http//host` and `http:host`, is none of the host.
    host = re.sub(r"^(?:https?(?::|/)/*|[^/]*:/+|/+)", "", value, flags=re.IGNORECASE)
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


_PATTERN = re.compile(
    r"(?:(?P<scheme>https?)://)?"
    r"(?P<host>\*|(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}|\*))?"
    r"(?P<path>/[!-~]*)?"
)
_HOST = re.compile(r"[a-z0-9][a-z0-9.-]*|[0-9a-f:.]+")


def check_allowed(place: Place, value: str) -> str:
    """Check a pattern of addresses, or the import path of an app."""
    if is_app(value):
        return check_target(place, value)
    found = _PATTERN.fullmatch(value.lower())
    if not found or any(one in value for one in "?#@\\"):
        raise place.error(
            f"{place.show(value)} is no pattern of addresses",
            "such as 'shadow.internal', 'shadow.internal:8080' or "
            "'https://*.staging.example.com'",
        )
    return value


def admits(pattern: str, url: str) -> bool:
    """
    Whether an address fits a pattern that `check_allowed` has let pass.

    `*.` in front stands for one or more labels of a name; no scheme is either, no port
    that of the scheme, `:*` any. A path admits itself and all below. Of an app that is
    imported only the very same path fits.
    """
    if is_app(pattern) or is_app(url):
        return pattern == url
    wanted = _PATTERN.fullmatch(pattern.lower())
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if wanted is None or parts.username is not None or not _HOST.fullmatch(host):
        return False
    default = 443 if parts.scheme == "https" else 80
    port = wanted["port"] or str(default)
    return (
        parts.scheme in ("http", "https")
        and wanted["scheme"] in (None, parts.scheme)
        and port in ("*", str(parts.port or default))
        and _host_fits(wanted["host"], host)
        and _path_fits(pattern, wanted["path"] or "", parts.path)
    )


def _host_fits(wanted: str, host: str) -> bool:
    if wanted.startswith("["):
        try:
            return ipaddress.ip_address(wanted[1:-1]) == ipaddress.ip_address(host)
        except ValueError:
            return False
    if wanted == "*":
        return True
    return host.endswith(wanted[1:]) if wanted.startswith("*.") else host == wanted


def _path_fits(pattern: str, wanted: str, path: str) -> bool:
    base = pattern[len(pattern) - len(wanted) :].rstrip("/")
    if not base:
        return True
    steps = unquote(path).replace("\\", "/").split("/")
    return not {".", ".."} & set(steps) and (path + "/").startswith(base + "/")


def check_listen(place: Place, value: str) -> str:
    """Check `host:port`, of this machine; the empty text stays."""
    if not value:
        return value
    try:
        host, port = host_and_port(value)
    except ValueError:
        raise place.error(
            f"{place.show(value)} is not host:port", "did you mean '127.0.0.1:9464'?"
        ) from None
    if not 0 < port < 65_536:
        raise place.error(f"{place.show(value)} has no usable port")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def host_and_port(value: str) -> tuple[str, int]:
    """
    Return the two parts of `host:port`.

    Raises:
        ValueError: it has no two parts, or is more than that.
    """
    host, _, port = value.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        return str(ipaddress.IPv6Address(host[1:-1])), int(port)
    if not re.fullmatch(r"[A-Za-z0-9.-]+", host) or not port.isdecimal():
        raise ValueError(value)
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine is reached by that name."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
