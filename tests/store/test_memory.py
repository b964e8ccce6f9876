"""What only the store in memory promises: it is bounded."""

from __future__ import annotations

from shadow_middleware.evidence import Batch
from shadow_middleware.knowledge import (
    Decision,
    GroupState,
    KnownRoute,
    RouteUse,
    RuleHit,
    Signature,
)
from shadow_middleware.store.memory import MemoryStore
from tests.store.evidence import MINUTE, count, divergence
from tests.store.learned import AT, base, cell, group_key, sample, sighting


def test_the_oldest_divergences_go() -> None:
    """The newest to arrive stay."""
    store = MemoryStore(most_divergences=2)
    for number in range(5):
        store.write(Batch(divergences=[divergence(f"a-{number}")]))

    assert ["a-4", "a-3"] == [one.record.exchange_id for one in store.divergences()]


def test_the_oldest_minutes_go() -> None:
    """A process that runs for years holds no more than it may."""
    store = MemoryStore(most_keys=3)
    for minute in range(MINUTE, MINUTE + 10):
        store.write(Batch(counts=[count(1, minute=minute)]))

    assert (MINUTE + 7, MINUTE + 9) == store.span()
    assert [3] == [total.count for total in store.totals()]


def test_what_was_learned_long_ago_goes() -> None:
    """Each sort of it has a bound; what somebody decided goes last."""
    store = MemoryStore(most_keys=3)
    first = group_key("/0").fingerprint
    for number in range(10):
        at = AT + number
        store.write(
            Batch(
                sightings=[sighting(f"/{number}", first_at=at, last_at=at)],
                signatures=[Signature(f"+{number}", ("a",))],
                noise=[cell("aa", day=number, raw=1)],
                noise_bases=[base(day=number, raw=1)],
                rule_hits=[RuleHit(f"r{number}", "shadow", "changed", 1, at)],
                routes=[KnownRoute(f"GET /{number}", at)],
                uses=[RouteUse(number, "GET /", 2, 1, 1)],
            )
        )
        store.decide(Decision(group=first, at=AT, state=GroupState.IGNORED))

    assert ["/0", "/8", "/9"] == sorted(one.key.path for one in store.groups())
    assert 3 == len(store.signatures())
    assert [7, 8, 9] == [one.day for one in store.noise()]
    assert [7, 8, 9] == [one.day for one in store.noise_bases()]
    assert ["r7", "r8", "r9"] == [one.rule for one in store.rule_totals()]
    assert ["GET /7", "GET /8", "GET /9"] == [one.route for one in store.routes()]
    assert [3] == [one.seen for one in store.uses()]


def test_samples_go_with_the_oldest_divergences() -> None:
    """They would hold memory and name nothing."""
    store = MemoryStore(most_divergences=2)
    for number in range(5):
        store.write(
            Batch(
                divergences=[divergence(f"a-{number}")],
                samples=[sample("aa", f"a-{number}", number)],
            )
        )

    assert ["a-4", "a-3"] == [one.record.exchange_id for one in store.samples("aa")]
    assert 2 == len(store._samples)
