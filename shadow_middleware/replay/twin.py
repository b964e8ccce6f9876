"""A second answer to one request: of the control, or of the same shadow again."""

from __future__ import annotations

import msgspec

from shadow_middleware.exchange import Response, Substitution, Timing

__all__ = ["Twin"]


class Twin(msgspec.Struct, frozen=True):
    """What was answered, when it was asked, and under which name."""

    response: Response
    timing: Timing
    at: float
    """When it was sent, in Unix seconds."""
    host: str = ""
    """How it was addressed."""
    told: Response | None = None
    """The same in live's names, where a session knows that some are the shadow's own."""
    rebound: tuple[Substitution, ...] = ()
    """What was put in place of live's names in the request."""
    ambiguous: tuple[str, ...] = ()
    """Where values were left alone that may name several things."""
    planted: tuple[str, ...] = ()
    """Secrets that the request held and live's did not."""
