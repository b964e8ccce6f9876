"""Visits to a shop: planned from a seed, sent at a rate, the same every time."""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

__all__ = ["Draw", "Visit", "main", "plan_visits", "send", "send_one"]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a visitor."""

    method: str
    path: str
    form: dict[str, str] = field(default_factory=dict)
    json: Any = None


Draw = Callable[[random.Random], Visit]
"""Draws one visit."""


def plan_visits(
    tour: Sequence[Visit], draw: Draw, count: int, seed: int
) -> list[Visit]:
    """Return the whole tour once, then drawn visits, `count` in all (or the tour)."""
    dice = random.Random(seed)
    return [*tour, *(draw(dice) for _ in range(count - len(tour)))]


def send_one(client: httpx.Client, visit: Visit) -> httpx.Response:
    """Send one visit; forms carry the CSRF token where the shop has set one."""
    headers = {}
    if token := client.cookies.get("csrftoken"):
        headers["X-CSRFToken"] = token
    if visit.form:
        return client.request(
            visit.method, visit.path, data=visit.form, headers=headers
        )
    return client.request(visit.method, visit.path, json=visit.json, headers=headers)


def send(url: str, visits: Iterable[Visit], rate: float) -> Counter[int]:
    """Send the visits one after another at `rate` a second; count the statuses."""
    statuses: Counter[int] = Counter()
    with httpx.Client(base_url=url, timeout=10, trust_env=False) as client:
        for visit in _paced(visits, rate):
            statuses[send_one(client, visit).status_code] += 1
    return statuses


def main(plan: Callable[[int, int], list[Visit]], arguments: Sequence[str]) -> None:
    """Run as a command: `--url --seconds --rate --seed`."""
    parser = argparse.ArgumentParser(description="Send visits to a shop.")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=40.0, help="visits a second")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    visits = plan(int(options.seconds * options.rate), options.seed)
    statuses = send(options.url, visits, options.rate)
    told = ", ".join(
        f"{count} x {status}" for status, count in sorted(statuses.items())
    )
    print(f"{statuses.total()} visits: {told}")  # noqa: T201 - a command's result


def _paced(visits: Iterable[Visit], rate: float) -> Iterator[Visit]:
    started = time.monotonic()
    for number, visit in enumerate(visits):
        ahead = started + number / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        yield visit
