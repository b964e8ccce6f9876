"""
Fakes and helpers for tests, ours and users': a shadow that misbehaves on demand,
a sender without a network, a collector of outcomes. Nothing here runs in production.
"""

from __future__ import annotations

from shadow_middleware.testing.behaviours import (
    BEHAVIOURS,
    Behaviour,
    answering,
    asgi,
    endless,
    failing,
    frozen,
    garbage,
    lying_long,
    lying_short,
    refusing,
    resetting,
    slow,
)
from shadow_middleware.testing.experiments import no_divergences
from shadow_middleware.testing.observed import FakeSender, Outcomes, collect
from shadow_middleware.testing.server import ShadowServer
from shadow_middleware.testing.wire import Received, Reply

__all__ = [
    "BEHAVIOURS",
    "Behaviour",
    "FakeSender",
    "Outcomes",
    "Received",
    "Reply",
    "ShadowServer",
    "answering",
    "asgi",
    "collect",
    "endless",
    "failing",
    "frozen",
    "garbage",
    "lying_long",
    "lying_short",
    "no_divergences",
    "refusing",
    "resetting",
    "slow",
]
