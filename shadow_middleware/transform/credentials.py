"""
Which request headers hold credentials, and which of them a target never gets.

Used twice: on the live side with one policy for all targets, so that what nobody
may have does not even cross the wall; and beyond it, once for each target.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from shadow_middleware.exchange import Headers
from shadow_middleware.settings import Settings, Target

__all__ = ["Withheld", "is_credential", "strip", "withheld_names"]

ALWAYS = frozenset({b"proxy-authorization", b"proxy-authenticate"})
"""Meant for a proxy on the way; no setting sends them on (RFC 9110, 11.7)."""

_NAMED = frozenset(
    {
        b"authorization",
        b"authentication",
        b"cookie",
        b"cookie2",
        b"set-cookie",
        # Signed assertions of who the user is, set by a proxy in front of the app.
        b"cf-access-jwt-assertion",
        b"x-amzn-oidc-data",
        b"x-amzn-oidc-identity",
        b"x-goog-iap-jwt-assertion",
        b"x-ms-client-principal",
        b"x-forwarded-client-cert",
        b"x-ssl-client-cert",
        b"ssl-client-cert",
        b"client-cert",
        b"client-cert-chain",
        b"dpop",
        b"x-amz-content-sha256",
        b"php-auth-pw",
    }
)
_SHAPE = re.compile(
    rb"(?:^|[-_])(?:"
    rb"auth|authorization|authentication|token|jwt|jws|bearer|secret|password|passwd"
    rb"|credentials?|session|sessionid|sid|csrf|xsrf|csrftoken|xsrftoken|apikey|authtoken"
    rb"|accesstoken|signature|hmac|otp|totp|pin"
    rb"|(?:api|access|app|auth|master|functions|subscription|private|secret)[-_]?key"
    rb")(?:$|[-_])"
)
"""Words that say *secret* as a segment of a name: `X-Acme-Api-Key`, `Deploy_Token`."""
_INNOCENT = re.compile(rb"^(?:sec-|access-control-|www-authenticate$)")
"""`Sec-Fetch-User`, `Access-Control-Request-Headers`: set by browsers, no secret."""

_MAX_KNOWN = 4096
_MAX_NAME = 128


def is_credential(name: bytes) -> bool:
    """Whether a header of this name, in lower case, holds a credential."""
    if _INNOCENT.search(name):
        return False
    return name in _NAMED or _SHAPE.search(name) is not None


class Withheld(dict[bytes, bool]):
    """
    The answer for every header name, in any case: is it withheld?

    Ask with `withheld[name]` or `name in withheld`. It is a mapping that fills
    itself, because the live path asks for the same few names again and again.
    """

    def __init__(self, *, drop: bool, keep: Iterable[str] = ()) -> None:
        super().__init__()
        self._drop = drop
        self._keep = frozenset(name.strip().lower().encode("latin-1") for name in keep)

    def __missing__(self, name: bytes) -> bool:
        withheld = self._decide(name.lower())
        if len(self) < _MAX_KNOWN and len(name) <= _MAX_NAME:
            self[name] = withheld
        return withheld

    def __contains__(self, name: object) -> bool:
        return isinstance(name, bytes) and self[name]

    def _decide(self, name: bytes) -> bool:
        if name in ALWAYS:
            return True
        return self._drop and name not in self._keep and is_credential(name)


def withheld_names(settings: Settings, target: Target | None = None) -> Withheld:
    """
    Return which header names `target` does not get.

    Without a target: which names no target gets, so that the live side can drop
    them before the wall.
    """
    targets = settings.all_targets if target is None else (target,)
    policies = {each.credentials or settings.credentials for each in targets}
    policies = policies or {settings.credentials}
    return Withheld(drop="pass" not in policies, keep=settings.keep_headers)


def strip(
    headers: Headers, withheld: Withheld
) -> tuple[list[tuple[bytes, bytes]], tuple[str, ...]]:
    """Return the headers that stay, in order, and the lower-case names of the rest."""
    kept = [field for field in headers if not withheld[field[0]]]
    if len(kept) == len(headers):
        return kept, ()
    gone = {name.lower().decode("latin-1") for name, _ in headers if withheld[name]}
    return kept, tuple(sorted(gone))
