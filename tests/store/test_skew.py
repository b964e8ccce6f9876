"""Hosts whose clocks are hours apart write one account, by the store's clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing

import pytest
from msgspec.structs import replace

from shadow_middleware.evidence import (
    Batch,
    Count,
    LatencyCount,
    Loss,
    Passed,
    Progress,
    Settlement,
)
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import KnownRoute, RouteUse, RuleHit, Sighting
from shadow_middleware.reading.held import holdings
from shadow_middleware.report.summary import summarise
from shadow_middleware.retention import DAY, Keep
from shadow_middleware.store.skew import Skew, moved
from shadow_middleware.store.sql import SqlStore
from tests.store.evidence import divergence
from tests.store.learned import base, cell, group_key, sample

HOUR = 3600.0
SLOW = 1800.0
"""Seconds that all this may take on a busy machine; clocks are hours apart."""
APART = (0.0, 5 * HOUR, -3 * HOUR, -50 * DAY)


def clock(wrong: float) -> Callable[[], float]:
    """Return a clock that is wrong by so many seconds."""
    return lambda: time.time() + wrong


def told_by(session: str, now: Callable[[], float]) -> Batch:
    """Return what a host says of nine exchanges of this moment, by its own clock."""
    at = now()
    return Batch(
        counts=[Count(int(at // 60), "shadow", "GET /", Outcome.MATCH, "", 9)],
        latencies=[LatencyCount(int(at // 600) * 10, "shadow", "GET /", "live", 3, 9)],
        divergences=[divergence(f"{session}-1", at=at)],
        progress=[Progress(session, "shadow", 10, 9, at)],
        sightings=[Sighting(group_key("/name"), 1, at, at)],
        writer=session,
        number=1,
    )


def test_hosts_with_wrong_clocks_add_up(postgres_url: str) -> None:
    """A report of the last minutes shows what all of them did in these minutes."""
    for wrong in APART:
        with closing(SqlStore(postgres_url, clock=clock(wrong))) as store:
            store.write(told_by(f"host{wrong:.0f}", clock(wrong)))

    for wrong in APART:
        with closing(SqlStore(postgres_url, clock=clock(wrong))) as store:
            assert SLOW > abs(store.time() - time.time())
            held = holdings(store, store.time() - SLOW, None, None)
            [target] = summarise(held).targets
            assert (36, 4, 0) == (target.ended, target.in_flight, target.unaccounted)
            assert 4 == held.stored
            [group] = store.groups()
            assert SLOW > group.last_at - group.first_at
            assert SLOW > abs(group.last_at - time.time())
            first, last = store.span() or (0, 0)
            assert SLOW / 60 > last - first


def test_a_life_that_ends_is_settled_by_the_clock_of_the_store(
    postgres_url: str,
) -> None:
    """What an agent has lost is dropped in this minute, whoever says so."""
    with closing(SqlStore(postgres_url, clock=clock(5 * HOUR))) as store:
        store.write(Batch(passed=[Passed("s", "a", 3, ("shadow",), 0, 1)]))

        assert [3] == [row.count for row in store.totals()]
        first, _ = store.span() or (0, 0)
        assert SLOW > abs(first * 60 - time.time())


def test_nothing_new_is_removed_by_a_host_that_is_ahead(postgres_url: str) -> None:
    """Ages are told by the store's clock, and so is how long one may be at it."""
    with closing(SqlStore(postgres_url)) as store:
        store.write(told_by("here", time.time))
    with (
        closing(SqlStore(postgres_url, clock=clock(90 * DAY))) as ahead,
        closing(SqlStore(postgres_url, clock=clock(-90 * DAY))) as behind,
    ):
        assert ahead.lease_retention("ahead", 60.0)
        assert not behind.lease_retention("behind", 60.0)
        ahead.retain(Keep(days=30.0, sums_days=60.0))
        assert 1 == ahead.count_divergences()
        assert 9 == sum(one.count for one in behind.totals())


def test_clocks_are_compared_now_and_then_and_after_a_jump(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not at each batch; it is said once that a clock is wrong."""
    asked, watch, host = 0, [0.0], [1_000.0]

    def ask() -> float:
        nonlocal asked
        asked += 1
        return 10_000.0 + watch[0]

    skew = Skew(ask, lambda: host[0], lambda: watch[0])
    with caplog.at_level(logging.WARNING, "shadow_middleware.store"):
        assert [9_000.0] * 3 == [skew.seconds() for _ in range(3)]
        assert 1 == asked
        watch[0] += 61.0
        host[0] += 61.0
        assert (9_000.0, 2) == (skew.seconds(), asked)
        host[0] += 9_000.0  # somebody has set it right
        assert (0.0, 3) == (skew.seconds(), asked)

    assert 2 == len(caplog.records)
    assert "9000 s behind the store's" in caplog.records[0].getMessage()


def test_a_clock_that_is_right_enough_moves_nothing() -> None:
    """Nor is a store asked whose clock is the host's."""
    assert 0.0 == Skew(lambda: 1_020.0, lambda: 1_000.0, lambda: 0.0).seconds()
    assert 0.0 == Skew(None, lambda: 1_000.0).seconds()


def test_everything_that_has_a_time_is_moved() -> None:
    """A new sort of evidence with a time in it would be missing here."""
    batch = Batch(
        counts=[Count(100, "shadow", "GET /", Outcome.MATCH, "", 1)],
        latencies=[LatencyCount(100, "shadow", "GET /", "live", 3, 1)],
        losses=[Loss(100, "shadow", "refused", 1)],
        settlements=[Settlement("s", "shadow", 5, 100)],
        divergences=[divergence(at=1.0)],
        samples=[sample("aa", "a1-1", 0)],
        progress=[Progress("s", "shadow", 1, 1, 1.0)],
        sightings=[Sighting(group_key("/name"), 1, 1.0, 2.0)],
        rule_hits=[RuleHit("a", "shadow", "changed", 7, 1.0)],
        routes=[KnownRoute("GET /", 1.0)],
        noise=[cell("aa", day=3, raw=1)],
        noise_bases=[base(day=3, raw=1)],
        uses=[RouteUse(3, "GET /", 2, 1, 1)],
    )

    there = moved(batch, DAY)

    assert 1_540 == there.counts[0].minute
    assert 1_540 == there.latencies[0].window
    assert batch == replace(moved(there, -DAY), signatures=batch.signatures)
    timed = {
        name
        for name in batch.__struct_fields__
        if getattr(batch, name) and getattr(batch, name) != getattr(there, name)
    }
    assert {name for name in batch.__struct_fields__ if getattr(batch, name)} == timed
