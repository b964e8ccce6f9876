"""
What a flood of names does to the memory of profiles and groups.

Three floods: keys of a map that users make up, in bodies that are compared; paths that
nothing generalises, straight into the judge; and routes that nobody templated. What is
learned is fetched all the time, as by an agent that writes to its store.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

import msgspec
import psutil

from shadow_middleware.compare import Comparer, Comparison
from shadow_middleware.exchange import (
    Body,
    Difference,
    Exchange,
    Kind,
    Part,
    Request,
    Response,
    Timing,
)
from shadow_middleware.judge import Case, Judge, Policy, Profile
from shadow_middleware.settings import Settings

__all__ = ["FLOODS", "Flood", "flood"]

MIB = 2**20
AT = 1_795_000_000.0
FETCHED = 500
"""Exchanges between two fetches."""
WARM = 0.2
"""The share of the flood after which the memory is measured for the first time."""
KEYS, PATHS = 50, 20
"""Names in one exchange."""
HEADERS = ((b"content-type", b"application/json"),)
SETTINGS = Settings(shadow_url="http://shadow.internal:8080")


class Flood(NamedTuple):
    """What was left of a flood."""

    what: str
    names: int
    cells: int
    groups: int
    """How many a store would have been told of."""
    overflow: int
    early: float
    """MiB that the process had grown after a fifth of the flood."""
    grown: float
    """MiB in the end."""


def flood(what: str, names: int) -> Flood:
    """Run one flood of about so many names in this process."""
    profile = Profile(Policy.of(SETTINGS))
    judge = Judge(SETTINGS, profile)
    groups: set[str] = set()
    before, early = _resident(), 0.0
    each, cases = FLOODS[what]
    count = names // each
    for number, case in enumerate(cases(count)):
        judge.judge(case)
        if number % FETCHED == 0:
            groups.update(one.key.fingerprint for one in profile.take().sightings)
        if number == int(count * WARM):
            early = _resident() - before
    groups.update(one.key.fingerprint for one in profile.take().sightings)
    grown = _resident() - before
    return Flood(
        what, count * each, profile.size, len(groups), profile.overflow, early, grown
    )


def _resident() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / MIB


def _map_keys(count: int) -> Iterator[Case]:
    comparer = Comparer(SETTINGS)
    chance = Random(count)
    for number in range(count):
        keys = [f"{_word(chance)}{number * KEYS + each}" for each in range(KEYS)]
        live = {"by_user": dict.fromkeys(keys, 1)}
        shadow = {"by_user": dict.fromkeys(keys, 2)}
        exchange = Exchange(
            f"a-{number}",
            AT,
            Request("GET", b"/totals"),
            _json(live),
            Timing(0, 1, 2),
            "/totals",
        )
        found = comparer.compare(exchange, "shadow", _json(shadow))
        yield _case("GET /totals", found)


def _paths(count: int) -> Iterator[Case]:
    chance = Random(count)
    for _ in range(count):
        paths = [f"/{_word(chance)}/{_word(chance)}" for _ in range(PATHS)]
        yield _case(f"GET /{_word(chance)[:1]}", _different(paths))


def _routes(count: int) -> Iterator[Case]:
    chance = Random(count)
    for _ in range(count):
        yield _case(f"GET /{_word(chance)}/{_word(chance)}", _different(["/total"]))


def _different(paths: list[str]) -> Comparison:
    differences = tuple(
        Difference(
            Part.BODY,
            path,
            Kind.CHANGED,
            1,
            2,
            shape=path,
            live_is="integer",
            shadow_is="integer",
            size="some",
        )
        for path in paths
    )
    return Comparison("different", differences)


def _case(route: str, found: Comparison) -> Case:
    return Case(target="shadow", route=route, status=200, at=AT, found=found)


def _json(value: object) -> Response:
    data = msgspec.json.encode(value)
    return Response(200, HEADERS, Body(data, len(data)))


def _word(chance: Random) -> str:
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=9))


FLOODS: dict[str, tuple[int, Callable[[int], Iterator[Case]]]] = {
    "keys of a map that users make up": (KEYS, _map_keys),
    "paths that nothing generalises": (PATHS, _paths),
    "routes that nobody templated": (1, _routes),
}
"""How many names an exchange has, and what makes the exchanges."""
