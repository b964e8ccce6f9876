"""`shadow-middleware export`: groups and divergences for other programs."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

import shadow_middleware
from shadow_middleware.cli.evidence import check_names, open_store, settings_of
from shadow_middleware.cli.naming import one_group
from shadow_middleware.cli.options import (
    ConfigFile,
    OneRoute,
    OneRun,
    OneTarget,
    Since,
    States,
    StoreUrl,
    since_of,
    states_of,
)
from shadow_middleware.cli.progress import bar_of
from shadow_middleware.cli.whole_file import whole_file
from shadow_middleware.evidence import DivergenceFilter, StoredDivergence
from shadow_middleware.knowledge import GroupFilter
from shadow_middleware.reading.learned import all_groups, learned_of, rows_of
from shadow_middleware.report.export import Format, exported
from shadow_middleware.report.groups import GroupRow
from shadow_middleware.store.base import Reader

__all__ = ["app", "newest_first"]

app = typer.Typer(
    help="Groups and divergences as NDJSON, HAR, JUnit XML or Markdown.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

PAGE = 500
"""Divergences that are read at once."""
T = TypeVar("T")

Form = Annotated[Format, typer.Option("--format", help="What the other program reads.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Where to; it appears when it is whole. Left out: standard output.",
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="At most so many. [default: all]")
]


@app.command(
    "divergences",
    epilog=(
        "Examples:\n\n  shadow-middleware export divergences --since 1h > new.ndjson\n\n"
        "  shadow-middleware export divergences --format har --output shadow.har"
    ),
)
def export_divergences(
    form: Form = Format.NDJSON,
    output: Output = None,
    store: StoreUrl = None,
    config: ConfigFile = None,
    since: Since = None,
    target: OneTarget = None,
    route: OneRoute = None,
    run: OneRun = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group", metavar="GROUP", help="Only the samples of this group."
        ),
    ] = None,
    limit: Limit = None,
) -> None:
    """
    Write divergences with both answers, redacted as they are stored, the newest first.

    It reads page by page, so a million of them take no more memory than one page.
    """
    with open_store(settings_of(store, config), run=run) as opened:
        now = opened.time()
        where = DivergenceFilter(
            target=target,
            route=route,
            since=since_of(since, now),
            until=now,
            group=one_group(opened, group).fingerprint if group else None,
        )
        if target or route:
            check_names(opened.totals(), target, route)
        total = min(opened.count_divergences(where), limit or sys.maxsize)
        found = islice(newest_first(opened, where), total)
        _write(found, form, output, "divergences", total)


@app.command(
    "groups",
    epilog=(
        "Examples:\n\n  shadow-middleware export groups --format junit -o groups.xml\n\n"
        "  shadow-middleware export groups --state all --format markdown"
    ),
)
def export_groups(
    form: Form = Format.NDJSON,
    output: Output = None,
    store: StoreUrl = None,
    config: ConfigFile = None,
    state: States = None,
    target: OneTarget = None,
    route: OneRoute = None,
    run: OneRun = None,
    since: Since = None,
    limit: Limit = None,
) -> None:
    """
    Write groups, those with the most divergences first.

    In JUnit a group that counts is a failure, any other one is skipped. HAR has the
    samples of each group.
    """
    wanted = states_of(state)
    settings = settings_of(store, config)
    with open_store(settings, run=run) as opened:
        start = since_of(since, opened.time())
        where = GroupFilter(target=target, route=route, since=start, with_noise=True)
        learned = learned_of(opened, settings)
        rows = rows_of(opened, all_groups(opened, where), learned)
        if not rows:
            check_names(opened.totals(), target, route)
        rows = [row for row in rows if row.state in wanted][:limit]
        if form is Format.HAR:
            samples = list(_samples(opened, rows))
            _write(samples, form, output, "groups", len(samples))
        else:
            _write(rows, form, output, "groups", len(rows))


def newest_first(
    reader: Reader, where: DivergenceFilter, page: int = PAGE
) -> Iterator[StoredDivergence]:
    """
    Return every divergence that fits, the newest first, read page by page.

    Each page begins at the time of the last one, so the thousandth costs what the
    first does, and what is written meanwhile moves nothing.
    """
    offset = 0
    while found := reader.divergences(where, limit=page, offset=offset):
        yield from found
        last = found[-1].record.at
        same = sum(one.record.at == last for one in found)
        # What happened at this very moment is asked for again, but for what was had.
        moved = where.until != (until := math.nextafter(last, math.inf))
        offset = same if moved else offset + len(found)
        where = msgspec.structs.replace(where, until=until)


def _samples(reader: Reader, rows: Iterable[GroupRow]) -> Iterator[StoredDivergence]:
    """Return the samples of the groups, each once."""
    seen: set[int] = set()
    for row in rows:
        for one in reader.samples(row.fingerprint):
            if one.id not in seen:
                seen.add(one.id)
                yield one


def _write(
    items: Iterable[StoredDivergence | GroupRow],
    form: Format,
    output: Path | None,
    what: str,
    total: int,
) -> None:
    version = shadow_middleware.__version__
    with whole_file(output) as file, bar_of(total, prints=output is None) as advance:
        found = _each(items, advance)
        for piece in exported(found, form, what=what, total=total, creator=version):
            file.write(piece.encode("utf-8", "replace"))


def _each(items: Iterable[T], advance: Callable[[], None]) -> Iterator[T]:
    for item in items:
        yield item
        advance()
