"""Both shops with the middleware, under real servers: the report names every fault."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from examples.django_app.__main__ import EXAMPLE as DJANGO
from examples.django_app.planted import PLANTED as DJANGO_PLANTED
from examples.django_app.traffic import TOUR as DJANGO_TOUR
from examples.fastapi_app.__main__ import EXAMPLE as FASTAPI
from examples.fastapi_app.planted import PLANTED as FASTAPI_PLANTED
from examples.fastapi_app.traffic import TOUR as FASTAPI_TOUR
from examples.stage.faults import Planted
from examples.stage.servers import ROOT, Server, free_port
from examples.stage.show import Example, Side, gunicorn, runserver, staged, uvicorn
from examples.stage.visits import Visit, send
from shadow_middleware.errors import StoreError
from shadow_middleware.evidence import Progress, StoredDivergence, Total
from shadow_middleware.store.sql import SqlStore

pytestmark = pytest.mark.usefixtures("children_uncounted")

VISITS = 150
RATE = 60.0
SETTLES_WITHIN = 120.0
SENT_BY_THE_KERNEL = ("GET /guide/", "skipped", "sendfile")
"""A file that gunicorn's plain worker sends without its bytes passing through Python."""
UVICORN_WORKER = ("--worker-class", "uvicorn_worker.UvicornWorker")
FASTAPI_LIVE = "examples.fastapi_app.live:app"
DJANGO_WSGI = "examples.django_app.wsgi"


@dataclass(frozen=True)
class Case:
    """One example, the server that its live side runs under, and what must show."""

    example: Example
    command: Callable[[int], list[str]]
    planted: tuple[Planted, ...]
    left_alone: tuple[str, ...]
    """Paths that are not mirrored: excluded by the settings, or event streams."""


fastapi = partial(
    Case,
    FASTAPI,
    planted=FASTAPI_PLANTED,
    left_alone=("/orders", "/orders/*", "/events"),
)
django = partial(
    Case,
    DJANGO,
    planted=DJANGO_PLANTED,
    left_alone=("/orders/*", "/account/", "/events/"),
)


def under_gunicorn(application: str, *options: str) -> Callable[[int], list[str]]:
    """Return what makes the command for a port."""
    return lambda port: gunicorn(application, port, *options)


CASES = {
    "fastapi-uvicorn": fastapi(partial(uvicorn, FASTAPI_LIVE)),
    "fastapi-gunicorn-preload-2-workers": fastapi(
        under_gunicorn(FASTAPI_LIVE, *UVICORN_WORKER, "--preload", "--workers", "2")
    ),
    "django-gunicorn-sync": django(under_gunicorn(DJANGO_WSGI)),
    "django-gunicorn-preload-2-workers-4-threads": django(
        under_gunicorn(DJANGO_WSGI, "--preload", "--workers", "2", "--threads", "4")
    ),
    "django-uvicorn": django(partial(uvicorn, "examples.django_app.asgi:application")),
    "django-runserver": django(runserver),
}


@dataclass(frozen=True)
class Found:
    """What a run left behind."""

    selected: int
    totals: list[Total]
    progress: list[Progress]
    divergences: list[StoredDivergence]
    report: dict[str, Any]
    verdict: int
    alerts: list[str]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_planted_difference_is_found_and_nothing_else(
    name: str, seeded: Path
) -> None:
    """Real traffic, real servers, agent, store and report: W13, the law included."""
    case = CASES[name]
    found = run(case, seeded)

    odd = {
        it for it in map(ended, found.totals) if it[1] not in ("match", "divergence")
    }
    assert odd <= {SENT_BY_THE_KERNEL}
    assert found.selected == sum(row.count for row in found.totals)
    assert found.selected == sum(row.selected for row in found.progress)
    assert found.selected == sum(row.ended for row in found.progress)

    faults = [fault for fault in case.planted if fault.part != "latency"]
    seen = places(found.divergences)
    stray = {it for it in seen if not any(fault.explains(*it) for fault in faults)}
    assert ([], set()) == (unnamed(faults, seen), stray)

    (target,) = found.report["targets"]
    groups = {
        (it["route"], it["part"], it["path"], it["kind"])
        for it in target["differences"]
    }
    assert [] == unnamed(faults, groups)

    (slow,) = (fault for fault in case.planted if fault.part == "latency")
    (route,) = (it for it in target["routes"] if it["route"] == slow.endpoint)
    # Other routes may be slow as well, while the agent works off what waited for it.
    assert route["latency"]["delta_ms"]["p50"] > 100
    assert {"match"} == set(route["outcomes"])

    assert 1 == found.verdict
    assert {fault.endpoint for fault in faults} == alerted(found.alerts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("live", "shadow", "tour", "route"),
    [
        (
            Side(partial(uvicorn, "tests.examples.dropping_fastapi:app")),
            FASTAPI.shadow,
            FASTAPI_TOUR[:3],
            "GET /me",
        ),
        (
            replace(
                DJANGO.live,
                prepare=(),
                environment={
                    "DJANGO_SETTINGS_MODULE": "tests.examples.dropping_django"
                },
            ),
            replace(DJANGO.shadow, prepare=()),
            DJANGO_TOUR[:4],
            "GET /account/",
        ),
    ],
    ids=["fastapi", "django"],
)
def test_without_its_settings_a_dropped_login_explains_itself(
    live: Side, shadow: Side, tour: tuple[Visit, ...], route: str, seeded: Path
) -> None:
    """What the documents promise to who leaves the lines out: a 401, and why."""
    port, shadow_port = free_port(), free_port()
    environment = staged(seeded, shadow_port)
    store = environment["SHADOW_MIDDLEWARE_STORE_URL"]
    selected = sum(is_selected(visit, ()) for visit in tour)
    with (
        shadow.served(shadow_port, seeded, "shadow", environment),
        live.served(port, seeded, "live", environment) as server,
    ):
        send(server.url, tour, RATE)
        settle(store, selected, server, alerts=False)
    found = gathered(store, selected, server)

    (record,) = (
        it.record for it in found.divergences if it.record.shadow_status == 401
    )
    assert (route, 200) == (record.route, record.live_status)
    assert "credentials" in record.hint


def ended(row: Total) -> tuple[str, str, str]:
    """Return where and how replays ended."""
    return row.route, row.outcome.value, row.reason


def unnamed(
    faults: Sequence[Planted], named: set[tuple[str, str, str, str]]
) -> list[str]:
    """Return the planted differences that nothing names."""
    return [
        fault.name for fault in faults if not any(fault.explains(*it) for it in named)
    ]


def places(divergences: Sequence[StoredDivergence]) -> set[tuple[str, str, str, str]]:
    """Return every place that a stored divergence names."""
    return {
        (it.record.route, one.part.value, one.path, one.kind.value)
        for it in divergences
        for one in it.record.differences
    }


def alerted(alerts: Sequence[str]) -> set[str]:
    """Return the routes that the signal handler spoke of."""
    return {line.partition("ALERT ")[2].partition(" #")[0] for line in alerts}


def run(case: Case, folder: Path) -> Found:
    """Serve both sides, send the visits, wait until each is accounted for, stop."""
    visits = case.example.plan(VISITS, 7)
    selected = sum(is_selected(visit, case.left_alone) for visit in visits)
    port, shadow_port = free_port(), free_port()
    environment = staged(folder, shadow_port)
    live_side = replace(case.example.live, command=case.command, prepare=())
    shadow_side = replace(case.example.shadow, prepare=())
    with (
        shadow_side.served(shadow_port, folder, "shadow", environment),
        live_side.served(port, folder, "live", environment) as live,
    ):
        send(live.url, visits, RATE)
        store = environment["SHADOW_MIDDLEWARE_STORE_URL"]
        settle(store, selected, live)
    return gathered(store, selected, live)


def is_selected(visit: Visit, left_alone: Sequence[str]) -> bool:
    """Whether the documents say that this visit is mirrored."""
    path = visit.path.partition("?")[0]
    return visit.method == "GET" and not any(fnmatch(path, it) for it in left_alone)


def settle(url: str, selected: int, live: Server, *, alerts: bool = True) -> None:
    """Return once as many outcomes are stored, and alerts told, as there must be."""
    deadline = time.monotonic() + SETTLES_WITHIN
    counts: Counter[str] = Counter()
    while time.monotonic() < deadline:
        counts = counted(url)
        told = live.output().count("ALERT") if alerts else counts["divergence"]
        if counts.total() >= selected and told >= counts["divergence"]:
            return
        assert not live.ends_within(0.1), live.output()
    raise AssertionError(
        f"{dict(counts)} of {selected} after {SETTLES_WITHIN} s:\n{live.output()}"
    )


def counted(url: str) -> Counter[str]:
    """Return how many outcomes of each kind the store holds by now."""
    try:
        store = SqlStore(url, create=False)
    except StoreError:
        return Counter()  # the agent has not made it yet
    try:
        counts: Counter[str] = Counter()
        for row in store.totals():
            counts[row.outcome.value] += row.count
        return counts
    finally:
        store.close()


def gathered(url: str, selected: int, live: Server) -> Found:
    """Read all that is left once both sides have stopped."""
    store = SqlStore(url)
    try:
        return Found(
            selected,
            store.totals(),
            store.progress(),
            store.divergences(limit=1000),
            json.loads(
                command("report", "--store", url, "--json", "--limit", "50").stdout
            ),
            command("verdict", "--store", url).returncode,
            [line for line in live.output().splitlines() if "ALERT" in line],
        )
    finally:
        store.close()


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `shadow-middleware` as a person would."""
    return subprocess.run(
        [sys.executable, "-m", "shadow_middleware.cli.main", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
