"""The setting of ours that most likely explains a result, in a sentence."""

from __future__ import annotations

from shadow_middleware.exchange import Exchange, Response, header_values

__all__ = ["hint_for"]

REFUSALS = (401, 403, 407)
REDIRECTS = (301, 302, 303, 307, 308)
LOGIN = (b"login", b"signin", b"sign-in", b"auth", b"sso")
WRONG_HOST = (400, 421)


def hint_for(exchange: Exchange, live: Response, shadow: Response) -> str:
    """Return the hint, or '' where no default of ours is a likely cause."""
    if live.status == shadow.status or exchange.given is not None:
        return ""
    if exchange.withheld and _asks_for_login(live, shadow):
        names = ", ".join(exchange.withheld)
        return (
            f"The shadow answered {shadow.status} where live answered {live.status}: "
            f"credentials are dropped by default (credentials='drop'), here {names}. "
            "Set credentials='pass' for a shadow you trust, or name single headers "
            "in keep_headers"
        )
    if shadow.status in WRONG_HOST and live.status not in WRONG_HOST:
        return (
            f"The shadow answered {shadow.status}: it may not accept the Host header, "
            "which is its own address by default (host='target'). Set "
            "host='preserve', or allow that host in the shadow (ALLOWED_HOSTS)"
        )
    return ""


def _asks_for_login(live: Response, shadow: Response) -> bool:
    if shadow.status in REFUSALS:
        return live.status not in REFUSALS
    if shadow.status not in REDIRECTS or live.status in REDIRECTS:
        return False
    where = b" ".join(header_values(shadow.headers, b"location")).lower()
    return any(word in where for word in LOGIN)
