"""
Where copies go, as data: one named shadow.

Below the settings, so that whatever reads or checks a target needs no more than this.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from shadow_middleware.addresses import is_app
from shadow_middleware.transformation import Transform

__all__ = ["Patterns", "Target"]

Patterns = tuple[str, ...]
"""Globs over `/`-separated segments: `*` is within one, `**` any number of them."""


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One named shadow. What is None or empty follows the settings of the whole."""

    url: str
    """`http://host:port/base`, `https://…`; the base path is kept in front. Or an app
    that the agent itself runs: `asgi:package.module:app`, `wsgi:package.module:app`."""
    name: str = "shadow"
    """What reports, logs and signals call it; unique."""
    methods: tuple[str, ...] = ()
    """Methods to send to this target, writes included if they are named."""
    include: Patterns = ()
    """Paths to send to this target; empty is every path that is mirrored."""
    exclude: Patterns = ()
    """Paths not to send to this target; wins over `include`."""
    credentials: Literal["drop", "pass", ""] = ""
    """As `credentials` of the whole."""
    host: Literal["target", "preserve", ""] = ""
    """As `host` of the whole."""
    concurrency: int = 0
    """Replays in flight; 0 follows the whole."""
    total_timeout: float = 0.0
    """Seconds from start to last byte; 0 follows the whole."""
    transport: str = ""
    """As `transport` of the whole."""
    transform: tuple[Transform, ...] = ()
    """Steps for this target alone; they come after those of the whole."""
    version: str = ""
    """What is running there, where its answers do not say: see `version_header`."""
    enabled: bool = True
    """False sends it nothing, until somebody enables it at run time."""
    rate: float = 1.0
    """Share of the mirrored exchanges that it gets, 0 to 1: sticky for each key, and
    who gets a copy at a low rate gets one at a higher rate too."""
    rate_limit: float = 0.0
    """Replays a second at most, in the long run and for each agent; 0: no limit."""
    persistent: bool = False
    """True probes it for ever, however long it fails; see `breaker_fail_after`."""

    @property
    def address(self) -> str:
        """Where requests are addressed; an app that the agent runs is `localhost`."""
        return "http://localhost" if is_app(self.url) else self.url
