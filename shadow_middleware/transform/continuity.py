"""
Which session an exchange belongs to, also where live gives it another key on the way.

With `key = "cookie:sessionid"` the request that logs in has no key yet, and the answer
names it; a later answer may rotate it. Both are seen in live's own answers, so a chain
of names is one session. Pure, and the same for every target.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from shadow_middleware.compare.media import media_of
from shadow_middleware.exchange import Exchange, Response, header_values
from shadow_middleware.transform.pseudonym import SHORTEST, pseudonym, visitor
from shadow_middleware.transform.secrets import REDACTED

__all__ = ["TOKEN_MEMBERS", "Continuity"]

TOKEN_MEMBERS: Final = frozenset(
    {
        "access",
        "access_token",
        "accessToken",
        "auth_token",
        "authToken",
        "jwt",
        "key",
        "token",
    }
)
"""Members of a JSON answer in which APIs hand out the token of later requests."""
_SHORTEST: Final = 8
"""Characters of the key's own value that may name a session."""
_MAX_BODY: Final = 64 * 1024
_MAX_KNOWN: Final = 200_000


class Continuity:
    """
    Knows which keys are one session.

    A value that live gives to two sessions names neither, so it joins nobody: two
    visitors whose first cookies are the same bytes stay apart.
    """

    def __init__(self, key: str, most: int = _MAX_KNOWN) -> None:
        """
        Know of no session.

        Args:
            key: The setting; '' is a function of the live side, or a key from a file.
            most: How many keys are known at a time; the oldest are forgotten.
        """
        self._kind, _, self._name = key.partition(":")
        self._most = most
        self._known: OrderedDict[str, str | None] = OrderedDict()
        self._issued_before: set[str] = set()

    def place(self, exchange: Exchange) -> Exchange:
        """Return the exchange with its session as its key; None where it has none."""
        session = self._session(exchange)
        if session == exchange.key:
            return exchange
        user = exchange.user or exchange.key
        return msgspec.structs.replace(exchange, key=session, user=user)

    def _session(self, exchange: Exchange) -> str | None:
        seen = self._by_cookies(exchange)
        session = seen
        if exchange.key:
            name = pseudonym(exchange.key)
            if name in self._known:
                session = self._known[name]
                self._known.move_to_end(name)
            else:
                session = seen or name
                self._remember(name, session)
        for value in self._issued(exchange.response):
            session = self._issue(pseudonym(value), session)
        return session

    def _by_cookies(self, exchange: Exchange) -> str | None:
        """Return the session that live gave the client's cookies in, if it is one."""
        names = exchange.visitor or visitor(exchange.request.headers)
        found = {self._known[name] for name in names if name in self._issued_before}
        found.discard(None)
        return found.pop() if len(found) == 1 else None

    def _issue(self, name: str, session: str | None) -> str | None:
        """Take note that live named a session anew; return the session."""
        fresh = name not in self._issued_before
        self._issued_before.add(name)
        if name not in self._known:
            session = session or name
            self._remember(name, session)
        elif session is None and fresh:
            session = self._known[name]  # what came after it was heard of before it
        elif self._known[name] != session:
            self._known[name] = None  # of two sessions, so of none
        return session

    def _remember(self, name: str, session: str) -> None:
        self._known[name] = session
        if len(self._known) > self._most:
            self._issued_before.discard(self._known.popitem(last=False)[0])

    def _issued(self, response: Response | None) -> Iterator[str]:
        """Yield what live's answer may be called the session by from now on."""
        if response is None or response.status >= 400:
            return
        if self._kind == "cookie":
            yield from _cookie_values(response, self._name, _SHORTEST)
        elif self._kind == "header":
            yield from _header_values(response, self._name)
        # A form may be protected by a cookie before anybody has logged in.
        yield from _cookie_values(response, "", SHORTEST)


def _cookie_values(response: Response, name: str, shortest: int) -> Iterator[str]:
    for line in header_values(response.headers, b"set-cookie"):
        pair = line.decode("utf-8", "surrogateescape").partition(";")[0]
        found, _, value = pair.partition("=")
        if (not name or found.strip() == name) and _is_name(value.strip(), shortest):
            yield value.strip()


def _header_values(response: Response, name: str) -> Iterator[str]:
    for value in header_values(response.headers, name.encode("latin-1")):
        yield value.decode("utf-8", "surrogateescape")
    if name == "authorization":
        for token in _tokens(response):
            yield f"Bearer {token}"
            yield f"Token {token}"


def _tokens(response: Response) -> Iterator[str]:
    """Yield the tokens that a JSON answer hands out."""
    body = response.body
    if not body.complete or len(body.data) > _MAX_BODY or media_of(response).codings:
        return
    if body.data[:1] != b"{":
        return
    try:
        value: Any = msgspec.json.decode(body.data)
    except (msgspec.MsgspecError, RecursionError):
        return
    nested = [member for member in value.values() if isinstance(member, dict)]
    for members in (value, *nested):
        for name, token in members.items():
            if name in TOKEN_MEMBERS and isinstance(token, str) and _is_name(token, 8):
                yield token


def _is_name(value: str, shortest: int) -> bool:
    return len(value.strip('"')) >= shortest and REDACTED not in value
