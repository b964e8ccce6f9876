"""Tells somebody about each divergence: here a log line with a count per route."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

__all__ = ["alert", "counts"]

logger = logging.getLogger("shop.alerts")
counts: Counter[str] = Counter()
"""Divergences of this process by route."""


def alert(sender: str, *, event: dict[str, Any]) -> None:
    """Log one line for one divergence; it runs on a thread of its own."""
    route = event["route"]
    counts[route] += 1
    places = ", ".join(
        f"{found['part']} {found['path']} {found['kind']}".replace("  ", " ")
        for found in event["differences"][:3]
    )
    logger.warning("ALERT %s #%d on %s: %s", route, counts[route], sender, places)
