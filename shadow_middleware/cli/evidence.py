"""Opens the store that the options mean, and reads from it what reports need."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shadow_middleware.cli.options import known
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.evidence import DivergenceFilter
from shadow_middleware.report.summary import Holdings
from shadow_middleware.settings import Settings, load
from shadow_middleware.store.base import Reader

if TYPE_CHECKING:
    from shadow_middleware.store.sql import SqlStore

__all__ = ["holdings", "open_store", "settings_of"]

_SAMPLE = 1_000
"""Divergences that top differences are drawn from, the newest."""


def settings_of(store: str | None, config: str | None) -> Settings:
    """Return the settings, with `--store` above all other places."""
    given = {} if store is None else {"store_url": store}
    return load(given, config=config, source="--store", require_target=False)


@contextmanager
def open_store(
    store: str | None, config: str | None, *, create: bool = False
) -> Iterator[SqlStore]:
    """Yield the open store; one that is not there yet is an error unless `create`."""
    # Only commands that read pay for the import, --help does not.
    from shadow_middleware.store.sql import SqlStore

    url = settings_of(store, config).store_url
    if not url:
        raise ConfigurationError(
            "store_url is empty, so nothing is kept; name a store with --store URL"
        )
    opened = SqlStore(url, create=create)
    try:
        yield opened
    finally:
        opened.close()


def holdings(
    reader: Reader, since: float | None, target: str | None, route: str | None
) -> Holdings:
    """Return what the reader holds for the options; names it never saw are refused."""
    minute = None if since is None else int(since // 60)
    totals = reader.totals(minute)
    known(target, (row.target for row in totals), "--target")
    known(route, (row.route for row in totals), "--route")
    where = DivergenceFilter(target=target, route=route, since=since)
    return Holdings(
        totals=[row for row in totals if _fits(row.target, row.route, target, route)],
        latencies=[
            row
            for row in reader.latencies(minute, target=target)
            if route in (None, row.route)
        ],
        divergences=[
            stored.record for stored in reader.divergences(where, limit=_SAMPLE)
        ],
        stored=reader.count_divergences(where),
        losses=[] if route else reader.losses(minute, target=target),
        progress=[] if route else reader.progress(target),
        now=time.time(),
    )


def _fits(
    target: str, route: str, wanted_target: str | None, wanted_route: str | None
) -> bool:
    return wanted_target in (None, target) and wanted_route in (None, route)
