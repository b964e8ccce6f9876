"""
Joins ports to drivers: which sender, which store, for one configuration.

The only file that knows them all. The web process never imports it, unless it runs
the agent on a thread of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from shadow_middleware.compare import Comparer
from shadow_middleware.exchange import Replay
from shadow_middleware.pipeline import Lane
from shadow_middleware.replay.http import HttpSender
from shadow_middleware.service import Bench
from shadow_middleware.settings import Settings, from_wire
from shadow_middleware.store.base import Store
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.store.writer import Writer
from shadow_middleware.transform.redact import Redactor

__all__ = ["open_bench"]


def open_bench(wire: bytes, store: Store | None = None) -> Bench:
    """
    Return everything that works under the settings that came over the wire.

    Args:
        wire: What `settings.to_wire` made.
        store: Where evidence goes; left out, the settings' `store_url`.

    Raises:
        ConfigurationError: a rule, pattern or transport cannot be used.
    """
    settings = from_wire(wire)
    return Bench(
        settings, Redactor(settings), _lanes(settings), _writer(settings, store)
    )


def _lanes(settings: Settings) -> Callable[[Callable[[Replay], None]], list[Lane]]:
    comparer = Comparer(settings)
    return lambda end: [
        Lane(target, settings, HttpSender(target, settings), comparer, end)
        for target in settings.all_targets
    ]


def _writer(settings: Settings, store: Store | None) -> Writer | None:
    if store is not None:
        return Writer(lambda: store, buffer=settings.store_buffer)
    if not settings.store_url:
        return None
    url = settings.store_url
    return Writer(lambda: SqlStore(url), buffer=settings.store_buffer)
