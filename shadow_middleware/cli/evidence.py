"""Opens the store that the options mean, and reads from it what reports need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shadow_middleware.cli.naming import one_run
from shadow_middleware.cli.options import known
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.evidence import Total
from shadow_middleware.reading import held as reading
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.settings import Settings, load
from shadow_middleware.store.base import Reader

if TYPE_CHECKING:
    from shadow_middleware.store.sql import SqlStore

__all__ = ["check_names", "holdings", "judged", "open_store", "settings_of"]


def settings_of(store: str | None, config: str | None) -> Settings:
    """Return the settings, with `--store` above all other places."""
    given = {} if store is None else {"store_url": store}
    return load(given, config=config, source="--store", require_target=False)


@contextmanager
def open_store(
    settings: Settings, *, create: bool = False, run: str | None = None
) -> Iterator[SqlStore]:
    """
    Yield the open store; one that is not there yet is an error unless `create`.

    With `run`, what is read and written is the evidence of that run.
    """
    # Only commands that read pay for the import, --help does not.
    from shadow_middleware.store.sql import SqlStore

    url = settings.store_url
    if not url:
        raise ConfigurationError(
            "store_url is empty, so nothing is kept; name a store with --store URL"
        )
    opened = SqlStore(url, create=create)
    try:
        yield opened.of_run(one_run(opened, run).id) if run else opened
    finally:
        opened.close()


def check_names(
    totals: Sequence[Total], target: str | None, route: str | None = None
) -> None:
    """Refuse a target or a route of which nothing is recorded."""
    known(target, (row.target for row in totals), "--target")
    known(route, (row.route for row in totals), "--route")


def holdings(
    reader: Reader,
    since: float | None,
    target: str | None,
    route: str | None,
    settings: Settings | None = None,
) -> Holdings:
    """
    Return what the reader holds for the options, as it counts today.

    Names that the store never saw are refused. The settings say how noise is told.
    """
    counted = reader.counted(None if since is None else int(since // 60))
    check_names(counted.totals, target, route)
    return reading.holdings(reader, since, target, route, settings, counted)


def judged(
    reader: Reader,
    held: Holdings,
    since: float | None,
    *,
    version: str | None = None,
    all_versions: bool = False,
) -> Holdings:
    """Return the holdings of the version to judge; refuse one that was never seen."""
    if not all_versions:
        known(version, (one.version for one in held.versions), "--shadow-version")
    return reading.judged(
        reader, held, since, version=version, all_versions=all_versions
    )
