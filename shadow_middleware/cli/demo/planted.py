"""
What is planted in version 2 of the shop, and how to tell that it was found.

Each is found, or not, in the evidence that the store holds: nothing is taken from
the shop itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from shadow_middleware.exchange import Kind, Outcome, Part
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.report.latency import latency_of

__all__ = ["PLANTED", "SETTINGS", "Planted"]

SETTINGS = {
    "rules": [
        {"action": "expect", "path": "/version", "live": "1[.].*", "shadow": "2[.].*"}
    ]
}
"""How the demo is set up, besides its servers; the rest is by default."""

_SLOWER_MS = 40.0


class Planted(msgspec.Struct, frozen=True):
    """One planted difference."""

    name: str
    route: str
    what: str
    found: Callable[[Holdings], bool]
    """Whether the evidence shows it."""


def _differs(
    route: str, part: Part, path: str, kinds: Sequence[Kind] = ()
) -> Callable[[Holdings], bool]:
    """Return whether a divergence on the route has a difference there, and no noise."""

    def found(held: Holdings) -> bool:
        return any(
            one.part is part and one.path.startswith(path) and not one.noise
            for record in held.divergences
            if record.route == route
            for one in record.differences
            if not kinds or one.kind in kinds
        )

    return found


def _slower(held: Holdings) -> bool:
    route = "GET /reports/{id}"
    latency = latency_of(row for row in held.latencies if row.route == route)
    return latency is not None and latency.delta_ms.p50 > _SLOWER_MS


def _noise(held: Holdings) -> bool:
    """Return whether what varies by nature on /status counts as noise."""
    return any(
        row.outcome is Outcome.NOISE and row.route == "GET /status"
        for row in held.totals
    ) and not _differs("GET /status", Part.BODY, "/trace")(held)


def _expected(held: Holdings) -> bool:
    """Return whether /status was compared, and its new version is no divergence."""
    compared = any(row.route == "GET /status" for row in held.totals)
    return compared and not _differs("GET /status", Part.BODY, "/version")(held)


def _hinted(held: Holdings) -> bool:
    return any(
        record.route == "GET /account" and "credentials" in record.hint
        for record in held.divergences
    )


PLANTED: tuple[Planted, ...] = (
    Planted(
        "value",
        "GET /products/{id}",
        "the price of product 1 is rounded",
        _differs("GET /products/{id}", Part.BODY, "/price", [Kind.CHANGED]),
    ),
    Planted(
        "missing field",
        "GET /users/{id}",
        "`phone` is gone",
        _differs("GET /users/{id}", Part.BODY, "/phone", [Kind.MISSING]),
    ),
    Planted(
        "type",
        "GET /orders/{id}",
        "`quantity` is text instead of a number",
        _differs("GET /orders/{id}", Part.BODY, "/lines/0/quantity", [Kind.TYPE]),
    ),
    Planted(
        "order",
        "GET /products",
        "the list is the other way round",
        _differs("GET /products", Part.BODY, "/products"),
    ),
    Planted(
        "status",
        "GET /coupons/{id}",
        "200 where live says 404",
        _differs("GET /coupons/{id}", Part.STATUS, ""),
    ),
    Planted(
        "header",
        "GET /about",
        "`Cache-Control` is gone",
        _differs("GET /about", Part.HEADER, "cache-control", [Kind.MISSING]),
    ),
    Planted(
        "text body",
        "GET /receipts/{id}",
        "a comma in a sum, in plain text",
        _differs("GET /receipts/{id}", Part.BODY, ""),
    ),
    Planted(
        "slow route",
        "GET /reports/{id}",
        "the same answer, 75 ms later",
        _slower,
    ),
    Planted(
        "credentials",
        "GET /account",
        "401, because credentials stay home by default; a hint says so",
        _hinted,
    ),
    Planted(
        "null at times",
        "GET /status",
        "`load` is null in one answer of three, on a field that never is the same",
        _differs("GET /status", Part.BODY, "/load", [Kind.TYPE]),
    ),
    Planted(
        "never the same",
        "GET /status",
        "time, trace id and load; the control shows that they are noise",
        _noise,
    ),
    Planted(
        "intended",
        "GET /status",
        "`version` goes from 1.9 to 2.0; a rule expects it, so no divergence",
        _expected,
    ),
)
