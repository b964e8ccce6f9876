"""
Who may look: nobody without a token, a session, or the host's own permission.

Secrets are compared in constant time. A session is a signed cookie that scripts cannot
read and other sites cannot send; whoever writes by it has to send a CSRF token along.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from typing import Final

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from shadow_middleware.errors import ConfigurationError

__all__ = ["SESSION", "Access", "Visitor"]

SESSION: Final = "shadow_session"
"""The name of the cookie."""
_LASTS: Final = 12 * 60 * 60
_SHORTEST: Final = 16


class Visitor(msgspec.Struct, frozen=True):
    """Somebody who may look."""

    csrf: str = ""
    """What a form of theirs has to send along; '' where none is needed."""
    session: bool = False
    """Whether they signed in here, so that they can sign out."""


class Access:
    """
    Decides who may look, the same for pages and for the API.

    Args:
        token: What a client sends as `Authorization: Bearer …`, and a person signs in
            with. At least 16 characters.
        allow: The host framework's own permission: called with the request, truthy
            where it may be served. A text names the visitor: CSRF tokens are then
            theirs alone.
        secret: Signs sessions and CSRF tokens, besides the token: the same in every
            process of a host that gives `allow` alone. With neither it is random, so
            that each process knows its own visitors only.
        now: The clock.

    Raises:
        ConfigurationError: neither was given, or the token is short enough to guess.
    """

    def __init__(
        self,
        token: str | None = None,
        allow: Callable[[HTTPConnection], object] | None = None,
        secret: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        if token is None and allow is None:
            raise ConfigurationError(
                "nobody may see evidence without permission: give token=… or allow=…"
            )
        if token is not None and len(token) < _SHORTEST:
            raise ConfigurationError(
                f"the token has {len(token)} characters, and one of less than "
                f"{_SHORTEST} can be guessed; make one with: "
                "python -c 'import secrets; print(secrets.token_urlsafe())'"
            )
        self._token = token
        self._allow = allow
        self._now = now
        # With either of them, sessions live on when the process begins anew.
        known = "\0".join(one for one in (secret, token) if one)
        seed = known.encode() if known else secrets.token_bytes()
        self._key = hashlib.blake2b(seed, person=b"shadow session").digest()
        self._once: set[str] = set()
        self._lock = threading.Lock()

    def visitor(self, request: HTTPConnection) -> Visitor | None:
        """Return who looks; None where they may not. Blocks as long as `allow` does."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return Visitor()
        session = request.cookies.get(SESSION, "")
        if self._is_session(session):
            return Visitor(self._csrf(session), session=True)
        allowed = self._allow is not None and self._allow(request)
        if allowed:
            who = allowed if isinstance(allowed, str) else ""
            return Visitor(self._csrf(f"host {who}"))
        return None

    def may_post(self, request: Request, visitor: Visitor, token: str) -> bool:
        """
        Return whether what is posted was meant by the visitor.

        A bearer token is never sent by a browser on its own, so it needs no other; all
        else needs the visitor's CSRF token, and comes from no other site.
        """
        if request.headers.get("sec-fetch-site") == "cross-site":
            return False
        return not visitor.csrf or _same(visitor.csrf, token)

    @property
    def takes_token(self) -> bool:
        """Whether people can sign in here, rather than with the host alone."""
        return self._token is not None

    def is_token(self, given: str) -> bool:
        """Return whether it is the token."""
        return self._token is not None and _same(self._token, given)

    def once(self) -> str:
        """Return a code that signs in one time, for a link to be opened here and now."""
        code = secrets.token_urlsafe()
        with self._lock:
            self._once.add(code)
        return code

    def is_code(self, given: str) -> bool:
        """Return whether it is a code that nobody used before; it is used up by this."""
        with self._lock:
            found = next((one for one in self._once if _same(one, given)), None)
            if found is not None:
                self._once.remove(found)
        return found is not None

    def sign_in(self, request: Request, response: Response) -> None:
        """Give the visitor a session of twelve hours."""
        value = f"{int(self._now()) + _LASTS}.{secrets.token_urlsafe(12)}"
        response.set_cookie(
            SESSION,
            f"{value}.{self._sign(value)}",
            max_age=_LASTS,
            path=_path(request),
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )

    def sign_out(self, request: Request, response: Response) -> None:
        """Take the session from the visitor's browser."""
        response.delete_cookie(SESSION, path=_path(request))

    def _is_session(self, cookie: str) -> bool:
        value, _, signature = cookie.rpartition(".")
        until = value.partition(".")[0]
        if not value or not _same(self._sign(value), signature):
            return False
        return until.isdigit() and int(until) > self._now()

    def _csrf(self, session: str) -> str:
        return self._sign(f"csrf {session}")

    def _sign(self, value: str) -> str:
        data = value.encode("utf-8", "replace")
        return hmac.new(self._key, data, hashlib.sha256).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(
        one.encode("utf-8", "replace"), other.encode("utf-8", "replace")
    )


def _path(request: Request) -> str:
    """Return where the cookie is sent: below where the app is mounted."""
    return str(request.scope.get("root_path", "")).rstrip("/") or "/"
