"""
Every question that is asked of the tables, as statements. Pure.

Each asks for one run: whoever executes them says which, as the parameter `run`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
)

from shadow_middleware.evidence import DivergenceFilter
from shadow_middleware.retention import What
from shadow_middleware.store import rows
from shadow_middleware.store.schema import (
    count_times,
    counts,
    divergences,
    losses,
    samples,
    sessions,
)
from shadow_middleware.store.sums import HOUR
from shadow_middleware.store.upkeep_tables import removals

__all__ = [
    "AFTER_ALL_TEXT",
    "columns_of",
    "count_divergences",
    "divergences_where",
    "hinted",
    "in_run",
    "losses_between",
    "minutes_kept_from",
    "newest_samples",
    "numbered",
    "of_exchange",
    "progress_of",
    "span",
]

AFTER_ALL_TEXT = "\U0010ffff"

_OF_SAMPLE = ("run", "exchange_id", "target")
"""What says of which divergence a sample is."""

Conditions = list[ColumnElement[bool]]


def in_run(table: Table) -> ColumnElement[bool]:
    """Tell the rows of the run that is asked for; '' is live."""
    return table.c.run == bindparam("run")


def columns_of(table: Table) -> list[Column[Any]]:
    """Return the columns without the run: rows read as what one run wrote."""
    return [column for column in table.columns if column.name != "run"]


def losses_between(
    since: int | None, until: int | None, target: str | None
) -> Select[Any]:
    """List lost samples."""
    return (
        select(*columns_of(losses))
        .where(*_between(losses, "minute", since, until, target))
        .order_by(losses.c.minute, losses.c.target, losses.c.reason)
    )


def progress_of(target: str | None) -> Select[Any]:
    """List how far sessions have come."""
    conditions = [in_run(sessions)]
    if target is not None:
        conditions.append(sessions.c.target == target)
    keys = (sessions.c.session, sessions.c.target)
    return select(*columns_of(sessions)).where(*conditions).order_by(*keys)


def _between(
    table: Table, time: str, since: int | None, until: int | None, target: str | None
) -> Conditions:
    conditions: Conditions = [in_run(table)]
    if since is not None:
        conditions.append(table.c[time] >= since)
    if until is not None:
        conditions.append(table.c[time] < until)
    if target is not None:
        conditions.append(table.c.target == target)
    return conditions


def span() -> Select[Any]:
    """Ask for the first and the last minute and hour, each by the index alone."""
    hours = and_(in_run(count_times), count_times.c.span == HOUR)
    asked = (
        select(edge(time)).where(here).scalar_subquery()
        for time, here in (
            (counts.c.minute, in_run(counts)),
            (count_times.c.start, hours),
        )
        for edge in (func.min, func.max)
    )
    return select(*asked)


def minutes_kept_from() -> Select[Any]:
    """Ask for the time before which only whole hours are told apart."""
    return select(func.max(removals.c.upto)).where(removals.c.what == str(What.MINUTES))


def divergences_where(
    where: DivergenceFilter, limit: int, offset: int, *, whole: bool = True
) -> Select[Any]:
    """
    List divergences, the newest first.

    Those that are passed over are counted in an index; only those wanted are read.
    """
    at = divergences.c.at
    # The few samples of a group are sorted: who walked all in their order of time, to
    # find those few, would read the whole table.
    newest = at if where.group is None else at + 0
    newest_first = (newest.desc(), divergences.c.id.desc())
    wanted = (
        select(divergences.c.id)
        .where(*_fitting(where))
        .order_by(*newest_first)
        .limit(limit)
        .offset(offset)
        .subquery()
    )
    both = divergences.c.id == wanted.c.id
    asked = select(*_columns(whole=whole)).join_from(wanted, divergences, both)
    return asked.order_by(*newest_first)


def hinted(where: DivergenceFilter, limit: int) -> Select[Any]:
    """Count the hints of the newest divergences, so many of them."""
    newest = (
        select(divergences.c.target, divergences.c.hint)
        .where(*_fitting(where))
        .order_by(divergences.c.at.desc(), divergences.c.id.desc())
        .limit(limit)
        .subquery()
    )
    keys = (newest.c.target, newest.c.hint)
    asked = select(*keys, func.count()).where(newest.c.hint != "")
    return asked.group_by(*keys).order_by(*keys)


def newest_samples(fingerprints: Collection[str]) -> Select[Any]:
    """List the newest sample of each group, as `sample_of`, without its answers."""
    at, number = divergences.c.at, divergences.c.id
    place = func.row_number().over(
        partition_by=samples.c.fingerprint, order_by=(at.desc(), number.desc())
    )
    both = [samples.c[name] == divergences.c[name] for name in _OF_SAMPLE]
    ranked = (
        select(
            samples.c.fingerprint.label("sample_of"),
            number,
            place.label("place"),
        )
        .join_from(samples, divergences, and_(*both))
        .where(in_run(samples), samples.c.fingerprint.in_(fingerprints))
        .subquery()
    )
    return (
        select(ranked.c.sample_of, *_columns(whole=False))
        .join_from(ranked, divergences, number == ranked.c.id)
        .where(ranked.c.place == 1)
    )


def _columns(*, whole: bool) -> list[ColumnElement[Any]]:
    return [
        one
        if whole or one.name not in rows.LONG
        else literal_column("''").label(one.name)
        for one in divergences.columns
    ]


def count_divergences(where: DivergenceFilter) -> Select[Any]:
    """Count divergences."""
    return select(func.count()).select_from(divergences).where(*_fitting(where))


def of_group(fingerprint: str) -> ColumnElement[bool]:
    """Tell the divergences that are samples of a group."""
    ours = select(samples.c.exchange_id, samples.c.target)
    place = tuple_(divergences.c.exchange_id, divergences.c.target)
    of_it = samples.c.fingerprint == fingerprint
    return place.in_(ours.where(in_run(samples), of_it))


def _fitting(where: DivergenceFilter) -> Conditions:
    table = divergences.c
    asked = (
        (table.target.__eq__, where.target),
        (table.route.__eq__, where.route),
        (table.at.__ge__, where.since),
        (table.at.__lt__, where.until),
        (table.live_status.__eq__, where.live_status),
        (table.shadow_status.__eq__, where.shadow_status),
    )
    conditions = [compare(value) for compare, value in asked if value is not None]
    conditions.insert(0, in_run(divergences))
    return conditions if where.group is None else [*conditions, of_group(where.group)]


def numbered(number: int) -> Select[Any]:
    """Find the divergence with this row number."""
    return select(divergences).where(in_run(divergences), divergences.c.id == number)


def of_exchange(beginning: str, limit: int) -> Select[Any]:
    """Find divergences by exchange id, or by the beginning of one."""
    name = divergences.c.exchange_id
    begins = (name >= beginning) & (name < beginning + AFTER_ALL_TEXT)
    keys = (name, divergences.c.target)
    return (
        select(divergences)
        .where(in_run(divergences), begins)
        .order_by(*keys)
        .limit(limit)
    )
