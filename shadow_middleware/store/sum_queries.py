"""What is asked of counts and latencies over any time, as statements. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    select,
    union_all,
)

from shadow_middleware.evidence import LATENCY_WINDOW
from shadow_middleware.exchange import CONTROL
from shadow_middleware.store.queries import in_run
from shadow_middleware.store.roll_ups import REASON_SPANS, latency_days, reason_spans
from shadow_middleware.store.rows import UNSENT
from shadow_middleware.store.schema import count_times, counts
from shadow_middleware.store.sums import (
    DAY,
    EVER,
    HOUR,
    OF_COUNTS,
    OF_LATENCIES,
    Part,
    Sum,
    parts_of,
)

__all__ = [
    "divergences_by_step",
    "latencies_between",
    "latencies_by_step",
    "latencies_of_all_between",
    "outcomes_by_step",
    "totals_between",
    "totals_of_routes",
    "versions_of",
]

# Said as it stands in the index of some groups over time, which is found by it.
_DIVERGENCE: ColumnElement[str] = literal_column("'divergence'")


def totals_between(
    since: int | None,
    until: int | None,
    target: str | None,
    route: str | None = None,
    version: str | None = None,
) -> Select[Any]:
    """Sum counts over minutes."""
    parts = parts_of(since, until, OF_COUNTS[0].spans)
    return _summed(OF_COUNTS[0], parts, target, route, version)


def totals_of_routes(since: int | None, target: str | None) -> Select[Any]:
    """Sum counts over minutes, versions, and what divergences are counted under."""
    every = totals_between(since, None, target).order_by(None).subquery()
    none: ColumnElement[str] = literal_column("''")
    reason = case((every.c.outcome == _DIVERGENCE, none), else_=every.c.reason)
    keys = (every.c.target, every.c.route, every.c.outcome, reason)
    return select(*keys, func.sum(every.c.count)).group_by(*keys).order_by(*keys)


def latencies_between(
    since: int | None, until: int | None, target: str | None, route: str | None = None
) -> Select[Any]:
    """Sum latency buckets over windows, each taken whole."""
    return _in_windows(OF_LATENCIES[0], since, until, target, route)


def latencies_of_all_between(
    since: int | None, until: int | None, target: str | None
) -> Select[Any]:
    """Sum latency buckets over windows, each taken whole, and over routes."""
    return _in_windows(OF_LATENCIES[1], since, until, target, None, (DAY,))


def _in_windows(
    one: Sum,
    since: int | None,
    until: int | None,
    target: str | None,
    route: str | None,
    longer: tuple[int, ...] = (),
) -> Select[Any]:
    if since is not None:
        since -= since % LATENCY_WINDOW
    if until is not None:
        until = -(-until // LATENCY_WINDOW) * LATENCY_WINDOW
    parts = parts_of(since, until, (*one.spans, *longer), LATENCY_WINDOW)
    return _summed(one, parts, target, route)


def _summed(
    one: Sum,
    parts: Sequence[Part],
    target: str | None,
    route: str | None,
    version: str | None = None,
) -> Select[Any]:
    if parts[0].span == EVER:
        keys = [one.table.c[name] for name in one.keys]
        here = _within(one, parts[0], target, route, version)
        return select(*keys, one.table.c.count).where(here).order_by(*keys)
    every = union_all(
        *(
            select(*(_table(one, part).c[name] for name in (*one.keys, "count"))).where(
                _within(one, part, target, route, version)
            )
            for part in parts
        )
    ).subquery()
    names = [every.c[name] for name in one.keys]
    total = func.sum(every.c.count).label("count")
    return select(*names, total).group_by(*names).order_by(*names)


def _table(one: Sum, part: Part) -> Table:
    if one is OF_LATENCIES[1] and part.span == DAY:
        return latency_days
    return one.table if part.span in one.spans else one.of


def _time(one: Sum, part: Part) -> ColumnElement[int]:
    table = _table(one, part)
    column: ColumnElement[int] = table.c[one.time if table is one.of else "start"]
    return column


def _within(
    one: Sum,
    part: Part,
    target: str | None,
    route: str | None,
    version: str | None = None,
) -> ColumnElement[bool]:
    """Tell the rows of a part, of one target, route or version, or of all of them."""
    table, time = _table(one, part), _time(one, part)
    conditions = [in_run(table)]
    if part.span in one.spans:
        conditions.append(table.c.span == part.span)
    if part.since is not None:
        conditions.append(time >= part.since)
    if part.until is not None:
        conditions.append(time < part.until)
    if target is not None:
        conditions.append(table.c.target == target)
    if route is not None:
        conditions.append(table.c.route == route)
    if version is not None:
        # Said as it stands in the index of what has none, which is found by it.
        named: Any = version or literal_column("''")
        conditions.append(table.c.version == named)
    return and_(*conditions)


# --- over time --------------------------------------------------------------------------


def outcomes_by_step(
    steps: Sequence[range], target: str | None, route: str | None
) -> Select[Any]:
    """Sum counts over each step; of divergences it is not told which groups they show."""
    one, part = _of_steps(OF_COUNTS, steps, route)
    table = _table(one, part).c
    step = _step(one, part, steps)
    reason: Any = table.reason
    if route is not None:
        reason = case((table.outcome == _DIVERGENCE, ""), else_=table.reason)
    keys = (step, table.target, table.outcome, reason.label("why"))
    return _by_step(one, part, keys, target, route)


def divergences_by_step(
    steps: Sequence[range],
    reasons: Collection[str],
    target: str | None,
    route: str | None,
) -> Select[Any]:
    """Sum divergences over each step: those that are counted under the reasons."""
    fitting = [span for span in REASON_SPANS if not len(steps[0]) % span]
    table = reason_spans if fitting else counts
    time = table.c.start if fitting else table.c.minute
    step = time - time % literal_column(str(len(steps[0])))
    keys = (step.label("step"), table.c.target)
    conditions = [
        in_run(table),
        table.c.reason.in_(sorted(reasons)),
        time >= steps[0].start,
        time < steps[-1].stop,
    ]
    if fitting:
        conditions.append(table.c.span == fitting[-1])
    else:
        conditions.append(table.c.outcome == _DIVERGENCE)
    if target is None:
        conditions.append(table.c.target != CONTROL)
    else:
        conditions.append(table.c.target == target)
    if route is not None:
        conditions.append(table.c.route == route)
    total = func.sum(table.c.count).label("count")
    return select(*keys, total).where(*conditions).group_by(*keys).order_by(*keys)


def latencies_by_step(
    steps: Sequence[range], target: str | None, route: str | None
) -> Select[Any]:
    """Sum latency buckets over each step, in whole windows."""
    one, part = _of_steps(OF_LATENCIES, steps, route)
    table = _table(one, part).c
    keys = (_step(one, part, steps), table.target, table.leg, table.bucket)
    return _by_step(one, part, keys, target, route)


def _of_steps(
    sums: tuple[Sum, Sum], steps: Sequence[range], route: str | None
) -> tuple[Sum, Part]:
    """Return the coarsest rows that the steps can be made of."""
    one = sums[1] if route is None else sums[0]
    unit = 1 if sums is OF_COUNTS else LATENCY_WINDOW
    return one, _part(steps, HOUR if len(steps[0]) % HOUR == 0 else unit)


def _part(steps: Sequence[range], span: int) -> Part:
    return Part(span, steps[0].start, steps[-1].stop)


def _step(one: Sum, part: Part, steps: Sequence[range]) -> ColumnElement[int]:
    time = _time(one, part)
    begin: ColumnElement[int] = (
        time - time % literal_column(str(len(steps[0])))
    ).label("step")
    return begin


def _by_step(
    one: Sum,
    part: Part,
    keys: tuple[Any, ...],
    target: str | None,
    route: str | None,
) -> Select[Any]:
    table = _table(one, part).c
    conditions = [_within(one, part, target, route)]
    if target is None:
        conditions.append(table.target != CONTROL)
    total = func.sum(table.count).label("count")
    return select(*keys, total).where(*conditions).group_by(*keys).order_by(*keys)


def versions_of(
    since: int | None, target: str | None, *, by_hours: bool = False
) -> Select[Any]:
    """
    List the versions that were replayed to, the latest seen first.

    Hours find them, and minutes tell when in the first and the last hour, where those
    are kept. With `by_hours`, and a `since` that begins one, hours tell all.
    """
    span = HOUR if since is None or by_hours else 1
    table = count_times.c
    sent = table.outcome.not_in([str(one) for one in UNSENT])
    asked = select(
        table.target,
        table.version,
        func.min(table.start).label("first"),
        func.max(table.start).label("last"),
        func.sum(table.count).label("count"),
    ).where(in_run(count_times), table.span == span, sent)
    if since is not None:
        asked = asked.where(table.start >= since)
    if target is not None:
        asked = asked.where(table.target == target)
    found = asked.group_by(table.target, table.version).subquery()
    first, last = (_minute(found, edge) for edge in ("first", "last"))
    if since is not None:
        first, last = found.c.first, found.c.last
    last = last.label("last_minute")
    return select(
        found.c.target,
        found.c.version,
        first.label("first_minute"),
        last,
        found.c.count,
    ).order_by(last.desc(), found.c.target, found.c.version)


def _minute(found: Any, edge: str) -> Any:
    """Ask for the first or the last minute within the hour that was found."""
    minutes = count_times.alias()
    least_or_most = func.min if edge == "first" else func.max
    hour = found.c[edge]
    within = (
        select(least_or_most(minutes.c.start))
        .where(
            minutes.c.run == bindparam("run"),
            minutes.c.span == 1,
            minutes.c.start >= hour,
            minutes.c.start < hour + HOUR,
            minutes.c.target == found.c.target,
            minutes.c.version == found.c.version,
            minutes.c.outcome.not_in([str(one) for one in UNSENT]),
        )
        .scalar_subquery()
    )
    return func.coalesce(within, hour)
