"""
How a process that is ours alone runs its loop: on uvloop's where that is installed.

An agent, a worker and an offline replay hold exchanges by the thousand, which come, go
and have no cycles: so the collector is asked to look less often.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

__all__ = ["COLLECTED", "run", "run_punctually"]

T = TypeVar("T")

COLLECTED: Final = (50_000, 20, 100)
"""When the collector works."""
_GIVE_WAY: Final = 0.0005
"""Seconds after which a thread that computes lets another one run."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run the work to its end."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


def run_punctually(work: Coroutine[Any, Any, T]) -> T:
    """
    Run the work to its end, and let nothing else hold it up for long.

    Meanwhile threads give way to each other ten times as often as they do elsewhere,
    and the collector leaves alone what was there before.
    """
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    # What writes to the store would else keep the loop from its times for 5 ms each,
    sys.setswitchinterval(_GIVE_WAY)
    # and to look through all that was imported, for 80 ms.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED)
    try:
        return run(work)
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        sys.setswitchinterval(interval)
