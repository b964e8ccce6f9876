"""
How an agent gives way to live: which of two processes gets a processor first.

Steps of `nice` share a processor that both want; on Linux `SCHED_BATCH` also keeps a
process that wakes up from taking it away from one that runs (sched(7)).
"""

from __future__ import annotations

import contextlib
import os
from typing import Final

__all__ = ["give_way"]

LAST: Final = 19
"""The lowest priority that there is."""


def give_way(steps: int, process: int = 0) -> bool:
    """
    Lower the priority of a process, and of all threads that it starts from then on.

    Args:
        steps: How far, in steps of `nice`; 0 leaves all as it is. Beyond 19 is 19.
        process: Which, by its id; 0 is the caller, whose other threads stay as they are.

    Returns:
        Whether it is as asked; a system may not know of priorities, or not allow it.
    """
    if steps <= 0:
        return True
    with contextlib.suppress(OSError, AttributeError):
        # Live may be scheduled in real time; a child would be, too.
        os.sched_setscheduler(process, os.SCHED_BATCH, os.sched_param(0))
    try:
        begun = os.getpriority(os.PRIO_PROCESS, process)
        os.setpriority(os.PRIO_PROCESS, process, min(LAST, begun + steps))
    except (OSError, AttributeError):
        return False
    return True
