"""Reads from a store what reports need, as it counts today."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shadow_middleware.evidence import DivergenceFilter, Total
from shadow_middleware.judge import Policy
from shadow_middleware.knowledge import CONTROL, DAY, GroupFilter
from shadow_middleware.reading.learned import Learned, all_totals, learned_of
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
_GROUPS = 5_000
"""Groups that are told of by name, those with the most divergences."""


def holdings(
    reader: Reader,
    since: float | None,
    target: str | None,
    route: str | None,
    settings: Settings | None = None,
    totals: Sequence[Total] | None = None,
    *,
    timed: bool = True,
) -> Holdings:
    """
    Return what the reader holds for a time, a target and a route, as it counts today.

    The settings say how noise is told. `totals` spares reading them a second time.
    Unless `timed`, the latencies of all routes are one, whose route is ''.
    """
    known = settings or Settings()
    # Of one route all is read, so that its own latency is known either way.
    timed = timed or route is not None
    minute = None if since is None else int(since // 60)

    def read(counted: Sequence[Total]) -> Holdings:
        return _holdings(reader, since, target, route, known, counted, timed=timed)

    if totals is not None:
        return read(totals)
    held = remembered(
        reader,
        ("held", minute, target, route, timed, Policy.of(known)),
        lambda: read(_totals(reader, minute, route)),
    )
    return msgspec.structs.replace(held, now=reader.time())


def _totals(reader: Reader, minute: int | None, route: str | None) -> Sequence[Total]:
    if minute is None and route is None:
        return all_totals(reader)
    return reader.totals(minute, route=route)


def _holdings(
    reader: Reader,
    since: float | None,
    target: str | None,
    route: str | None,
    settings: Settings,
    totals: Sequence[Total],
    *,
    timed: bool,
) -> Holdings:
    minute = None if since is None else int(since // 60)
    where = DivergenceFilter(target=target, route=route, since=since)
    span = reader.span()
    learned = learned_of(reader, settings)
    return as_it_counts(
        Holdings(
            totals=[
                row
                for row in totals
                if _fits(row.target, row.route, _or_control(target, row.target), route)
            ],
            insight=insight_of(reader, learned),
            latencies=reader.latencies(
                minute, target=target, route=route, together=not timed
            ),
            divergences=[
                stored.record
                for stored in reader.divergences(where, limit=_SAMPLE, whole=False)
            ],
            stored=reader.count_divergences(where),
            losses=[] if route else reader.losses(minute, target=target),
            progress=[] if route else reader.progress(target),
            versions=reader.versions(target),
            newest=span[1] if span else None,
            routes=reader.routes(),
            uses=reader.uses(None if since is None else int(since // DAY)),
            probed=any(base.control or base.probe for base in learned.known.bases),
            now=reader.time(),
        )
    )


def _or_control(target: str | None, row: str) -> str | None:
    """Return the target asked for; the control speaks for each of them."""
    return row if row == CONTROL else target


def _fits(
    target: str, route: str, wanted_target: str | None, wanted_route: str | None
) -> bool:
    return wanted_target in (None, target) and wanted_route in (None, route)


def insight_of(reader: Reader, learned: Learned) -> Insight:
    """Return what is known of the groups today, by decisions and by what was learned."""
    return remembered(
        reader, ("insight", learned.policy), lambda: _insight(reader, learned)
    )


def _insight(reader: Reader, learned: Learned) -> Insight:
    whys = {
        fingerprint: ruling.why
        for fingerprint, ruling in learned.rulings.items()
        if ruling.noise
    }
    groups = [
        *learned.known.groups,
        *reader.groups(GroupFilter(), limit=_GROUPS),
    ]
    return Insight(
        signatures=reader.signatures(),
        groups=groups,
        explained=explained_groups(groups, whys),
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
        routes = {row.route for row in held.totals if row.target == name}
        unnamed += [
            row
            for row in reader.totals(first, target=name)
            if one.version and not row.version and row.route in routes
        ]
    if version is not None:
        held = msgspec.structs.replace(
            held, totals=[row for row in held.totals if row.target in seen]
        )
    return of_versions(held, {name: one.version for name, one in seen.items()}, unnamed)
