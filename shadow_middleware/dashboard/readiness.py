"""
A dashboard that is a process of its own, and is ready before anybody looks.

A first look at a large store would have to wait until all was read, worked out and
compiled. So a thread looks at what takes long: at the start, and again and again while
nobody else does, in a hundredth of the time. Whoever looks then is told how old it is.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from shadow_middleware.api.operation import Evidence
from shadow_middleware.dashboard.filters import Filters
from shadow_middleware.dashboard.rendering import prepare
from shadow_middleware.dashboard.screen import Screen, Visit
from shadow_middleware.errors import StoreError
from shadow_middleware.knowledge import GroupFilter
from shadow_middleware.reading.remembering import LAG, renew

__all__ = ["Readiness", "alone"]

PACE: Final = 100
"""Of so much time, one part goes into it."""
SELDOM: Final = 20.0
"""Seconds from one look to the next, at most."""
SWITCH: Final = 0.0005
"""Seconds for which a thread may keep all others from running Python."""

_log = logging.getLogger("shadow_middleware.dashboard")


class Readiness:
    """
    Looks at the pages that are to be ready.

    Args:
        screens: All pages.
        evidence: What they are of.
        wait: Waits so many seconds; whether it is to end.
    """

    def __init__(
        self,
        screens: Sequence[Screen],
        evidence: Evidence,
        wait: Callable[[float], bool],
    ) -> None:
        self._screens = screens
        self._evidence = evidence
        self._wait = wait

    def run(self) -> None:
        """Look until it is to end; where the store is away, look again."""
        self._try(self._look_at_one_group)
        while True:
            used = time.thread_time()
            self._try(self._renew)
            pause = PACE * (time.thread_time() - used)
            if self._wait(min(SELDOM, max(LAG / 2, pause))):
                return

    def _try(self, look: Callable[[], None]) -> None:
        try:
            look()
        except StoreError as error:
            _log.debug("not ready: %s", error)
        except Exception:  # noqa: BLE001 -- who looks meets it, and is told
            _log.debug("not ready", exc_info=True)

    def _renew(self) -> None:
        renew(self._evidence.reading.reader, self._look)

    def _look(self) -> None:
        for screen in self._screens:
            if screen.ready:
                screen.show(self.visit())

    def _look_at_one_group(self) -> None:
        """Have statements compiled and planned that each group needs anew."""
        prepare()
        rows, _ = self._evidence.reading.group_page(GroupFilter(), limit=1)
        for row in rows:
            self._evidence.reading.group(row.fingerprint)

    def visit(self) -> Visit:
        """Return a look at all there is."""
        return Visit(
            reading=self._evidence.reading,
            triage=self._evidence.triage,
            steering=self._evidence.steering,
            filters=Filters(),
            path={},
            query={},
        )


@contextmanager
def alone(screens: Sequence[Screen], evidence: Evidence) -> Iterator[None]:
    """
    Keep the pages ready, in a process that does nothing else.

    Threads take turns ten times as often as Python has them, and what the process is made
    of is never searched for garbage: who looks must not wait for what is worked out
    beside.
    """
    ended, before = threading.Event(), sys.getswitchinterval()
    ready = Readiness(screens, evidence, ended.wait)

    def work() -> None:
        # Here and not in the main thread: a finaliser would swallow its Ctrl-C.
        gc.collect()
        gc.freeze()
        ready.run()

    thread = threading.Thread(target=work, name="readiness", daemon=True)
    sys.setswitchinterval(SWITCH)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        gc.unfreeze()
        sys.setswitchinterval(before)
