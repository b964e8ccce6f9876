"""Every question about what is learned and decided, as statements. Pure."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from shadow_middleware.knowledge import GroupFilter, GroupState, NoiseRuling
from shadow_middleware.store.queries import AFTER_ALL_TEXT
from shadow_middleware.store.rows import UNSENT, fit, fit_route
from shadow_middleware.store.schema import (
    counts,
    groups,
    noise,
    noise_bases,
    routes,
    rule_hits,
    rules,
    signatures,
    uses,
)

__all__ = [
    "all_routes",
    "all_rules",
    "all_signatures",
    "count_groups",
    "groups_to_know",
    "groups_where",
    "newest_noise",
    "noise_bases_since",
    "noise_since",
    "ruled",
    "totals_of_rules",
    "uses_since",
    "versions_since",
]


def groups_where(where: GroupFilter, limit: int, offset: int) -> Select[Any]:
    """List groups, those with the most divergences first."""
    return (
        select(groups)
        .where(*_fitting(where))
        .order_by(groups.c.count.desc(), groups.c.fingerprint.desc())
        .limit(limit)
        .offset(offset)
    )


def count_groups(where: GroupFilter) -> Select[Any]:
    """Count groups."""
    return select(func.count()).select_from(groups).where(*_fitting(where))


def _fitting(where: GroupFilter) -> list[ColumnElement[bool]]:
    table = groups.c
    conditions = [] if where.with_noise else [table.count > 0]
    if where.target is not None:
        conditions.append(table.target == fit(where.target))
    if where.route is not None:
        conditions.append(table.route == fit_route(where.route))
    if where.part is not None:
        conditions.append(table.part == str(where.part))
    if where.since is not None:
        conditions.append(table.last_at >= where.since)
    if where.fingerprint is not None:
        first = where.fingerprint
        conditions.append(table.fingerprint >= first)
        conditions.append(table.fingerprint < first + AFTER_ALL_TEXT)
    return conditions


def ruled() -> ColumnElement[bool]:
    """Tell the groups that a person said something about which still holds."""
    return or_(
        groups.c.state != str(GroupState.OPEN),
        groups.c.ruling != str(NoiseRuling.LEARNED),
    )


def groups_to_know(since_day: int) -> Select[Any]:
    """List the groups that noise was counted of, and those that are ruled."""
    counted = select(noise.c.fingerprint).where(noise.c.day >= since_day)
    wanted = or_(groups.c.fingerprint.in_(counted), ruled())
    return select(groups).where(wanted).order_by(groups.c.fingerprint)


def all_signatures() -> Select[Any]:
    """List what signatures stand for."""
    return select(signatures).order_by(signatures.c.signature)


def noise_since(since_day: int | None, target: str | None = None) -> Select[Any]:
    """List cells of noise, the oldest day first."""
    keys = list(noise.primary_key.columns)
    asked = select(noise).order_by(*keys)
    if since_day is not None:
        asked = asked.where(noise.c.day >= since_day)
    if target is not None:
        ours = select(groups.c.fingerprint).where(groups.c.target == target)
        asked = asked.where(noise.c.fingerprint.in_(ours))
    return asked


def newest_noise(since_day: int, most: int) -> Select[Any]:
    """List so many cells of noise, the newest day first."""
    keys = noise.primary_key.columns
    newest = select(noise).where(noise.c.day >= since_day)
    return newest.order_by(*(key.desc() for key in keys)).limit(most)


def noise_bases_since(since_day: int | None, target: str | None = None) -> Select[Any]:
    """List what cells are shares of, the oldest day first."""
    asked = select(noise_bases).order_by(*noise_bases.primary_key.columns)
    if since_day is not None:
        asked = asked.where(noise_bases.c.day >= since_day)
    if target is not None:
        asked = asked.where(noise_bases.c.target == target)
    return asked


def all_rules() -> Select[Any]:
    """List the rules that were added at run time."""
    return select(rules).order_by(rules.c.name)


def totals_of_rules() -> Select[Any]:
    """List how often each rule fired."""
    return select(rule_hits).order_by(*rule_hits.primary_key.columns)


def all_routes() -> Select[Any]:
    """List the routes that apps have."""
    return select(routes).order_by(routes.c.route)


def uses_since(since_day: int | None) -> Select[Any]:
    """Sum the uses of routes over days."""
    keys = (uses.c.route, uses.c.status_class)
    sums = (func.sum(uses.c.seen), func.sum(uses.c.mirrored))
    asked = select(*keys, *sums).group_by(*keys).order_by(*keys)
    return asked if since_day is None else asked.where(uses.c.day >= since_day)


def versions_since(since: int | None, target: str | None) -> Select[Any]:
    """List the versions that were replayed to, the latest seen first."""
    table = counts.c
    last = func.max(table.minute)
    asked = (
        select(
            table.target,
            table.version,
            func.min(table.minute),
            last,
            func.sum(table.count),
        )
        .where(table.outcome.not_in([str(outcome) for outcome in UNSENT]))
        .group_by(table.target, table.version)
        .order_by(last.desc(), table.target, table.version)
    )
    if since is not None:
        asked = asked.where(table.minute >= since)
    return asked if target is None else asked.where(table.target == target)
