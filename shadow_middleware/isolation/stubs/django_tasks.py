"""Django's tasks: those of Django 6, and of the package that they came from."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from django.utils import timezone

from shadow_middleware.isolation.context import is_shadow
from shadow_middleware.isolation.options import Http
from shadow_middleware.isolation.patching import Patches
from shadow_middleware.isolation.recording import note

__all__ = ["put"]


def put(patches: Patches, *, library: str | None, http: Http) -> None:
    """Stand in for `enqueue`, whatever the backend."""
    base: Any = importlib.import_module(f"{library}.base")

    def make(present: Any) -> Callable[..., Any]:
        def enqueue(self: Any, *args: Any, **kw: Any) -> Any:
            if not is_shadow():
                return present(self, *args, **kw)
            return _recorded(base, self, args, kw)

        return enqueue

    def amake(present: Any) -> Callable[..., Any]:
        async def aenqueue(self: Any, *args: Any, **kw: Any) -> Any:
            if not is_shadow():
                return await present(self, *args, **kw)
            return _recorded(base, self, args, kw)

        return aenqueue

    patches.replace(base.Task, "enqueue", make)
    patches.replace(base.Task, "aenqueue", amake)


def _recorded(base: Any, task: Any, args: Any, kwargs: Any) -> Any:
    note("task", task.module_path, f"{args!r} {kwargs!r}")
    waiting = getattr(base.TaskResultStatus, "READY", None) or base.TaskResultStatus.NEW
    given = {
        "task": task,
        "id": uuid.uuid4().hex,
        "status": waiting,
        "enqueued_at": timezone.now(),
        "args": list(args),
        "kwargs": kwargs,
        "backend": task.backend,
        "errors": [],
        "worker_ids": [],
        "metadata": {},
    }
    wanted = [each.name for each in fields(base.TaskResult) if each.init]
    return base.TaskResult(**{name: given.get(name) for name in wanted})
