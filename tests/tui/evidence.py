"""A store with known evidence, and the groups in it."""

from __future__ import annotations

import time

from shadow_middleware.evidence import (
    Batch,
    Count,
    LatencyCount,
    Progress,
)
from shadow_middleware.exchange import Difference, Kind, Outcome, Part
from shadow_middleware.knowledge import (
    DAY,
    GroupKey,
    NoiseBase,
    NoiseCount,
    Sample,
    Sighting,
)
from shadow_middleware.report.sketch import bucket_of, window_of
from tests.report.records import record

__all__ = ["AT", "EVIL", "PHONE", "PRICE", "evidence", "learned", "many_groups"]

AT = 1_790_000_040.0
"""A time in September 2026."""
EVIL = "[bold red]/evil[/] \x1b[2J\x07‮[link=x]"
"""What a terminal or a markup reader would act on."""

PRICE = GroupKey(
    "shadow", "GET /a", Part.BODY, "/price", Kind.CHANGED, "number", "integer"
)
PHONE = GroupKey(
    "shadow", "GET /b/{id}", Part.BODY, "/phone", Kind.MISSING, "string", ""
)


def _count(route: str, outcome: Outcome, number: int, reason: str = "") -> Count:
    return Count(int(AT // 60), "shadow", route, outcome, reason, number)


def _times(leg: str, ms: float) -> LatencyCount:
    bucket = bucket_of(ms * 1e3)
    return LatencyCount(window_of(int(AT // 60)), "shadow", "GET /a", leg, bucket, 95)


def evidence() -> Batch:
    """Return two groups on two routes, drops, times of both legs, an open account."""
    lamp = '{"id": 1, "a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "price": 19.9}'
    gone = Difference(
        Part.BODY, "/phone", Kind.MISSING, EVIL, None, group=PHONE.fingerprint
    )
    price = Difference(
        Part.BODY, "/price", Kind.CHANGED, 19.9, 21, group=PRICE.fingerprint
    )
    return Batch(
        counts=[
            _count("GET /a", Outcome.MATCH, 95),
            _count("GET /a", Outcome.DIVERGENCE, 3, PRICE.fingerprint),
            _count("GET /b/{id}", Outcome.DIVERGENCE, 2, PHONE.fingerprint),
            _count("GET /b/{id}", Outcome.TIMEOUT, 1, "read"),
            _count("-", Outcome.DROPPED, 4, "buffer_full"),
        ],
        latencies=[_times("live", 2), _times("shadow", 30)],
        divergences=[
            record(
                "aa-1",
                (price,),
                at=AT - 20,
                groups=(PRICE.fingerprint,),
                live_body=lamp,
                shadow_body=lamp.replace("19.9", "21"),
            ),
            record(
                "bb-1",
                (gone,),
                at=AT - 10,
                route="GET /b/{id}",
                path=EVIL,
                hint=EVIL,
                groups=(PHONE.fingerprint,),
                live_headers=[("Server", EVIL)],
                live_body=EVIL,
                shadow_body=f"{EVIL}\nmore",
            ),
        ],
        progress=[Progress("aa", "shadow", 105, 105, AT)],
        sightings=[
            Sighting(PRICE, 3, AT - 3600, AT - 20),
            Sighting(PHONE, 2, AT - 60, AT - 10),
        ],
        samples=[
            Sample(PRICE.fingerprint, 1, "aa-1", "shadow", AT - 20),
            Sample(PHONE.fingerprint, 1, "bb-1", "shadow", AT - 10),
        ],
    )


def learned() -> Batch:
    """Return what a control saw today: the price is noise, the phone is none."""
    today = int(time.time() // DAY)

    def cell(key: GroupKey, **seen: float) -> NoiseCount:
        return NoiseCount(today, "", key.fingerprint, 200, "", **seen)

    return Batch(
        noise=[
            cell(PRICE, raw=30, control_both=15, control_raw=15, control_only=15),
            cell(PHONE, raw=20, control_raw=20),
        ],
        noise_bases=[
            NoiseBase(today, "", "shadow", "GET /a", 200, 90, 90),
            NoiseBase(today, "", "shadow", "GET /b/{id}", 200, 40, 40),
        ],
    )


def many_groups(number: int) -> Batch:
    """Return so many groups, each a field of its own, the first with the most."""
    keys = [
        GroupKey(
            "shadow",
            "GET /many",
            Part.BODY,
            f"/field{at:05}",
            Kind.MISSING,
            "string",
            "",
        )
        for at in range(number)
    ]
    return Batch(
        sightings=[
            Sighting(key, number - at, AT - 60, AT) for at, key in enumerate(keys)
        ]
    )
