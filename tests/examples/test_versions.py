"""Both versions of both shops by themselves: v2 differs as planted, nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from types import ModuleType

import pytest

from examples.django_app import planted as django_planted
from examples.django_app import traffic as django_traffic
from examples.fastapi_app import planted as fastapi_planted
from examples.fastapi_app import traffic as fastapi_traffic
from examples.stage.servers import free_port
from examples.stage.show import Side, gunicorn, staged, uvicorn
from tests.examples.oracle import Answer, answers, endpoint_of, explained, places

pytestmark = pytest.mark.usefixtures("children_uncounted")

VISITS = 100
V1 = {"DJANGO_SETTINGS_MODULE": "tests.examples.plain_django"}
V2 = {"DJANGO_SETTINGS_MODULE": "examples.django_app.settings_v2"}


def django(command: Callable[[int], list[str]]) -> tuple[Side, Side]:
    """Both versions of the bookshop under one command."""
    return Side(command, V1), Side(command, V2)


# What the versions answer is theirs, whoever serves it; `test_end_to_end` has the rest.
FASTAPI = {
    "uvicorn": (
        Side(partial(uvicorn, "tests.examples.plain_fastapi:app")),
        Side(partial(uvicorn, "examples.fastapi_app.shadow:app")),
    ),
}
DJANGO = {
    "gunicorn": django(partial(gunicorn, "examples.django_app.wsgi")),
    "uvicorn": django(partial(uvicorn, "examples.django_app.asgi:application")),
}
CASES = [
    *((fastapi_planted, fastapi_traffic, sides) for sides in FASTAPI.values()),
    *((django_planted, django_traffic, sides) for sides in DJANGO.values()),
]
NAMES = [
    *(f"fastapi-{name}" for name in FASTAPI),
    *(f"django-{name}" for name in DJANGO),
]


def both(
    sides: tuple[Side, Side], traffic: ModuleType, folder: Path
) -> tuple[list[Answer], list[Answer]]:
    """Make the same visits to both versions, each on a fresh database."""
    visits = traffic.plan(VISITS, seed=7)
    with ExitStack() as stack:
        ports = free_port(), free_port()
        environment = staged(folder, ports[1])
        served = [
            stack.enter_context(side.served(port, folder, f"v{number}", environment))
            for number, (side, port) in enumerate(zip(sides, ports, strict=True), 1)
        ]
        return answers(served[0].url, visits), answers(served[1].url, visits)


@pytest.mark.slow
@pytest.mark.parametrize(("planted", "traffic", "sides"), CASES, ids=NAMES)
def test_v2_differs_in_every_planted_place_and_nowhere_else(
    planted: ModuleType,
    traffic: ModuleType,
    sides: tuple[Side, Side],
    seeded: Path,
) -> None:
    """The documents list all that a report may name, and nothing that it cannot."""
    ones, others = both(sides, traffic, seeded)
    faults = [fault for fault in planted.PLANTED if fault.part != "latency"]
    endpoints = {fault.endpoint for fault in planted.PLANTED}
    found = places(ones, others, endpoints)

    unseen = [
        fault.name
        for fault in faults
        if not any(fault.explains(*place) for place in found)
    ]
    stray = {place for place in found if not explained(place, faults, planted.NOISE)}
    assert ([], set()) == (unseen, stray)

    silent = [
        quiet
        for quiet in planted.NOISE
        if not any(explained(place, [], [quiet]) for place in found)
    ]
    assert [] == silent

    (slow,) = (fault for fault in planted.PLANTED if fault.part == "latency")
    times = [
        [it.seconds for it in side if endpoint_of(it.visit, endpoints) == slow.endpoint]
        for side in (ones, others)
    ]
    assert median(times[1]) >= 0.15


@pytest.mark.parametrize("traffic", [fastapi_traffic, django_traffic])
def test_the_same_seed_plans_the_same_visits(traffic: ModuleType) -> None:
    """Traffic is reproducible, and another seed gives other traffic."""
    assert traffic.plan(90, 3) == traffic.plan(90, 3)
    assert traffic.plan(90, 3) != traffic.plan(90, 4)
    assert 90 == len(traffic.plan(90, 3))
