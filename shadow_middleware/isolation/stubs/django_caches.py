"""Django's caches: what a copy sets it alone sees, and only while it is served."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from django.core.cache import CacheHandler
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from shadow_middleware.isolation.context import ShadowRequest, current
from shadow_middleware.isolation.options import Http
from shadow_middleware.isolation.patching import Patches
from shadow_middleware.isolation.recording import note

__all__ = ["put"]

_GONE = object()


def put(patches: Patches, *, library: str | None, http: Http) -> None:
    """Stand in where caches are looked up: `caches[alias]`, and with it `cache`."""

    def make(present: Any) -> Callable[..., Any]:
        def look_up(self: Any, alias: str) -> Any:
            real = present(self, alias)
            request = current()
            return real if request is None else _over(request, alias, real)

        return look_up

    patches.replace(CacheHandler, "__getitem__", make)


def _over(request: ShadowRequest, alias: str, real: BaseCache) -> BaseCache:
    name = ("cache", alias)
    if name not in request.kept:
        request.kept[name] = {}
    kept: Any = request.kept[name]
    return _Overlay(alias, real, kept)


class _Overlay(BaseCache):
    """
    A cache over another: reads look through, writes stay.

    All else that a cache has (`incr`, `get_or_set`, `set_many`, the async methods) is
    BaseCache's, which builds it from these.
    """

    def __init__(self, alias: str, real: BaseCache, kept: dict[str, Any]) -> None:
        super().__init__({})
        self._alias = alias
        self._real = real
        self._kept = kept
        self.default_timeout = real.default_timeout

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        name = self._name(key, version)
        if name not in self._kept and not self._is_cleared():
            return self._real.get(key, default, version)
        value = self._kept.get(name, _GONE)
        # A cache gives back what was put in, not what became of it since.
        return default if value is _GONE else copy.deepcopy(value)

    def set(
        self,
        key: str,
        value: Any,
        timeout: Any = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        note("cache", f"{self._alias} set {key}")
        over = timeout is not DEFAULT_TIMEOUT and timeout is not None and timeout <= 0
        self._kept[self._name(key, version)] = _GONE if over else copy.deepcopy(value)

    def add(
        self,
        key: str,
        value: Any,
        timeout: Any = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        if self.get(key, _GONE, version) is not _GONE:
            return False
        self.set(key, value, timeout, version)
        return True

    def touch(
        self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        return self.get(key, _GONE, version) is not _GONE

    def delete(self, key: str, version: int | None = None) -> bool:
        note("cache", f"{self._alias} delete {key}")
        was_there = self.get(key, _GONE, version) is not _GONE
        self._kept[self._name(key, version)] = _GONE
        return was_there

    def clear(self) -> None:
        note("cache", f"{self._alias} clear")
        self._kept.clear()
        self._kept[""] = True

    def close(self, **kwargs: Any) -> None:
        self._real.close(**kwargs)

    def _is_cleared(self) -> bool:
        return "" in self._kept

    def _name(self, key: str, version: int | None) -> str:
        return self._real.make_key(key, version)
