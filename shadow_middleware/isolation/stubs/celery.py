"""Celery: a copy enqueues nothing, and commands no worker."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.app.control import Control
from celery.result import EagerResult

from shadow_middleware.isolation.context import is_shadow
from shadow_middleware.isolation.options import Http
from shadow_middleware.isolation.patching import Patches
from shadow_middleware.isolation.recording import note

__all__ = ["put"]


def put(patches: Patches, *, library: str | None, http: Http) -> None:
    """Stand in for `send_task`, which delay, apply_async and canvases come down to."""

    def make(present: Any) -> Callable[..., Any]:
        def send_task(
            self: Any, name: str, args: Any = None, kwargs: Any = None, **kw: Any
        ) -> Any:
            if not is_shadow():
                return present(self, name, args, kwargs, **kw)
            note("task", name, f"{args or ()!r} {kwargs or {}!r}")
            task = kw.get("task_id") or str(uuid.uuid4())
            return EagerResult(task, None, "SUCCESS", name=name)

        return send_task

    def make_broadcast(present: Any) -> Callable[..., Any]:
        def broadcast(self: Any, command: str, *args: Any, **kw: Any) -> Any:
            if not is_shadow():
                return present(self, command, *args, **kw)
            note("task", f"control {command}")
            return []

        return broadcast

    patches.replace(Celery, "send_task", make)
    patches.replace(Control, "broadcast", make_broadcast)
