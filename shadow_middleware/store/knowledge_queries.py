"""
Every question about what is learned and decided, as statements. Pure.

As in `queries`, whoever executes them says of which run. A run is judged by what is
known of live as well, and live never by what a run has learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Double,
    FromClause,
    Integer,
    Select,
    Table,
    and_,
    column,
    func,
    or_,
    select,
    values,
)

from shadow_middleware.knowledge import GroupFilter, GroupState, NoiseRuling
from shadow_middleware.store.queries import AFTER_ALL_TEXT, columns_of, in_run
from shadow_middleware.store.rows import fit, fit_route
from shadow_middleware.store.schema import (
    groups,
    noise,
    noise_bases,
    routes,
    rule_hits,
    rules,
    run_groups,
    signatures,
    uses,
    writers,
)

__all__ = [
    "DECISIONS",
    "all_groups",
    "all_routes",
    "all_rules",
    "all_signatures",
    "cells_tested",
    "count_groups",
    "eras_of",
    "groups_to_know",
    "groups_where",
    "last_day",
    "newest_noise",
    "noise_bases_since",
    "noise_since",
    "revision",
    "ruled",
    "state_of_noise",
    "totals_of_rules",
    "uses_since",
    "weighed_bases",
    "weighed_noise",
]


DECISIONS: Final = "(decisions)"
"""What counts decisions among the writers: it is no name that a writer can have."""


def groups_where(
    where: GroupFilter, limit: int, offset: int, run: str = ""
) -> Select[Any]:
    """List groups, those with the most divergences first."""
    seen = _seen_in(run)
    return (
        select(seen)
        .where(*_fitting(where, seen))
        .order_by(seen.c.count.desc(), seen.c.fingerprint.desc())
        .limit(limit)
        .offset(offset)
    )


def count_groups(where: GroupFilter, run: str = "") -> Select[Any]:
    """Count groups."""
    seen = _seen_in(run)
    return select(func.count()).select_from(seen).where(*_fitting(where, seen))


def _seen_in(run: str) -> FromClause:
    """Return the groups with what live, or a run, has counted of them."""
    if not run:
        return groups
    counted = {name: run_groups.c[name] for name in ("count", "first_at", "last_at")}
    columns = [counted.get(column.name, column) for column in groups.columns]
    both = groups.c.fingerprint == run_groups.c.fingerprint
    asked = select(*columns).join_from(run_groups, groups, both)
    return asked.where(in_run(run_groups)).subquery()


def _fitting(where: GroupFilter, seen: FromClause) -> list[ColumnElement[bool]]:
    table = seen.c
    # What only runs have shown was never seen.
    conditions = [table.last_at > 0] if where.with_noise else [table.count > 0]
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


def groups_to_know(since_day: int, run: str = "") -> Select[Any]:
    """List the groups that noise was counted of, and those that are ruled."""
    counted = select(noise.c.fingerprint).where(
        _known(noise, run), noise.c.day >= since_day
    )
    wanted = or_(groups.c.fingerprint.in_(counted), ruled())
    return select(groups).where(wanted).order_by(groups.c.fingerprint)


def all_signatures() -> Select[Any]:
    """List what signatures stand for."""
    return select(signatures).order_by(signatures.c.signature)


def _known(table: Table, run: str) -> ColumnElement[bool]:
    """Tell what was learned of live, and in the run that is asked for."""
    return table.c.run.in_(["", run]) if run else in_run(table)


def noise_since(
    since_day: int | None,
    target: str | None = None,
    run: str = "",
    route: str | None = None,
) -> Select[Any]:
    """List cells of noise, the oldest day first."""
    keys = _keys_of(noise)
    asked = select(*columns_of(noise)).where(_known(noise, run)).order_by(*keys)
    if since_day is not None:
        asked = asked.where(noise.c.day >= since_day)
    if target is not None or route is not None:
        ours = select(groups.c.fingerprint).where(*_placed(groups, target, route))
        asked = asked.where(noise.c.fingerprint.in_(ours))
    return asked


def _placed(
    table: Table, target: str | None, route: str | None
) -> list[ColumnElement[bool]]:
    wanted = (("target", target), ("route", route))
    return [table.c[name] == value for name, value in wanted if value is not None]


def weighed_noise(worth: Mapping[int, float], most: int, run: str = "") -> Select[Any]:
    """Add up cells of noise over days, each day for what it is worth."""
    keys = (noise.c.era, noise.c.fingerprint, noise.c.status, noise.c.size)
    return _weighed(noise, keys, worth, run).limit(most)


def weighed_bases(worth: Mapping[int, float], run: str = "") -> Select[Any]:
    """Add up what cells are shares of over days."""
    table = noise_bases.c
    keys = (table.era, table.target, table.route, table.status)
    return _weighed(noise_bases, keys, worth, run)


def _weighed(
    table: Table, keys: tuple[Column[Any], ...], worth: Mapping[int, float], run: str
) -> Select[Any]:
    days, worths = _by_days(table, worth)
    counted = [column for column in table.columns if not column.primary_key]
    sums = (func.sum(column * worths).label(column.name) for column in counted)
    asked: Select[Any] = select(*keys, *sums).select_from(days)
    return asked.where(_known(table, run)).group_by(*keys)


def last_day(run: str = "") -> Select[Any]:
    """Ask for the last day that anything was looked at or counted."""
    of_each = (
        select(func.max(table.c.day)).where(_known(table, run)).scalar_subquery()
        for table in (noise, noise_bases)
    )
    return select(*of_each)


def _by_days(
    table: Table, worth: Mapping[int, float]
) -> tuple[FromClause, ColumnElement[float]]:
    """Return the table beside what its days are worth, and that."""
    known = (
        values(column("day", Integer), column("worth", Double))
        .data([(day, worth[day]) for day in sorted(worth)])
        .cte("days")
    )
    return known.join(table, table.c.day == known.c.day), known.c.worth


def cells_tested(
    worth: Mapping[int, float], target: str, least: float, run: str = ""
) -> Select[Any]:
    """Count the cells of a target that two answers of one version have shown."""
    days, worths = _by_days(noise, worth)
    table = noise.c
    twins = (
        table.control_both + table.control_only + table.probe_both + table.probe_only
    )
    ours = select(groups.c.fingerprint).where(groups.c.target == target)
    shown = (
        select(table.fingerprint)
        .select_from(days)
        .where(_known(noise, run), twins > 0, table.fingerprint.in_(ours))
        .group_by(table.fingerprint, table.status, table.size)
        .having(func.sum(twins * worths) >= least)
        .subquery()
    )
    return select(func.count()).select_from(shown)


def eras_of(since_day: int, run: str = "") -> Select[Any]:
    """Sum what was looked at by target, day and live version."""
    table = noise_bases.c
    keys = (table.target, table.day, table.era)
    asked = select(*keys, func.sum(table.raw))
    return asked.where(*_days(since_day, None, run, noise_bases)).group_by(*keys)


def all_groups(run: str = "") -> Select[Any]:
    """List every group, with what was counted of it: by a run, where that has seen it."""
    if not run:
        return select(groups).order_by(groups.c.fingerprint)
    here = and_(groups.c.fingerprint == run_groups.c.fingerprint, in_run(run_groups))
    columns = [
        func.coalesce(run_groups.c[one.name], one).label(one.name)
        if one.name in ("count", "first_at", "last_at")
        else one
        for one in groups.columns
    ]
    asked = select(*columns).select_from(groups.outerjoin(run_groups, here))
    return asked.order_by(groups.c.fingerprint)


def newest_noise(
    since_day: int, most: int, run: str = "", until_day: int | None = None
) -> Select[Any]:
    """List so many cells of noise, the newest day first."""
    newest = select(*columns_of(noise)).where(*_days(since_day, until_day, run))
    return newest.order_by(*(key.desc() for key in _keys_of(noise))).limit(most)


def state_of_noise(since_day: int, until_day: int, run: str = "") -> Select[Any]:
    """Ask for numbers that move whenever a cell of noise of those days does."""
    numbers = [column for column in noise.columns if not column.primary_key]
    whole = sum(numbers[1:], start=numbers[0])
    asked: Any = select(func.count(), func.sum(whole))
    found: Select[Any] = asked.where(*_days(since_day, until_day, run))
    return found


def _days(
    since_day: int, until_day: int | None, run: str, table: Table = noise
) -> tuple[ColumnElement[bool], ...]:
    begun = (_known(table, run), table.c.day >= since_day)
    return begun if until_day is None else (*begun, table.c.day < until_day)


def noise_bases_since(
    since_day: int | None,
    target: str | None = None,
    run: str = "",
    route: str | None = None,
) -> Select[Any]:
    """List what cells are shares of, the oldest day first."""
    asked = select(*columns_of(noise_bases)).where(_known(noise_bases, run))
    asked = asked.order_by(*_keys_of(noise_bases))
    if since_day is not None:
        asked = asked.where(noise_bases.c.day >= since_day)
    return asked.where(*_placed(noise_bases, target, route))


def revision() -> Select[Any]:
    """Ask how far writers have come, and decisions: one row for each."""
    decisions = writers.c.writer == DECISIONS
    moved = (func.count(), func.sum(writers.c.number), func.max(writers.c.at))
    asked: Any = select(decisions.label("decisions"), *moved)
    counted: Select[Any] = asked.group_by(decisions)
    return counted


def all_rules() -> Select[Any]:
    """List the rules that were added at run time."""
    return select(rules).order_by(rules.c.name)


def totals_of_rules() -> Select[Any]:
    """List how often each rule fired."""
    ours = select(*columns_of(rule_hits)).where(in_run(rule_hits))
    return ours.order_by(*_keys_of(rule_hits))


def all_routes() -> Select[Any]:
    """List the routes that apps have."""
    return select(routes).order_by(routes.c.route)


def uses_since(since_day: int | None) -> Select[Any]:
    """Sum the uses of routes over days."""
    keys = (uses.c.route, uses.c.status_class)
    sums = (func.sum(uses.c.seen), func.sum(uses.c.mirrored))
    asked = select(*keys, *sums).where(in_run(uses)).group_by(*keys).order_by(*keys)
    return asked if since_day is None else asked.where(uses.c.day >= since_day)


def _keys_of(table: Table) -> list[Column[Any]]:
    return [key for key in table.primary_key.columns if key.name != "run"]
