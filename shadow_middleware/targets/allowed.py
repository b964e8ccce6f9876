"""Which addresses a target that is added at run time may have."""

from __future__ import annotations

from shadow_middleware.addresses import admits, covers, is_app
from shadow_middleware.settings import Settings

__all__ = ["refusal_of"]


def refusal_of(settings: Settings, url: str) -> str:
    """
    Return why no target may be at this address; '' where one may.

    What the settings name themselves may always be; anything else only where one
    pattern of `target_allow` admits it. The live app and its control never may.
    """
    if any(url == own.url for own in settings.all_targets):
        return ""
    if not is_app(url):
        for live in settings.live_urls:
            if covers(live, url):
                return f"{url!r} is the live app itself, {live!r}"
        control = settings.control_url
        if control and not is_app(control) and covers(control, url):
            return f"{url!r} is the control"
    if not settings.target_allow:
        return f"{url!r} is not allowed: target_allow is empty, so no URL may be added"
    if any(admits(pattern, url) for pattern in settings.target_allow):
        return ""
    known = ", ".join(map(repr, settings.target_allow))
    return f"{url!r} is not allowed; target_allow has {known}"
