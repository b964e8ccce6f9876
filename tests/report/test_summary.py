"""The summary: totals that balance, shares, latency, groups and hints."""

from __future__ import annotations

import pytest

from shadow_middleware.evidence import (
    DivergenceRecord,
    LatencyTotal,
    Loss,
    Progress,
    Total,
)
from shadow_middleware.exchange import Difference, Kind, Outcome, Part
from shadow_middleware.report.differences import path_shape, top_differences
from shadow_middleware.report.hints import hints
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.report.latency import latency_of
from shadow_middleware.report.sketch import bucket_of
from shadow_middleware.report.summary import TargetSummary, summarise
from tests.report.records import record

NOW = 1_700_000_000.0


def total(
    outcome: Outcome, count: int, reason: str = "", route: str = "GET /a"
) -> Total:
    """Return one count of the target `shadow`."""
    return Total("shadow", route, outcome, reason, count)


def times(leg: str, ms: float, count: int = 1, route: str = "GET /a") -> LatencyTotal:
    """Return so many equal times of one leg."""
    return LatencyTotal("shadow", route, leg, bucket_of(ms * 1e3), count)


def only(held: Holdings) -> TargetSummary:
    """Return the summary of the one target."""
    [target] = summarise(held).targets
    return target


def test_selected_is_what_ended_and_what_is_in_flight() -> None:
    """The law of conservation, shown (W13)."""
    target = only(
        Holdings(
            totals=[total(Outcome.MATCH, 90), total(Outcome.TIMEOUT, 10, "read")],
            progress=[
                Progress("a", "shadow", selected=70, ended=65, at=NOW - 1),
                Progress("b", "shadow", selected=40, ended=33, at=NOW - 300),
            ],
            now=NOW,
        )
    )

    assert (112, 100, 5, 7) == (
        target.selected,
        target.ended,
        target.in_flight,
        target.unaccounted,
    )
    assert target.ended == sum(target.outcomes.values())


def test_a_target_that_has_only_begun_is_shown() -> None:
    """Selected and not yet ended is not nothing (W13)."""
    target = only(
        Holdings(totals=[], progress=[Progress("a", "shadow", 3, 0, NOW)], now=NOW)
    )

    assert (3, 0, 3) == (target.selected, target.ended, target.in_flight)


def test_outcomes_have_counts_shares_and_reasons() -> None:
    """The most frequent first."""
    target = only(
        Holdings(
            totals=[
                total(Outcome.TIMEOUT, 6, "read"),
                total(Outcome.TIMEOUT, 4, "connect", "GET /b"),
                total(Outcome.MATCH, 30),
            ]
        )
    )

    assert {"match": 30, "timeout": 10} == target.outcomes
    assert {"match": 0.75, "timeout": 0.25} == target.shares
    assert 0.75 == target.match_rate
    assert [("timeout", "read", 6), ("timeout", "connect", 4)] == [
        (one.outcome, one.reason, one.count) for one in target.reasons
    ]


def test_routes_come_busiest_first_with_their_own_numbers() -> None:
    """Count, shares and latency of each route."""
    target = only(
        Holdings(
            totals=[
                total(Outcome.MATCH, 1, route="GET /b"),
                total(Outcome.MATCH, 3),
                total(Outcome.DIVERGENCE, 1),
            ],
            latencies=[times("live", 10), times("shadow", 20)],
        )
    )

    assert [("GET /a", 4, 0.75), ("GET /b", 1, 1.0)] == [
        (one.route, one.count, one.match_rate) for one in target.routes
    ]
    assert [True, False] == [one.latency is not None for one in target.routes]


def test_one_divergence_before_a_thousand_matches_is_still_counted_and_listed() -> None:
    """No window of the newest hides a divergence (W32)."""
    target = only(
        Holdings(
            totals=[total(Outcome.DIVERGENCE, 1), total(Outcome.MATCH, 1_000)],
            divergences=[record("a-1")],
        )
    )

    assert 1 == target.outcomes["divergence"]
    assert 1 == len(target.differences)


def test_targets_are_kept_apart() -> None:
    """Each target has its own totals, latencies, divergences and losses."""
    held = Holdings(
        totals=[
            Total("a", "GET /", Outcome.MATCH, "", 1),
            Total("b", "GET /", Outcome.DIVERGENCE, "", 2),
        ],
        divergences=[record("x", target="b")],
        losses=[Loss(1, "b", "buffer_full", 3)],
    )

    assert [("a", 1, 0, 0), ("b", 2, 1, 3)] == [
        (one.target, one.ended, one.looked_at, one.without_record)
        for one in summarise(held).targets
    ]


@pytest.mark.parametrize(
    ("live_ms", "shadow_ms", "ratio"),
    [(199, 100, 0.5), (100, 109.9, 1.1), (100, 1_099, 11), (0, 5_000, 5_000_000)],
)
def test_latency_ratio_is_no_whole_number(
    live_ms: float, shadow_ms: float, ratio: float
) -> None:
    """199 to 100 ms is a half, 1,099 to 100 eleven, and 0 ms is defined (W34)."""
    found = latency_of([times("live", live_ms), times("shadow", shadow_ms)])

    assert found is not None
    assert ratio == pytest.approx(found.ratio.p50, rel=0.05)
    assert shadow_ms - live_ms == pytest.approx(found.delta_ms.p50, rel=0.05, abs=5)


def test_latency_percentiles_are_of_all_rows_together() -> None:
    """Buckets of windows and hosts add up (W33)."""
    found = latency_of(
        [
            *(times("live", 1, 50), times("live", 1, 40), times("live", 50, 10)),
            *(times("shadow", 2, 98), times("shadow", 900, 2)),
        ]
    )

    assert found is not None
    assert 100 == found.samples
    assert (1.0, 50.0) == pytest.approx(
        (found.live_ms.p50, found.live_ms.p95), rel=0.03
    )
    assert (2.0, 900.0) == pytest.approx(
        (found.shadow_ms.p95, found.shadow_ms.p99), rel=0.03
    )


def test_one_leg_alone_is_no_latency() -> None:
    """There is nothing to compare."""
    assert None is latency_of([times("live", 1)])


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/items/3/price", "/items/*/price"),
        ("/items/12", "/items/*"),
        ("/v2/name", "/v2/name"),
        ("", ""),
        ("cache-control", "cache-control"),
    ],
)
def test_list_positions_are_generalised(path: str, shape: str) -> None:
    """`/items/3/price` and `/items/4/price` are one shape."""
    assert shape == path_shape(path)


def test_differences_of_one_shape_are_one_group() -> None:
    """A divergence counts once in a group, however often it shows the shape."""
    prices = tuple(
        Difference(Part.BODY, f"/items/{n}/price", Kind.CHANGED) for n in range(5)
    )
    status = Difference(Part.STATUS, "", Kind.CHANGED)

    groups = top_differences(
        [record("new", (prices[0], status)), record("old", prices)]
    )

    assert [
        ("body", "/items/*/price", "changed", 2, "new"),
        ("status", "", "changed", 1, "new"),
    ] == [
        (one.part, one.path, one.kind, one.divergences, one.example) for one in groups
    ]


def test_only_so_many_groups() -> None:
    """The limit cuts the rare ones, and says how many."""
    many = [
        record(str(n), (Difference(Part.BODY, f"/f{n % 7}", Kind.ADDED),))
        for n in range(20)
    ]

    [target] = summarise(
        Holdings(totals=[total(Outcome.DIVERGENCE, 20)], divergences=many), top=2
    ).targets
    assert [3, 3] == [one.divergences for one in target.differences]
    assert 5 == target.more_differences


@pytest.mark.parametrize(
    ("row", "setting"),
    [
        (total(Outcome.TIMEOUT, 2, "read"), "`total_timeout`"),
        (total(Outcome.SHADOW_ERROR, 2, "connect"), "`shadow_url`"),
        (total(Outcome.SHADOW_ERROR, 2, "refused"), "`shadow_url`"),
        (total(Outcome.SHADOW_ERROR, 2, "dns"), "`shadow_url`"),
        (total(Outcome.SHADOW_ERROR, 2, "tls"), "`transport`"),
        (total(Outcome.SKIPPED, 2, "request_cut"), "`max_request_body`"),
        (total(Outcome.SKIPPED, 2, "breaker_open"), "`breaker_failures`"),
        (total(Outcome.INCOMPARABLE, 2), "`max_response_body`"),
        (total(Outcome.INCOMPARABLE, 2, "no_body_recorded"), "all that the file knows"),
        (total(Outcome.DROPPED, 2, "queue_full"), "`queue_count`"),
        (total(Outcome.DROPPED, 2, "starved"), "`agent_nice`"),
        (total(Outcome.SKIPPED, 2, "method"), "`methods`"),
        (total(Outcome.DROPPED, 2, "buffer_full"), "`buffer_count`"),
        (total(Outcome.DROPPED, 2, "paused"), "`buffer_bytes`"),
        (total(Outcome.DROPPED, 2, "agent_died"), "killed or crashed"),
        (total(Outcome.DROPPED, 2, "shutdown"), "`drain_timeout`"),
        (total(Outcome.SKIPPED, 2, "internal_error"), "mistake of shadow_middleware"),
        (total(Outcome.SKIPPED, 2, "capture_failed"), "mistake of shadow_middleware"),
        (total(Outcome.LIVE_ERROR, 2, "500"), "neither for nor against"),
    ],
)
def test_a_hint_names_the_setting(row: Total, setting: str) -> None:
    """What a default of ours explains says so, with its number."""
    found = [hint for hint in hints([row], []) if setting in hint.text]

    assert [2] == [hint.count for hint in found if hint.count]


def test_hints_of_divergences_are_gathered() -> None:
    """What the comparison says of single ones is said once."""
    records: list[DivergenceRecord] = [
        record("1", hint="credentials are dropped (`credentials`)"),
        record("2", hint="credentials are dropped (`credentials`)"),
        record("3"),
    ]

    found = hints([total(Outcome.DIVERGENCE, 3)], records)

    assert (2, "credentials are dropped (`credentials`)") == (
        found[0].count,
        found[0].text,
    )


def test_writes_that_are_left_alone_are_told_of() -> None:
    """Until a write was mirrored, the report says that none was."""
    none = hints([total(Outcome.MATCH, 1)], [])
    some = hints([total(Outcome.MATCH, 1, route="POST /a")], [])

    assert [True, False] == [
        any("(`methods`)" in hint.text for hint in found) for found in (none, some)
    ]


def test_a_lost_record_is_told_of() -> None:
    """Counted but not stored is a number, not silence."""
    assert ["1 divergence is counted without a record: the store was away "
            "(`store_buffer`)."] == [hint.text for hint in hints([], [], 1)]  # fmt: skip
