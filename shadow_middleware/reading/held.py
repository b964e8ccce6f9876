"""Reads from a store what reports need, as it counts today."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shadow_middleware.evidence import Counted, DivergenceFilter, Total
from shadow_middleware.judge import Policy
from shadow_middleware.knowledge import CONTROL, DAY
from shadow_middleware.reading.learned import NoiseNow, all_counted, noise_now
from shadow_middleware.reading.remembering import remembered
from shadow_middleware.report.effective import explained_groups
from shadow_middleware.report.holdings import (
    Holdings,
    Insight,
    as_it_counts,
    of_versions,
)
from shadow_middleware.report.versions import judged_versions
from shadow_middleware.settings import Settings
from shadow_middleware.store.base import Reader

__all__ = ["holdings", "insight_of", "judged"]

_SAMPLE = 1_000
"""Divergences that hints and examples are drawn from, the newest."""


def holdings(
    reader: Reader,
    since: float | None,
    target: str | None,
    route: str | None,
    settings: Settings | None = None,
    counted: Counted | None = None,
    *,
    whole: bool = True,
) -> Holdings:
    """
    Return what the reader holds for a time, a target and a route, as it counts today.

    The settings say how noise is told. `counted` spares reading it a second time.
    Unless `whole`, the latencies of all routes are one, whose route is '', and of
    divergences only the hints are held.
    """
    known = settings or Settings()
    # Of one route all is read, so that its own latency is known either way.
    whole = whole or route is not None
    minute = None if since is None else int(since // 60)

    def read(counted: Counted) -> Holdings:
        return _holdings(reader, since, target, route, known, counted, whole=whole)

    if counted is not None:
        return read(counted)
    held = remembered(
        reader,
        ("held", minute, target, route, whole, Policy.of(known)),
        lambda: read(_counted(reader, minute, route)),
    )
    return msgspec.structs.replace(held, now=reader.time())


def _counted(reader: Reader, minute: int | None, route: str | None) -> Counted:
    if minute is None and route is None:
        return all_counted(reader)
    return reader.counted(minute, route=route)


def _holdings(
    reader: Reader,
    since: float | None,
    target: str | None,
    route: str | None,
    settings: Settings,
    counted: Counted,
    *,
    whole: bool,
) -> Holdings:
    minute = None if since is None else int(since // 60)
    where = DivergenceFilter(target=target, route=route, since=since)
    span = reader.span()
    noise = noise_now(reader, settings)
    return as_it_counts(
        Holdings(
            totals=_fitting(counted.totals, target, route),
            insight=insight_of(reader, noise),
            latencies=reader.latencies(
                minute, target=target, route=route, together=not whole
            ),
            divergences=[
                stored.record
                for stored in reader.divergences(where, limit=_SAMPLE, whole=False)
            ]
            if whole
            else [],
            hinted=[] if whole else reader.hinted(where, limit=_SAMPLE),
            stored=reader.count_divergences(where) if whole else 0,
            losses=[] if route else reader.losses(minute, target=target),
            progress=[]
            if route
            else [row for row in counted.progress if target in (None, row.target)],
            versions=reader.versions(target),
            newest=span[1] if span else None,
            routes=reader.routes(),
            uses=reader.uses(None if since is None else int(since // DAY)),
            probed=noise.probed,
            now=reader.time(),
        )
    )


def _fitting(
    totals: Sequence[Total], target: str | None, route: str | None
) -> Sequence[Total]:
    """Return those of the target; the control speaks for each of them."""
    if route is not None:
        totals = [row for row in totals if row.route == route]
    if target is None:
        return totals
    ours = (target, CONTROL)
    return [row for row in totals if row.target in ours]


def insight_of(reader: Reader, noise: NoiseNow) -> Insight:
    """Return what is known of the groups today, by decisions and by what was learned."""
    return remembered(
        reader, ("insight", noise.policy), lambda: _insight(reader, noise)
    )


def _insight(reader: Reader, noise: NoiseNow) -> Insight:
    return Insight(
        signatures=reader.signatures(),
        groups=noise.groups,
        explained=explained_groups(noise.groups, noise.whys),
    )


def judged(
    reader: Reader,
    held: Holdings,
    since: float | None,
    *,
    version: str | None = None,
    all_versions: bool = False,
) -> Holdings:
    """
    Return the holdings of the version to judge of each target.

    Args:
        reader: Where the holdings are from.
        held: All that is held.
        since: From when on evidence counts.
        version: The one to judge; None is the one that was seen last.
        all_versions: All are judged together.
    """
    if all_versions:
        return held
    seen = judged_versions(held.versions, version)
    unnamed: list[Total] = []
    for name, one in seen.items():
        first = max(one.first_minute, 0 if since is None else int(since // 60))
        routes = {
            row.route for row in held.totals if row.target == name and not row.version
        }
        if one.version and routes:
            without = reader.totals(first, target=name, version="")
            unnamed += [row for row in without if row.route in routes]
    if version is not None:
        held = msgspec.structs.replace(
            held, totals=[row for row in held.totals if row.target in seen]
        )
    return of_versions(held, {name: one.version for name, one in seen.items()}, unnamed)
