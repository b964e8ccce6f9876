"""
The corpus: exchanges in the order of a day's traffic, each answered by every copy.

The same seed gives the same exchanges on every machine and in every process.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from random import Random
from typing import NamedTuple

import msgspec

from benchmarks.corpus import accounts, catalogue, exports, operations, orders, pages
from benchmarks.corpus.faults import REGRESSIONS, Regression
from benchmarks.corpus.leg import Answer, Copy, Leg, Route
from shadow_middleware.exchange import Exchange, Request, Response, Timing

__all__ = ["ROUTES", "Answered", "Sent", "Traffic"]

ROUTES: tuple[Route, ...] = (
    *catalogue.ROUTES,
    *orders.ROUTES,
    *accounts.ROUTES,
    *operations.ROUTES,
    *pages.ROUTES,
    *exports.ROUTES,
)
FIRST = 1_795_000_000.0
"""When the traffic begins: a day in November 2026."""
HOSTS: dict[Copy, str] = {
    "live": "shop.example",
    "control": "control.internal:8080",
    "shadow": "shadow.internal:8080",
    "probe": "shadow.internal:8080",
}
PODS: dict[Copy, str] = {
    "live": "web-5d9f7c6b84",
    "control": "web-control-7b4f6c9d58",
    "shadow": "web-next-66c4d9f7b5",
    "probe": "web-next-66c4d9f7b5",
}
"""What the names of each copy's machines begin with."""
MACHINES = ("x2k9p", "b7qmd", "zr4tw")
MEDIA = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "html": "text/html; charset=utf-8",
    "text": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "xml": "application/xml",
}
BY_ROUTE: dict[str, list[Regression]] = {}
for _each in REGRESSIONS:
    BY_ROUTE.setdefault(_each.route, []).append(_each)


class Answered(NamedTuple):
    """What one copy answered, and how it was asked."""

    response: Response
    at: float
    host: str
    took_ms: float


class Sent(NamedTuple):
    """One exchange with the answers of all copies."""

    exchange: Exchange
    live: Answered
    control: Answered
    shadow: Answered
    probe: Answered
    """The shadow, asked a second time."""
    carries: frozenset[str]
    """Names of the regressions in the shadow's answer."""


class Traffic:
    """
    A stream of exchanges.

    Args:
        seed: Everything follows from it.
        planted: Whether the shadow has the regressions, or is healthy.
        routes: Those that are used; all of them if none is named.
    """

    def __init__(
        self, seed: int, *, planted: bool = True, routes: Collection[str] = ()
    ) -> None:
        self._seed = seed
        self._planted = planted
        self._order = Random(seed)
        self._routes = [
            route for route in ROUTES if not routes or route.endpoint in routes
        ]
        self._weights = [route.weight for route in self._routes]
        self._served: dict[str, int] = {}

    def exchanges(self, count: int) -> Iterator[Sent]:
        """Yield so many exchanges, one after another in time."""
        at = FIRST
        for number in range(count):
            at += self._order.expovariate(4)
            route = self._order.choices(self._routes, self._weights)[0]
            yield self._sent(number, at, route)

    def _sent(self, number: int, at: float, route: Route) -> Sent:
        live, _ = self._ask("live", number, at, route)
        later = at + self._order.uniform(0.01, 0.4)
        control, _ = self._ask("control", number, later, route)
        shadow, carries = self._ask("shadow", number, later + 0.002, route)
        probe, _ = self._ask("probe", number, later + shadow.took_ms / 1000, route)
        exchange = Exchange(
            id=f"{self._seed:x}-{number:x}",
            at=at,
            request=_request(route.endpoint, number),
            response=live.response,
            timing=Timing(0, int(live.took_ms * 9e5), int(live.took_ms * 1e6)),
            route=route.endpoint.partition(" ")[2],
        )
        return Sent(exchange, live, control, shadow, probe, frozenset(carries))

    def _ask(
        self, copy: Copy, number: int, at: float, route: Route
    ) -> tuple[Answered, list[str]]:
        leg = self._leg(copy, number, at)
        answer = route.build(leg)
        carries: list[str] = []
        if self._planted and copy in ("shadow", "probe"):
            carries = self._plant(answer, number, leg, route)
        _frame(answer, leg)
        took = leg.luck.lognormvariate(2.7, 0.5)
        return Answered(answer.written(_bytes), at, leg.host, took), carries

    def _leg(self, copy: Copy, number: int, at: float) -> Leg:
        start = (self._seed << 36) + (number << 3)
        luck = Random(start + 1 + list(HOSTS).index(copy))
        pod = f"{PODS[copy]}-{luck.choice(MACHINES)}"
        # Each process has served something before, and serves others beside these.
        served = self._served.get(pod, 1_000 + 7_919 * len(self._served))
        self._served[pod] = served + luck.randrange(1, 4)
        return Leg(Random(start), luck, at, HOSTS[copy], pod, served)

    def _plant(self, answer: Answer, number: int, leg: Leg, route: Route) -> list[str]:
        # The same request meets the same fault, so both answers of the shadow have it.
        chance = Random((self._seed << 36) + (number << 3) + 7)
        carries = []
        for regression in BY_ROUTE.get(route.endpoint, ()):
            drawn = chance.random()
            fate = leg.luck.random() if regression.intermittent else drawn
            if fate < regression.share and regression.plant(answer, chance):
                carries.append(regression.name)
        return carries


def _request(endpoint: str, number: int) -> Request:
    method, _, template = endpoint.partition(" ")
    path = template.replace("{", "").replace("}", f"-{number}")
    return Request(method, path.encode(), headers=((b"host", b"shop.example"),))


def _frame(answer: Answer, leg: Leg) -> None:
    """Add what every answer of the app carries."""
    charset = answer.encoding
    media = MEDIA[answer.form]
    if answer.form == "json" and charset != "utf-8":
        media += f"; charset={charset}"
    stated = [("x-request-id", f"{leg.luck.getrandbits(128):032x}")]
    if answer.body is not None:
        named = media.replace("utf-8", charset)
        if not any(name == "content-type" for name, _ in answer.headers):
            stated.append(("content-type", named))
    stated.append(("x-content-type-options", "nosniff"))
    stated.append(("strict-transport-security", "max-age=31536000"))
    answer.headers[:0] = stated


def _bytes(answer: Answer) -> bytes:
    if answer.body is None:
        return b""
    if answer.form == "json":
        data = msgspec.json.encode(answer.body)
        return (
            data.decode().encode(answer.encoding, "replace")
            if answer.encoding != "utf-8"
            else data
        )
    if answer.form == "ndjson":
        return b"".join(msgspec.json.encode(row) + b"\n" for row in answer.body)
    text = "\n".join(answer.body) + "\n"
    return text.encode(answer.encoding, "replace")
