"""A second answer to one request: of the control, or of the same shadow again."""

from __future__ import annotations

import msgspec

from shadow_middleware.exchange import Response, Timing

__all__ = ["Twin"]


class Twin(msgspec.Struct, frozen=True):
    """What was answered, when it was asked, and under which name."""

    response: Response
    timing: Timing
    at: float
    """When it was sent, in Unix seconds."""
    host: str = ""
    """How it was addressed."""
