"""What was learned waits bounded by distinct keys; what adds up is never dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.evidence import OVERFLOW, Batch
from shadow_middleware.knowledge import (
    MANY,
    KnownRoute,
    NoiseCount,
    RouteUse,
    RuleHit,
    Signature,
)
from shadow_middleware.store.pending import Pending
from shadow_middleware.store.pending_knowledge import FIELDS, knowledge_in
from tests.store.evidence import count, divergence
from tests.store.learned import AT, TODAY, base, cell, group_key, sample, sighting


def pending(most: int = 100, most_keys: int = 100) -> Pending:
    """Return one that is empty."""
    return Pending(most, 10_000_000, most_keys)


def test_equal_keys_become_one() -> None:
    """Each field merges as its row does in the store."""
    waiting = pending()
    for number in (1, 2):
        waiting.add(
            Batch(
                sightings=[sighting(number=number, first_at=AT - number, last_at=AT)],
                signatures=[Signature("+a", ("a", "b"))],
                noise=[cell("aa", raw=number, probe_only=1)],
                noise_bases=[base(raw=number, probe=1)],
                rule_hits=[RuleHit("r", "shadow", "changed", number, AT - number)],
                routes=[KnownRoute("GET /", AT - number)],
                uses=[RouteUse(TODAY, "GET /", 2, number, 1)],
            )
        )

    taken = waiting.take(0)
    assert [sighting(number=3, first_at=AT - 2)] == taken.sightings
    assert [Signature("+a", ("a", "b"))] == taken.signatures
    assert [cell("aa", raw=3, probe_only=2)] == taken.noise
    assert [base(raw=3, probe=2)] == taken.noise_bases
    assert [RuleHit("r", "shadow", "changed", 3, AT - 1)] == taken.rule_hits
    assert [KnownRoute("GET /", AT - 1)] == taken.routes
    assert [RouteUse(TODAY, "GET /", 2, 3, 2)] == taken.uses
    assert 7 == knowledge_in(taken)
    assert not waiting
    assert 0 == knowledge_in(waiting.take(0))


FLOOD: dict[str, Callable[[int], Any]] = {
    "sightings": lambda n: sighting(f"/{n}", route=f"GET /{n}", live=f"k{n}"),
    "noise": lambda n: cell(f"{n:016}", era=f"{n}", status=n, raw=1),
    "noise_bases": lambda n: base(route=f"GET /{n}", era=f"{n}", status=n, raw=1),
    "rule_hits": lambda n: RuleHit(f"r{n}", "shadow", f"h{n}", 1, AT),
    "routes": lambda n: KnownRoute(f"GET /{n}", AT),
    "uses": lambda n: RouteUse(TODAY, f"GET /{n}", 2, 1, 1),
    "signatures": lambda n: Signature(f"+{n}", ("a", "b")),
}


def flooding(number: int) -> Batch:
    """Return a batch with one new key in every field."""
    fields: dict[str, Any] = {name: [FLOOD[name](number)] for name in FIELDS}
    return Batch(**fields)


def test_every_field_that_is_learned_is_flooded() -> None:
    """So that the next test forgets none."""
    assert set(FIELDS) == set(FLOOD)


@pytest.mark.parametrize("name", FIELDS)
def test_a_flood_of_keys_is_bounded(name: str) -> None:
    """A store that is away costs no more memory, whatever comes."""
    waiting = pending(most_keys=10)
    for number in range(1_000):
        flood: dict[str, Any] = {name: [FLOOD[name](number)]}
        waiting.add(Batch(**flood))

    assert len(getattr(waiting.take(0), name)) <= 11


@given(st.lists(st.integers(0, 40), max_size=200), st.integers(1, 50))
def test_nothing_that_adds_up_is_lost(numbers: list[int], most_keys: int) -> None:
    """Merging changes under which key it goes on, never the sum."""
    waiting = pending(most_keys=most_keys)
    for number in numbers:
        waiting.add(flooding(number))

    taken = waiting.take(0)
    sums = (
        sum(one.count for one in taken.sightings),
        sum(one.raw for one in taken.noise),
        sum(one.raw for one in taken.noise_bases),
        sum(one.count for one in taken.rule_hits),
        sum(one.seen for one in taken.uses),
    )
    assert (len(numbers),) * 5 == sums
    assert len(set(numbers)) <= len(taken.signatures) + waiting.lost_knowledge


def test_what_does_not_fit_goes_on_under_other() -> None:
    """Known keys keep theirs."""
    waiting = pending(most_keys=2)
    for number in (0, 1, 2, 3, 0):
        waiting.add(flooding(number))

    taken = waiting.take(0)
    other = group_key(MANY, route=MANY, live="", shadow="")
    assert {other: 2, FLOOD["sightings"](0).key: 2} == {
        one.key: one.count for one in taken.sightings if one.count > 1
    }
    assert NoiseCount(TODAY, MANY, MANY, 0, "", 2) == taken.noise[-1]
    assert base(era=MANY, route=OVERFLOW, status=0, raw=2) == taken.noise_bases[-1]
    assert RuleHit(MANY, "shadow", MANY, 2, AT) == taken.rule_hits[-1]
    assert KnownRoute(OVERFLOW, AT) == taken.routes[-1]
    assert RouteUse(TODAY, OVERFLOW, 2, 2, 2) == taken.uses[-1]
    assert (["+0", "+1"], 2) == (
        [one.signature for one in taken.signatures],
        waiting.lost_knowledge,
    )


def test_versions_are_told_apart_until_there_are_too_many() -> None:
    """A shadow that names a new one in each answer costs no memory either."""
    waiting = pending(most_keys=5)
    for number in range(500):
        waiting.add(Batch(counts=[count(1, version=f"{number}", route="GET /a")]))

    counts = waiting.take(0).counts
    assert len(counts) <= 16
    assert 500 == sum(one.count for one in counts)
    assert "14" in {one.version for one in counts}
    assert 485 == sum(one.count for one in counts if one.version == OVERFLOW)


def names(samples: Any) -> list[str]:
    """Return the exchanges of samples."""
    return [one.exchange_id for one in samples]


def test_samples_travel_with_their_divergence() -> None:
    """In the same part of what waits."""
    waiting = pending()
    order = ["a", "b", "c"]
    waiting.add(
        Batch(
            divergences=[divergence(name) for name in order],
            samples=[
                *(sample("aa", name, slot) for slot, name in enumerate(order)),
                sample("bb", "b"),
                sample("bb", "c", target="canary"),
                sample("bb", "nobody"),
            ],
        )
    )

    assert ["a", "b", "b"] == names(waiting.take(2).samples)
    assert ["c"] == names(waiting.take(2).samples)


def test_a_sample_is_lost_with_its_divergence() -> None:
    """It would take the place of one that is there, and name nothing."""
    waiting = pending(most=1)
    waiting.add(
        Batch(
            divergences=[divergence("kept"), divergence("lost")],
            samples=[sample("aa", "kept"), sample("aa", "lost")],
        )
    )

    assert ["kept"] == names(waiting.take(9).samples)
    assert 1 == waiting.lost_samples
