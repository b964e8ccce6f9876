"""Threads that a copy starts, and pools that it hands work to, work for the copy."""

from __future__ import annotations

import concurrent.futures
import contextvars
import threading
from collections.abc import Callable
from typing import Any

from shadow_middleware.isolation.context import entered, is_shadow
from shadow_middleware.isolation.options import Http
from shadow_middleware.isolation.patching import Patches

__all__ = ["put"]


def put(patches: Patches, *, library: str | None, http: Http) -> None:
    """Have a copy's context go where its work goes."""
    patches.replace(threading.Thread, "start", _start)
    patches.replace(concurrent.futures.ThreadPoolExecutor, "submit", _submit)


def _start(present: Any) -> Callable[..., Any]:
    def start(self: threading.Thread) -> None:
        if is_shadow():
            run, context = self.run, contextvars.copy_context()
            self.run = lambda: context.run(run)  # type: ignore[method-assign]
        present(self)

    return start


def _submit(present: Any) -> Callable[..., Any]:
    def submit(self: Any, fn: Any, /, *args: Any, **kw: Any) -> Any:
        if not is_shadow():
            return present(self, fn, *args, **kw)
        context = contextvars.copy_context()
        # The worker that may be started for it goes on to work for others.
        with entered(None):
            return present(self, context.run, fn, *args, **kw)

    return submit
