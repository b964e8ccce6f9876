"""
A cookie jar of one session, by RFC 6265: domain, path, expiry, and who may see what.

Pure: the time is an argument. A shadow answers under its own address but often sets
cookies for live's name, so either host makes a cookie its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Final, NamedTuple

import msgspec

from shadow_middleware.exchange import Headers, header_values

__all__ = ["Cookie", "Jar", "Visit", "pairs_of"]

MAX_COOKIES: Final = 50
"""Cookies of one session and target; RFC 6265 asks for 50 of each domain."""
MAX_BYTES: Final = 16 * 1024
"""Bytes of all of them together; RFC 6265 asks for 4096 of each."""
_FOREVER: Final = float("inf")


class Visit(NamedTuple):
    """One request, as far as cookies are concerned."""

    hosts: tuple[str, ...]
    """Lower-case names under which the server may set cookies."""
    paths: tuple[str, ...]
    """The path as live's client asked for it, and as the target is asked, if another."""
    secure: bool
    """Whether the client, or the replay, goes over TLS."""
    now: float
    """Unix seconds."""


class Cookie(msgspec.Struct):
    """One cookie as it was set."""

    name: str
    value: str
    domain: str
    host_only: bool
    path: str
    expires: float
    secure: bool
    set_at: int
    """Which of the jar's cookies it is, counted from the first."""


class Jar:
    """The cookies that one shadow has set in one session."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], Cookie] = {}
        self._gone: dict[str, None] = {}
        self._number = 0
        self.bytes = 0
        """What names and values hold."""

    def __len__(self) -> int:
        return len(self._cookies)

    def take(self, headers: Headers, visit: Visit) -> None:
        """Keep what an answer sets, and forget what it ends."""
        for line in header_values(headers, b"set-cookie"):
            cookie = _parsed(line.decode("latin-1"), visit)
            if cookie is not None:
                self._put(cookie, visit.now)

    def _put(self, cookie: Cookie, now: float) -> None:
        key = (cookie.name, cookie.domain, cookie.path)
        old = self._cookies.pop(key, None)
        if old is not None:
            self.bytes -= _size(old)
        if cookie.expires <= now:
            self._forget_name(cookie.name)
            return
        self._gone.pop(cookie.name, None)
        self._number += 1
        cookie.set_at = old.set_at if old is not None else self._number
        self._cookies[key] = cookie
        self.bytes += _size(cookie)
        while len(self._cookies) > MAX_COOKIES or self.bytes > MAX_BYTES:
            first = next(iter(self._cookies))
            self.bytes -= _size(self._cookies.pop(first))

    def _forget_name(self, name: str) -> None:
        self._gone[name] = None
        if len(self._gone) > MAX_COOKIES:
            del self._gone[next(iter(self._gone))]

    def ended(self, name: str) -> bool:
        """Whether the shadow has ended a cookie of that name, and set no other."""
        return name in self._gone

    def cookies(self, visit: Visit) -> list[Cookie]:
        """Return what a client would send, longer paths first, then by age."""
        found = [cookie for cookie in self._cookies.values() if _fits(cookie, visit)]
        return sorted(found, key=lambda cookie: (-len(cookie.path), cookie.set_at))

    def held_back(self, visit: Visit) -> list[str]:
        """Return the names of cookies that only a secure connection would get."""
        if visit.secure:
            return []
        secure = visit._replace(secure=True)
        return [c.name for c in self._cookies.values() if c.secure and _fits(c, secure)]


def pairs_of(header: str) -> Iterator[tuple[str, str]]:
    """Yield names and values of a Cookie header, in order."""
    for pair in header.split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals:
            yield name, value


def _size(cookie: Cookie) -> int:
    return len(cookie.name) + len(cookie.value)


def _fits(cookie: Cookie, visit: Visit) -> bool:
    if cookie.expires <= visit.now or (cookie.secure and not visit.secure):
        return False
    if not any(_path_matches(path, cookie.path) for path in visit.paths):
        return False
    if cookie.host_only:
        return cookie.domain in visit.hosts
    return any(_domain_matches(host, cookie.domain) for host in visit.hosts)


def _parsed(line: str, visit: Visit) -> Cookie | None:
    """Return the cookie of a Set-Cookie line; None where a client refuses it (5.3)."""
    first, *rest = line.split(";")
    name, equals, value = first.partition("=")
    name = name.strip()
    if not equals or not name or any(ord(char) < 32 for char in first):
        return None
    said: dict[str, str] = {}
    for piece in rest:
        key, _, text = piece.partition("=")
        said[key.strip().lower()] = text.strip()
    domain = said.get("domain", "").removeprefix(".").lower()
    home = _home(domain, visit.hosts)
    if home is None:
        return None
    path = said.get("path", "")
    return Cookie(
        name=name,
        value=value.strip(),
        domain=domain or home,
        host_only=not domain,
        path=path if path.startswith("/") else _default_path(visit.paths[0]),
        expires=_expiry(said, visit.now),
        secure="secure" in said,
        set_at=0,
    )


def _home(domain: str, hosts: tuple[str, ...]) -> str | None:
    """Return the host that may set a cookie for the domain."""
    if not domain:
        return hosts[0] if hosts else None
    if "." not in domain and domain not in hosts:
        return None  # a cookie for a whole top-level domain
    return next((host for host in hosts if _domain_matches(host, domain)), None)


def _domain_matches(host: str, domain: str) -> bool:
    """Whether a host lies within a domain: RFC 6265, 5.1.3."""
    if host == domain:
        return True
    if not host.endswith("." + domain):
        return False
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


def _path_matches(path: str, cookie: str) -> bool:
    """Whether a request's path lies within a cookie's: RFC 6265, 5.1.4."""
    if path == cookie:
        return True
    return path.startswith(cookie) and (
        cookie.endswith("/") or path[len(cookie)] == "/"
    )


def _default_path(path: str) -> str:
    folder = path.rpartition("/")[0]
    return folder if folder.startswith("/") else "/"


def _expiry(said: dict[str, str], now: float) -> float:
    """Return when a cookie ends, in Unix seconds; Max-Age goes before Expires."""
    age = said.get("max-age", "")
    if age.removeprefix("-").isdecimal():
        seconds = int(age[:12])
        return now + seconds if seconds > 0 else 0.0
    if "expires" in said:
        return _moment(said["expires"])
    return _FOREVER


def _moment(date: str) -> float:
    """Return a date in Unix seconds; one that cannot be read is none (5.2.1)."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return _FOREVER
