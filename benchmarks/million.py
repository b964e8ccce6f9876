"""
A store of a million divergences, as three days of traffic leave it behind.

500 routes by Zipf's law, three versions of the shadow and a control; about 2,000 groups
and 700 signatures of several; sums by the minute, latency by windows of ten. The same
seed makes the same rows. They go into the store's own tables by the drivers' fastest
ways, as an agent would need hours; what sums up minutes is then made of them.
"""

from __future__ import annotations

import itertools
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import accumulate
from typing import Any, Final, NamedTuple

import msgspec
import psycopg
from sqlalchemy import Table

from shadow_middleware.evidence import LATENCY_WINDOW
from shadow_middleware.exchange import CONTROL, Kind, Part
from shadow_middleware.knowledge import GroupKey, signature_of
from shadow_middleware.report.sketch import bucket_of
from shadow_middleware.store import schema
from shadow_middleware.store.rows import dump_json
from shadow_middleware.store.sums import SUMS, Sum

__all__ = ["Million", "Size", "fill"]

TARGET: Final = "shadow"
VERSIONS: Final = ("2026.1", "2026.2", "2026.3")
PARTS: Final = (Part.BODY, Part.BODY, Part.BODY, Part.HEADER, Part.STATUS)
HEADERS: Final = [["accept", "application/json"], ["host", "shop.example"]]
ANSWER: Final = [["content-type", "application/json"], ["x-version", "7"]]
BODY: Final = dump_json({"items": [{"id": n, "name": f"item {n}"} for n in range(12)]})
OTHER: Final = BODY.replace("item 0", "thing 0")
AT_ONCE: Final = 20_000


class Size(NamedTuple):
    """How much there is."""

    divergences: int = 1_000_000
    routes: int = 500
    days: int = 3
    share: float = 0.14
    """Of the replays that diverge."""


class _Route(NamedTuple):
    """One route, and what its replays come to."""

    name: str
    groups: list[GroupKey]
    ways: list[tuple[str, tuple[str, ...]]]
    """Signatures with their groups."""
    live: list[int]
    """Buckets that live's times fall into."""
    shadow: list[int]


class Million:
    """
    Three days of traffic that end now.

    Args:
        size: How much of it.
        now: Unix seconds.
    """

    def __init__(self, size: Size, now: float | None = None) -> None:
        self.size = size
        self.until = int((now or time.time()) // 60)
        self.since = self.until - size.days * 24 * 60
        chance = random.Random(4)
        self.routes = [_route(number, chance) for number in range(size.routes)]
        self._weights = [*accumulate(1 / (n + 10) ** 0.9 for n in range(size.routes))]
        self.seen: Counter[str] = Counter()
        """Divergences of each group."""

    def rows(self) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        """Yield every row but those of sums over minutes, as the columns have it."""
        self.seen.clear()
        minutes = self.until - self.since
        number, slots = 0, Counter[str]()
        chance = random.Random(5)
        window: Counter[tuple[str, int]] = Counter()
        for minute in range(self.since, self.until):
            done = (minute - self.since + 1) / minutes
            some = int(self.size.divergences * done) - number
            counts: Counter[tuple[str, str, str, str]] = Counter()
            for index in self._drawn(chance, int(some / self.size.share)):
                window[self.version(minute), index] += 1
                if some and chance.random() < self.size.share * 1.1:
                    some, number = some - 1, number + 1
                    yield from self._divergence(minute, index, number, slots, counts)
                else:
                    self._other(minute, index, chance, counts)
            for index in range(some):
                number += 1
                yield from self._divergence(minute, index, number, slots, counts)
            for (target, route, outcome, reason), count in counts.items():
                version = "" if target == CONTROL else self.version(minute)
                key = (minute, target, route, outcome, reason, version)
                yield schema.counts, (*key, count)
            if (minute + 1) % LATENCY_WINDOW == 0 or minute + 1 == self.until:
                yield from self._times(minute - minute % LATENCY_WINDOW, window, chance)
                window.clear()
        yield from self._learned()

    def version(self, minute: int) -> str:
        """Return the shadow's version of that time."""
        part = (minute - self.since) / (self.until - self.since)
        return VERSIONS[int(part * len(VERSIONS))]

    def _drawn(self, chance: random.Random, number: int) -> list[int]:
        every = range(self.size.routes)
        return chance.choices(every, cum_weights=self._weights, k=number)

    def _other(
        self,
        minute: int,
        index: int,
        chance: random.Random,
        counts: Counter[tuple[str, str, str, str]],
    ) -> None:
        route, dice = self.routes[index].name, chance.random()
        outcome, reason = "match", ""
        if dice < 0.08:
            outcome, reason = "noise", "control"
        elif dice < 0.085:
            outcome, reason = "timeout", "read"
        elif dice < 0.09:
            outcome, reason = "dropped", "queue_full"
        counts[TARGET, route, outcome, reason] += 1
        if dice < 0.5:
            counts[CONTROL, route, "match", ""] += 1

    def _divergence(
        self,
        minute: int,
        index: int,
        number: int,
        slots: Counter[str],
        counts: Counter[tuple[str, str, str, str]],
    ) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        route = self.routes[index]
        signature, groups = route.ways[number * 7919 % 97 % len(route.ways)]
        counts[TARGET, route.name, "divergence", signature] += 1
        at = minute * 60 + number % 60
        name = f"{number * 2654435761 % 2**32:08x}-{number:x}"
        self.seen.update(groups)
        for group in groups:
            if self.seen[group] % 20 == 1:
                slot, slots[group] = slots[group] % 16, slots[group] + 1
                if slots[group] <= 16:
                    yield schema.samples, (group, slot, name, TARGET, at)
        yield schema.divergences, _record(self, route, groups, name, at, number)

    def _times(
        self, start: int, window: Counter[tuple[str, int]], chance: random.Random
    ) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        for (version, index), times in window.items():
            route = self.routes[index]
            for leg, known in (("live", route.live), ("shadow", route.shadow)):
                for bucket, count in Counter(chance.choices(known, k=times)).items():
                    key = (start, TARGET, route.name, leg, bucket, version)
                    yield schema.latencies, (*key, count)

    # --- what is learned and decided ----------------------------------------------------

    def _learned(self) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        end, days = self.until * 60.0, range(self.since // 1440, self.until // 1440 + 1)
        numbers = itertools.count(1)
        for route in self.routes:
            yield schema.routes, (route.name, end)
            yield from _used(route.name, days)
            for signature, prints in route.ways:
                if len(prints) > 1:
                    yield schema.signatures, (signature, dump_json(prints), end)
            for key, number in zip(route.groups, numbers, strict=False):
                yield self._group(key, number)
                yield from _cells(key, number, days)
        for name in ("a", "b", "c", "d"):
            yield schema.sessions, (name * 8, TARGET, 2_000_000, 1_999_990, end)
        yield from _rules(end)
        yield schema.losses, (self.since, TARGET, "buffer_full", 12)

    def _group(self, key: GroupKey, number: int) -> tuple[Table, tuple[Any, ...]]:
        state = {0: "ignored", 1: "resolved"}.get(number % 20, "open")
        ruling = {2: "noise", 3: "signal"}.get(number % 40, "")
        first, last = self.since * 60.0, self.until * 60.0
        decided = None if state == "open" and not ruling else last - 7_200
        count = self.seen[key.fingerprint]
        return schema.groups, (
            key.fingerprint,
            *map(str, msgspec.structs.astuple(key)),
            count,
            first + number * 37 % 40_000,
            last - number * 31 % 50_000,
            state,
            decided,
            "",
            ruling,
        )


def _used(route: str, days: range) -> Iterator[tuple[Table, tuple[Any, ...]]]:
    for day in days:
        for status in (2, 4, 5):
            yield schema.uses, (day, route, status, 5_000, 4_000)
        for status in (200, 404):
            base = (day, "live-7", TARGET, route, status)
            yield schema.noise_bases, (*base, 4_000.0, 2_000.0, 0.0)


def _rules(end: float) -> Iterator[tuple[Table, tuple[Any, ...]]]:
    for number in range(20):
        name = f"rule {number}"
        rule = {"name": name, "path": f"/data/{number}", "action": "ignore"}
        yield schema.rules, (name, dump_json(rule), end, "")
        yield schema.rule_hits, (name, TARGET, "changed", 1_000, end)


def _route(number: int, chance: random.Random) -> _Route:
    name = f"GET /area{number % 20}/things{number}/{{id}}"
    groups = [
        GroupKey(
            target=TARGET,
            route=name,
            part=PARTS[index % len(PARTS)],
            path=f"/data/items/*/field{index}",
            kind=Kind.CHANGED,
            live="text",
            shadow="text",
        )
        for index in range(2 + number % 5)
    ]
    prints = [key.fingerprint for key in groups]
    ways: list[tuple[str, tuple[str, ...]]] = [(one, (one,)) for one in prints]
    for size in range(2, min(4, len(prints)) + 1):
        several = tuple(sorted(prints[:size]))
        ways.append((signature_of(several), several))
    middle = chance.lognormvariate(10, 0.8)
    live = [bucket_of(middle * chance.lognormvariate(0, 0.3)) for _ in range(300)]
    shadow = [bucket_of(middle * chance.lognormvariate(0.05, 0.35)) for _ in range(300)]
    return _Route(name, groups, ways, live, shadow)


def _record(
    made: Million,
    route: _Route,
    groups: tuple[str, ...],
    name: str,
    at: float,
    number: int,
) -> tuple[Any, ...]:
    difference = {
        "part": "body",
        "path": "/data/items/0/field0",
        "kind": "changed",
        "live": "item 0",
        "shadow": "thing 0",
        "group": groups[0],
    }
    status = 404 if number % 50 == 0 else 200
    return (
        name,
        TARGET,
        at,
        route.name,
        "GET",
        route.name[4:].replace("{id}", str(number)),
        200,
        status,
        12.5,
        14.25,
        dump_json([difference] * len(groups)),
        False,
        "",
        False,
        dump_json(HEADERS),
        "",
        dump_json(ANSWER),
        BODY,
        dump_json(ANSWER),
        OTHER,
        dump_json(groups),
        made.version(int(at // 60)),
        True,
        True,
    )


def _cells(
    key: GroupKey, number: int, days: Sequence[int]
) -> Iterator[tuple[Table, tuple[Any, ...]]]:
    both, only = (30.0, 20.0) if number % 3 == 0 else (0.0, 0.0)
    for day in days:
        for status, size in ((200, ""), (200, "some"), (404, ""))[: 1 + number % 3]:
            name = (day, "live-7", key.fingerprint, status, size)
            pairs = (both, only, only, 0.0, 0.0, 0.0)
            yield schema.noise, (*name, 60.0, 0.0, *pairs)


# --- into the tables --------------------------------------------------------------------


def fill(url: str, rows: Iterable[tuple[Table, tuple[Any, ...]]]) -> None:
    """Write the rows into the tables of a prepared store, and let it look at them."""
    by_table: dict[Table, list[tuple[Any, ...]]] = {}
    with closing(_connected(url)) as connection:
        for table, row in rows:
            waiting = by_table.setdefault(table, [])
            waiting.append(row)
            if len(waiting) >= AT_ONCE:
                _put(connection, table, waiting)
                waiting.clear()
        for table, waiting in by_table.items():
            _put(connection, table, waiting)
        for one in SUMS:
            for span in one.spans:
                connection.execute(_summing(one, span))
        connection.commit()
        if not isinstance(connection, sqlite3.Connection):
            # As autovacuum does within a minute; SQLite is never told to.
            connection.autocommit = True
            connection.execute("VACUUM ANALYZE")


def _summing(one: Sum, span: int) -> str:
    """Return what fills a table of sums, for one span."""
    start = f'"{one.time}" - "{one.time}" % {span}' if span else "0"
    told = {key: key for key in one.keys}
    if one.table is schema.count_times:
        told["reason"] = "CASE WHEN outcome = 'divergence' THEN '' ELSE reason END"
    values, names = ", ".join(told.values()), ", ".join(told)
    grouped = f"{start}, {values}" if span else values
    return (
        f"INSERT INTO {one.table.name} (run, span, start, {names}, count) "
        f"SELECT '', {span}, {start}, {values}, sum(count) FROM {one.of.name} "
        f"GROUP BY {grouped}"
    )


def _connected(url: str) -> Any:
    if not url.startswith("sqlite"):
        return psycopg.connect(url.replace("+psycopg", ""))
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    return connection


UNSAID = ("id", "run", "weight")
"""Columns that rows do not name: what fills itself, and what old writers leave out."""


def _put(connection: Any, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    ours = [one.name for one in table.columns if one.name not in UNSAID]
    live = "run" in table.columns and table is not schema.divergences
    ours, rows = (
        (["run", *ours], [("", *row) for row in rows]) if live else (ours, rows)
    )
    names = ", ".join(f'"{one}"' for one in ours)
    if isinstance(connection, sqlite3.Connection):
        marks = ", ".join("?" * len(ours))
        connection.executemany(
            f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows
        )
    else:
        copy = f"COPY {table.name} ({names}) FROM STDIN"
        with connection.cursor().copy(copy) as copying:
            for row in rows:
                copying.write_row(row)
    connection.commit()
