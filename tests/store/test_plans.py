"""Every question that faces ask uses an index, on both databases, at a size that tells."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import pytest
from sqlalchemy import event

from benchmarks.million import Million, Size, fill
from shadow_middleware.evidence import DivergenceFilter
from shadow_middleware.exchange import Part
from shadow_middleware.knowledge import GroupFilter
from shadow_middleware.store.base import Reader
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.store.upgrade import upgrade

SIZE: Final = Size(divergences=6_000, routes=60, days=1)
NOW: Final = 1_800_000_000.0
MINUTE: Final = int(NOW // 60)
ROUTE: Final = "GET /area3/things3/{id}"
HOURS: Final = [range(at, at + 60) for at in range(MINUTE - 300, MINUTE, 60)]
MINUTES: Final = [range(at, at + 10) for at in range(MINUTE - 100, MINUTE, 10)]
DAYS: Final = [range(MINUTE - MINUTE % 1_440, MINUTE - MINUTE % 1_440 + 1_440)]
DAY: Final = int(NOW // 86_400)

Ask = Callable[[SqlStore], object]

READ_WHOLE: Final = {"groups", "rules", "rule_hits", "routes", "signatures", "writers"}
"""Tables that may be walked: they have a row for each thing, not for each of its times."""

GROWING: Final = {"counts", "count_times", "latencies", "latency_times", "reason_spans"}
"""Tables that are large here too, so that the planner is left to choose."""

ASKED: Final[dict[str, list[Ask]]] = {
    "revision": [lambda s: s.revision()],
    "totals": [
        lambda s: s.totals(),
        lambda s: s.totals(MINUTE - 10),
        lambda s: s.totals(MINUTE - 400),
        lambda s: s.totals(MINUTE - 400, MINUTE - 300, "shadow"),
        lambda s: s.totals(route=ROUTE),
        lambda s: s.totals(MINUTE - 400, target="shadow", version=""),
    ],
    "route_totals": [
        lambda s: s.route_totals(),
        lambda s: s.route_totals(MINUTE - 400),
        lambda s: s.route_totals(MINUTE - 400, "shadow"),
    ],
    "outcomes_by_step": [
        lambda s: s.outcomes_by_step(HOURS, "shadow"),
        lambda s: s.outcomes_by_step(MINUTES),
        lambda s: s.outcomes_by_step(HOURS, "shadow", ROUTE),
        lambda s: s.outcomes_by_step(MINUTES, "shadow", ROUTE),
    ],
    "divergences_by_step": [
        lambda s: s.divergences_by_step(HOURS, fingerprints(s), "shadow"),
        lambda s: s.divergences_by_step(DAYS, fingerprints(s)),
        lambda s: s.divergences_by_step(MINUTES, fingerprints(s)),
        lambda s: s.divergences_by_step(HOURS, fingerprints(s), "shadow", ROUTE),
    ],
    "latencies": [
        lambda s: s.latencies(),
        lambda s: s.latencies(MINUTE - 20),
        lambda s: s.latencies(MINUTE - 100, target="shadow"),
        lambda s: s.latencies(route=ROUTE),
        lambda s: s.latencies(together=True),
        lambda s: s.latencies(MINUTE - 100, target="shadow", together=True),
    ],
    "latencies_by_step": [
        lambda s: s.latencies_by_step(HOURS, "shadow"),
        lambda s: s.latencies_by_step(MINUTES),
        lambda s: s.latencies_by_step(HOURS, "shadow", ROUTE),
    ],
    "losses": [lambda s: s.losses(), lambda s: s.losses(MINUTE - 10, target="shadow")],
    "progress": [lambda s: s.progress(), lambda s: s.progress("shadow")],
    "counted": [lambda s: s.counted(), lambda s: s.counted(MINUTE - 100, ROUTE)],
    "divergences": [
        lambda s: s.divergences(),
        lambda s: s.divergences(limit=1_000, whole=False),
        lambda s: s.divergences(offset=4_000),
        lambda s: s.divergences(DivergenceFilter(target="shadow", since=NOW - 600)),
        lambda s: s.divergences(DivergenceFilter(route=ROUTE)),
        lambda s: s.divergences(DivergenceFilter(shadow_status=404)),
        lambda s: s.divergences(DivergenceFilter(live_status=200, until=NOW)),
        lambda s: s.divergences(DivergenceFilter(group=fingerprints(s)[0])),
    ],
    "count_divergences": [
        lambda s: s.count_divergences(),
        lambda s: s.count_divergences(DivergenceFilter(since=NOW - 600)),
        lambda s: s.count_divergences(DivergenceFilter(route=ROUTE)),
        lambda s: s.count_divergences(DivergenceFilter(shadow_status=404)),
        lambda s: s.count_divergences(DivergenceFilter(group=fingerprints(s)[0])),
    ],
    "find": [lambda s: s.find("17"), lambda s: s.find("ae03")],
    "span": [lambda s: s.span()],
    "versions": [
        lambda s: s.versions(),
        lambda s: s.versions("shadow"),
        lambda s: s.versions("shadow", MINUTE - 60),
    ],
    "groups": [
        lambda s: s.groups(limit=50),
        lambda s: s.groups(GroupFilter(route=ROUTE, part=Part.BODY)),
        lambda s: s.groups(GroupFilter(fingerprint="ab")),
    ],
    "count_groups": [lambda s: s.count_groups()],
    "signatures": [lambda s: s.signatures()],
    "newest_samples": [lambda s: s.newest_samples(fingerprints(s))],
    "samples": [lambda s: s.samples(fingerprints(s)[0])],
    "hinted": [lambda s: s.hinted(limit=1_000)],
    "noise": [
        lambda s: s.noise(DAY),
        lambda s: s.noise(DAY, "shadow"),
        lambda s: s.noise(DAY, "shadow", ROUTE),
    ],
    "noise_bases": [
        lambda s: s.noise_bases(DAY),
        lambda s: s.noise_bases(DAY, "shadow", ROUTE),
    ],
    "weighed": [lambda s: s.weighed({DAY: 1.0, DAY - 1: 0.5})],
    "eras": [lambda s: s.eras(DAY)],
    "cells_tested": [lambda s: s.cells_tested({DAY: 1.0}, "shadow", 0.1)],
    "known": [lambda s: s.known(DAY)],
    "rules": [lambda s: s.rules()],
    "rule_totals": [lambda s: s.rule_totals()],
    "routes": [lambda s: s.routes()],
    "uses": [lambda s: s.uses(), lambda s: s.uses(DAY)],
    "time": [lambda s: s.time()],
}


def fingerprints(store: SqlStore) -> list[str]:
    """Return the names of three groups."""
    return [one.fingerprint for one in store.groups(limit=3)]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def full(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SqlStore]:
    """Give a store with a day of sixty routes."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'store.db'}"
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.create())
    upgrade(url)
    fill(url, Million(SIZE, NOW).rows())
    store = SqlStore(url)
    yield store
    store.close()


def test_every_question_of_a_reader_is_asked_here() -> None:
    """A new one cannot be forgotten."""
    every = {
        name
        for name, found in inspect.getmembers(Reader, inspect.isfunction)
        if not name.startswith("_") and name != "close"
    }

    assert every == ASKED.keys()


@pytest.mark.parametrize("name", ASKED)
def test_every_question_of_a_reader_uses_an_index(full: SqlStore, name: str) -> None:
    """W31: no page walks a table that grows with time."""
    walks = [
        plan
        for ask in ASKED[name]
        for plan in plans_of(full, ask)
        if walked(plan) - READ_WHOLE
    ]
    walks += [
        plan
        for ask in ASKED[name]
        for plan in plans_of(full, ask, freely=True)
        if walked(plan) & GROWING
    ]

    assert [] == walks


@pytest.mark.parametrize("status", ["live_status", "shadow_status"])
def test_a_status_that_few_answers_have_is_looked_up(
    full: SqlStore, status: str
) -> None:
    """A million others are not read to find or to count them."""
    where = msgspec.structs.replace(DivergenceFilter(), **{status: 404})
    asks: list[Ask] = [
        lambda s: s.divergences(where),
        lambda s: s.count_divergences(where),
    ]

    for ask in asks:
        assert f"ix_shadow_divergences_run_{status}_at" in plans_of(full, ask)[0]


def plans_of(store: SqlStore, ask: Ask, *, freely: bool = False) -> list[str]:
    """
    Return the plan of each statement that an answer takes, as it is really asked.

    Of few rows Postgres rather reads all; unless it chooses `freely`, it does only where
    no index could help.
    """
    said: list[tuple[str, Any]] = []

    def note(_1: Any, _2: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            said.append((statement, values))

    engine = store._database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        ask(store)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    word = "EXPLAIN QUERY PLAN" if store._database.is_sqlite else "EXPLAIN"
    with engine.connect() as connection:
        if not store._database.is_sqlite and not freely:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return [
            "\n".join(
                str(row[-1])
                for row in connection.exec_driver_sql(f"{word} {statement}", values)
            )
            for statement, values in said
        ]


def walked(plan: str) -> set[str]:
    """Return the tables that a plan reads whole, by either database's words."""
    found = set()
    for line in plan.splitlines():
        words = line.split()
        if "Seq Scan on" in line:
            found.add(words[words.index("on") + 1])
        elif line.startswith("SCAN shadow_") and "USING" not in line:
            found.add(words[1])
    return {one.removeprefix("shadow_") for one in found}
