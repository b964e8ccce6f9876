"""When and where each side answered: what a comparison of times and addresses needs."""

from __future__ import annotations

import msgspec

__all__ = ["Legs"]


class Legs(msgspec.Struct, frozen=True):
    """The two legs of one exchange."""

    live_at: float
    """When live began to serve it, in Unix seconds."""
    shadow_at: float
    """When the shadow began to, in Unix seconds."""
    live_host: str = ""
    """As the client named live: `app.example` or `app.example:8000`; '' if unknown."""
    shadow_host: str = ""
    """As the shadow was named."""
