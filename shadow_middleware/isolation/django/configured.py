"""The dict `SHADOW_ISOLATION` of Django's settings, read and judged."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import connections

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.isolation.door import MAX_AGE, Door
from shadow_middleware.isolation.memory import Memory
from shadow_middleware.isolation.options import Stubs

__all__ = ["Configured", "SeenInCache", "configured"]

_WAYS = ("rollback", "read_only", "leave")
_CACHE = "cache:"


@dataclass(frozen=True)
class Configured:
    """What `SHADOW_ISOLATION` may hold."""

    secret: str = ""
    """As on the live side; else `SHADOW_MIDDLEWARE["secret"]`, else the environment."""
    database: str = "rollback"
    """`rollback`, `read_only`, or `leave` where the shadow has a database of its own."""
    databases: Sequence[str] = ()
    """Aliases that this is about; empty is all of them."""
    stubs: bool | Stubs = False
    """What stands in for mail, HTTP, tasks, files and caches; True is all that is there."""
    only_shadow: bool = False
    """Refuse what is not a copy, with 403."""
    open_paths: Sequence[str] = ()
    """Paths that are never refused, such as a health check's."""
    max_age: float = MAX_AGE
    """Seconds that a marker may be old."""
    memory: Memory | str | None = None
    """Which markers were seen: of this process, in a file (a path), or in a cache of
    Django's that all processes share (`cache:ALIAS`)."""

    def door(self) -> Door:
        """
        Return what tells copies from ordinary requests.

        Raises:
            ConfigurationError: there is no secret, or something else is no use.
        """
        memory = self.memory
        if isinstance(memory, str) and memory.startswith(_CACHE):
            memory = SeenInCache(memory.removeprefix(_CACHE))
        live = getattr(settings, "SHADOW_MIDDLEWARE", None) or {}
        return Door(
            self.secret or live.get("secret", ""),
            only_shadow=self.only_shadow,
            open_paths=self.open_paths,
            max_age=self.max_age,
            memory=memory,
        )


class SeenInCache:
    """What all processes have seen that share a cache of Django's with a true `add`."""

    def __init__(self, alias: str) -> None:
        if alias not in settings.CACHES:
            raise ConfigurationError(
                f"memory is 'cache:ALIAS' with one of {sorted(settings.CACHES)}, "
                f"not 'cache:{alias}'"
            )
        self._alias = alias

    def first(self, value: bytes, at: float, until: float, now: float) -> bool:
        """Return whether the marker has not been seen before; see `Memory`."""
        name = f"shadow-marker:{value[-64:].decode('ascii')}"
        return bool(caches[self._alias].add(name, 1, timeout=max(until - now, 1.0)))


def configured() -> Configured:
    """
    Read `SHADOW_ISOLATION`.

    Raises:
        ConfigurationError: a name is unknown, or a value is none that it can have.
    """
    given: Any = getattr(settings, "SHADOW_ISOLATION", {})
    if not isinstance(given, dict):
        raise ConfigurationError(
            f"SHADOW_ISOLATION is a dict, not {type(given).__name__}"
        )
    known = [field.name for field in fields(Configured)]
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise ConfigurationError(
                f"SHADOW_ISOLATION has no {name!r}{hint} It has: {', '.join(known)}"
            )
    values = given | {
        name: tuple(given[name])
        for name in ("databases", "open_paths")
        if isinstance(given.get(name), list | set)
    }
    return _judged(Configured(**values))


def _judged(config: Configured) -> Configured:
    if config.database not in _WAYS:
        raise ConfigurationError(
            f"SHADOW_ISOLATION['database'] is one of {', '.join(_WAYS)}, "
            f"not {config.database!r}"
        )
    if isinstance(config.databases, str):
        raise ConfigurationError(
            f"SHADOW_ISOLATION['databases'] is a list, as [{config.databases!r}]"
        )
    for alias in config.databases:
        if alias not in connections:
            raise ConfigurationError(
                f"SHADOW_ISOLATION['databases'] names {alias!r}; "
                f"there are: {', '.join(connections)}"
            )
    if not isinstance(config.stubs, bool | Stubs):
        raise ConfigurationError(
            "SHADOW_ISOLATION['stubs'] is True, False or "
            f"shadow_middleware.isolation.Stubs(...), not {config.stubs!r}"
        )
    return config
