"""Who this agent is among all, and which server an address means."""

from __future__ import annotations

import os
import secrets
import socket
from typing import Final
from urllib.parse import urlsplit

from shadow_middleware.addresses import is_app, is_loopback
from shadow_middleware.settings import Target
from shadow_middleware.targets import TargetHealth

__all__ = ["HOST", "fares_at", "new_name"]

HOST: Final = socket.gethostname()


def new_name() -> str:
    """Return a name that nobody has who writes to the same store."""
    return f"{HOST}:{os.getpid()}:{secrets.token_hex(4)}"


def fares_at(target: Target) -> TargetHealth:
    """
    Return the health of a target that nothing is known of yet.

    The loopback address, and an app that the agent itself runs, are another server on
    each host: how they fare is shared within the host alone.
    """
    own = is_app(target.url) or is_loopback(urlsplit(target.url).hostname or "")
    return TargetHealth(target=target.name, url=target.url, host=HOST if own else "")
