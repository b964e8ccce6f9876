"""The store in memory and the databases are twins: what one reads, the other reads."""

from __future__ import annotations

import random
import tempfile
from contextlib import closing
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shadow_middleware.evidence import Batch, DivergenceFilter, LatencyCount
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import (
    Decision,
    GroupFilter,
    GroupState,
    KnownRoute,
    NoiseRuling,
    RouteUse,
    RuleHit,
    SharedRule,
    Signature,
)
from shadow_middleware.settings import Rule
from shadow_middleware.store.memory import MemoryStore
from shadow_middleware.store.sql import SqlStore
from tests.store.conftest import WholeStore
from tests.store.evidence import MINUTE, count, divergence
from tests.store.learned import AT, TODAY, base, cell, group_key, sample, sighting

PATHS = ["/a", "/b", "/c"]
few = st.integers(0, 3)
paths = st.sampled_from(PATHS)
prints = paths.map(lambda path: group_key(path).fingerprint)
times = few.map(lambda number: AT - number)
days = few.map(lambda number: TODAY - number)
targets = st.sampled_from(["shadow", "canary"])

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "counts": st.builds(
        lambda n, outcome, version: count(n, outcome=outcome, version=version),
        few,
        st.sampled_from(Outcome),
        st.sampled_from(["", "1", "2"]),
    ),
    "latencies": few.map(
        lambda n: LatencyCount(MINUTE, "shadow", "GET /", "live", n, n, str(n))
    ),
    "divergences": st.builds(lambda n, at: divergence(f"e{n}", at=at), few, times),
    "samples": st.builds(
        lambda group, n, slot, at: sample(group, f"e{n}", slot, at=at),
        prints,
        few,
        few,
        times,
    ),
    "sightings": st.builds(
        lambda path, n, at, target: sighting(path, n, at - n, at, target=target),
        paths,
        few,
        times,
        targets,
    ),
    "signatures": few.map(lambda n: Signature(f"+{n}", (str(n),))),
    "noise": st.builds(
        lambda group, day, n: cell(group, day=day, raw=n, alike=n / 2),
        prints,
        days,
        few,
    ),
    "noise_bases": st.builds(
        lambda day, target, n: base(day=day, target=target, raw=n), days, targets, few
    ),
    "rule_hits": st.builds(
        lambda n, target, at: RuleHit(f"r{n}", target, "changed", n, at),
        few,
        targets,
        times,
    ),
    "routes": st.builds(lambda n, at: KnownRoute(f"GET /{n}", at), few, times),
    "uses": st.builds(lambda day, n: RouteUse(day, f"GET /{n}", n, n, 1), days, few),
}
batches = st.builds(
    Batch,
    **{name: st.lists(some, min_size=1, max_size=6) for name, some in FIELDS.items()},
)
decisions = st.builds(
    lambda group, at, state, ruling, note: Decision(
        group=group, at=at, state=state, ruling=ruling, note=note
    ),
    prints,
    times,
    st.sampled_from([None, GroupState.OPEN, GroupState.IGNORED, GroupState.RESOLVED]),
    st.sampled_from([None, *NoiseRuling]),
    st.sampled_from([None, "", "why"]),
)
rules = st.builds(
    lambda n, path: SharedRule(Rule(name=f"r{n}", path=path), AT), few, paths
)
steps = st.one_of(
    batches.map(lambda batch: ("write", batch)),
    decisions.map(lambda decision: ("decide", decision)),
    rules.map(lambda rule: ("add_rule", rule)),
    few.map(lambda number: ("remove_rule", f"r{number}")),
    times.map(lambda before: ("purge", before)),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(steps, min_size=3, max_size=9))
def test_memory_and_sqlite_answer_alike(done: list[tuple[str, Any]]) -> None:
    """Whatever is written, decided and purged, in whatever order."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(SqlStore(f"sqlite:///{folder}/store.db", clock=lambda: AT)) as kept,
    ):
        memory = MemoryStore(clock=lambda: AT)
        for name, given_value in done:
            answers = [getattr(one, name)(given_value) for one in (memory, kept)]
            assert answers[0] == answers[1], name

        assert all_of(memory) == all_of(kept)


def all_of(store: WholeStore) -> list[Any]:
    """Return the answer to every question that a store is asked."""
    group = group_key("/a").fingerprint
    return [
        store.totals(),
        store.latencies(),
        store.versions(),
        sorted(one.record.exchange_id for one in store.divergences()),
        [one.record.exchange_id for one in store.samples(group)],
        store.count_divergences(DivergenceFilter(group=group)),
        store.groups(GroupFilter(with_noise=True)),
        store.groups(GroupFilter(since=AT - 1, target="shadow")),
        store.signatures(),
        store.noise(TODAY - 1),
        store.noise(target="canary"),
        store.noise_bases(target="shadow"),
        sorted(store.known(TODAY - 1).cells, key=str),
        store.known(TODAY - 1).bases,
        store.known(TODAY - 1).groups,
        store.rules(),
        store.rule_totals(),
        store.routes(),
        store.uses(TODAY - 2),
    ]


def test_the_longest_keys_fit_every_index(store: WholeStore) -> None:
    """In letters of four bytes that do not compress."""
    letters = random.Random(7)
    long = "".join(chr(letters.randrange(0x10000, 0x10FFFE)) for _ in range(2_000))
    one: dict[str, Any] = {"target": long, "route": long}
    store.write(
        Batch(
            counts=[count(1, **one, reason=long, version=long)],
            latencies=[LatencyCount(MINUTE, long, long, "shadow", 1, 1, long)],
            divergences=[divergence(long, **one, version=long)],
            sightings=[sighting(long, live=long, shadow=long, **one)],
            signatures=[Signature(long, (long,))],
            samples=[sample(long, long, target=long)],
            noise=[cell(long, era=long, size=long)],
            noise_bases=[base(era=long, **one)],
            rule_hits=[RuleHit(long, long, long, 1, AT)],
            routes=[KnownRoute(long, AT)],
            uses=[RouteUse(TODAY, long, 2, 1, 1)],
        )
    )
    store.add_rule(SharedRule(Rule(name=long), AT))

    assert {1} == {len(answer) for answer in (store.totals(), store.groups())}
    assert [300] == [len(one.rule) for one in store.rule_totals()]
