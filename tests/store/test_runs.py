"""What every store promises of offline replays: beside live, never mixed with it."""

from __future__ import annotations

import msgspec
import pytest

from shadow_middleware.evidence import (
    Batch,
    LatencyCount,
    Loss,
    Mark,
    Progress,
    Run,
    RunState,
)
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import (
    Decision,
    GroupFilter,
    GroupState,
    KnownRoute,
    NoiseRuling,
    RouteUse,
    RuleHit,
)
from tests.store.conftest import WholeStore
from tests.store.evidence import MINUTE, count, divergence
from tests.store.learned import AT, TODAY, base, cell, group_key, sample, sighting

NAME = group_key().fingerprint
EVERY = GroupFilter(with_noise=True)


def everything(exchange_id: str = "a-1", number: int = 1) -> Batch:
    """Return a batch with something in each of its parts."""
    return Batch(
        counts=[count(number, outcome=Outcome.DIVERGENCE, reason=NAME)],
        latencies=[LatencyCount(MINUTE, "shadow", "GET /", "live", 40, number)],
        losses=[Loss(MINUTE, "shadow", "refused", number)],
        progress=[Progress("a", "shadow", number, number, AT)],
        divergences=[divergence(exchange_id, groups=(NAME,))],
        sightings=[sighting(number=number, first_at=AT + number, last_at=AT + number)],
        samples=[sample(NAME, exchange_id)],
        noise=[cell(NAME, raw=number)],
        noise_bases=[base(raw=number)],
        rule_hits=[RuleHit("r", "shadow", "changed", number, AT)],
        routes=[KnownRoute("GET /", AT)],
        uses=[RouteUse(TODAY, "GET /", 2, number, number)],
    )


def seen_of(store: WholeStore) -> list[object]:
    """Return all that a reader sees of the evidence that belongs to one run."""
    return [
        store.totals(),
        store.latencies(),
        store.losses(),
        store.progress(),
        [one.record for one in store.divergences()],
        store.count_divergences(),
        [one.record.exchange_id for one in store.find("a")],
        store.span(),
        store.versions(),
        [(one.fingerprint, one.count, one.first_at) for one in store.groups(EVERY)],
        store.count_groups(EVERY),
        [one.record.exchange_id for one in store.samples(NAME)],
        store.rule_totals(),
        store.uses(),
    ]


def test_a_run_and_live_do_not_see_each_other(store: WholeStore) -> None:
    """Whatever a run counts, everything that is read of live stays as it was."""
    store.write(everything())
    before = [seen_of(store), store.noise(), store.noise_bases(), store.known(0)]
    ours, other = store.of_run("r1"), store.of_run("r2")
    nothing = seen_of(other)

    ours.write(everything("a-1", 5))

    assert before == [
        seen_of(store),
        store.noise(),
        store.noise_bases(),
        store.known(0),
    ]
    assert nothing == seen_of(other)
    assert [(NAME, 5, AT + 5)] == [
        (one.fingerprint, one.count, one.first_at) for one in ours.groups()
    ]
    assert [5] == [row.count for row in ours.totals()]
    assert [5] == [row.mirrored for row in ours.uses()]
    assert 1 == ours.count_divergences() == len(ours.samples(NAME))
    assert [] == other.groups(EVERY)


def test_one_exchange_can_diverge_in_live_and_in_each_run(store: WholeStore) -> None:
    """The same capture is replayed again and again, under the same ids."""
    for run in ("", "r1", "r2"):
        for _ in range(2):
            store.of_run(run).write(Batch(divergences=[divergence("a-1")]))

    assert [1, 1, 1] == [
        store.of_run(run).count_divergences() for run in ("", "r1", "r2")
    ]


def test_a_run_is_judged_by_what_is_known_of_live_too(store: WholeStore) -> None:
    """But what it learns is its own: a laptop does not teach production."""
    store.write(Batch(noise=[cell(NAME, raw=1)], noise_bases=[base(raw=1)]))
    ours = store.of_run("r1")
    ours.write(Batch(noise=[cell(NAME, raw=2)], noise_bases=[base(raw=2)]))

    assert [1, 2] == sorted(one.raw for one in ours.known(0).cells)
    assert 3 == sum(one.raw for one in ours.noise_bases())
    assert [1] == [one.raw for one in store.noise()]
    assert [1] == [one.raw for one in store.of_run("r2").known(0).cells]


def test_weighed_groups_count_what_the_run_has_seen(store: WholeStore) -> None:
    """Another run, which has not seen a group, reads what live has counted of it."""
    store.write(everything())
    store.of_run("r1").write(everything("a-1", 5))

    assert [[1], [5], [1]] == [
        [one.count for one in store.of_run(run).weighed({TODAY: 1.0}).groups]
        for run in ("", "r1", "r2")
    ]


def test_a_group_that_only_a_run_has_shown_is_none_of_lives(store: WholeStore) -> None:
    """Until live shows it: then live's first sight of it is live's own."""
    ours = store.of_run("r1")
    ours.write(Batch(sightings=[sighting(first_at=AT - 9, last_at=AT + 9)]))

    assert [] == store.groups(EVERY)
    assert 0 == store.count_groups(EVERY)
    store.write(Batch(sightings=[sighting(number=2)]))
    [group] = store.groups()
    assert (2, AT, AT) == (group.count, group.first_at, group.last_at)
    assert [1] == [one.count for one in ours.groups()]


def test_what_is_decided_of_a_group_holds_in_live_and_in_runs(
    store: WholeStore,
) -> None:
    """An ignored group stays ignored; one that was resolved regresses where it is seen."""
    ours = store.of_run("r1")
    ours.write(Batch(sightings=[sighting()]))
    assert ours.decide(Decision(group=NAME, at=AT, ruling=NoiseRuling.SIGNAL))
    done = Decision(group=NAME, at=AT + 1, state=GroupState.RESOLVED, note="in 1.2")
    assert ours.decide(done)
    store.write(Batch(sightings=[sighting(last_at=AT)]))
    store.of_run("r2").write(Batch(sightings=[sighting(last_at=AT + 2)]))

    found = [store.of_run(run).groups()[0] for run in ("", "r1", "r2")]

    assert ["in 1.2"] * 3 == [one.note for one in found]
    assert [NoiseRuling.SIGNAL] * 3 == [one.ruling for one in found]
    assert [GroupState.RESOLVED, GroupState.RESOLVED, GroupState.REGRESSED] == [
        one.current for one in found
    ]


def test_runs_are_listed_the_latest_first(store: WholeStore) -> None:
    """With all that each of them said of itself last."""
    first = Run(id="r1", name="main", sources=("a.capture",), started_at=AT, at=AT)
    second = Run(id="r2", started_at=AT + 1, at=AT + 1, arguments={"speed": 2.0})
    store.begin_run(first)
    store.begin_run(second)
    done = msgspec.structs.replace(
        first, state=RunState.DONE, at=AT + 5, read=3, missing={"response_body": 2}
    )

    store.keep_run(done)

    assert [second, done] == store.runs() == store.of_run("r1").runs()


def test_a_mark_is_written_with_the_outcomes_that_it_speaks_of(
    store: WholeStore,
) -> None:
    """Redelivery moves neither; a claim is beside it."""
    store.begin_run(Run(id="r1", started_at=AT, at=AT))
    ours = store.of_run("r1")
    assert Mark() == store.mark("r1")

    batch = Batch(counts=[count(3)], mark=Mark(2, (4, 5)), writer="w", number=1)
    ours.write(batch)
    ours.write(batch)
    store.claim("r1", 8)
    store.claim("r1", 64)

    assert Mark(2, (4, 5), 64) == store.mark("r1")
    assert [3] == [row.count for row in ours.totals()]
    ours.write(Batch(mark=Mark(5)))
    assert Mark(5, (), 64) == store.mark("r1")
    assert store.mark("r2") is None


def test_a_removed_run_leaves_nothing_and_takes_nothing(store: WholeStore) -> None:
    """Live and other runs keep every number."""
    for run in ("r1", "r2"):
        store.begin_run(Run(id=run, started_at=AT, at=AT))
        store.of_run(run).write(everything(number=7))
    store.write(everything())
    before = seen_of(store), seen_of(store.of_run("r2"))

    assert store.remove_run("r1")

    assert before == (seen_of(store), seen_of(store.of_run("r2")))
    assert ["r2"] == [run.id for run in store.runs()]
    gone = store.of_run("r1")
    assert ([], []) == (gone.totals(), gone.groups(EVERY))
    assert not store.remove_run("r1")
    assert not store.remove_run("")


@pytest.mark.parametrize(("at", "left"), [(AT + 60, ["r1"]), (AT - 60, [])])
def test_purge_removes_runs_whole_or_not_at_all(
    store: WholeStore, at: float, left: list[str]
) -> None:
    """By when they were last heard of, not by the time of what they replayed."""
    store.begin_run(Run(id="r1", started_at=AT - 90, at=at))
    ours = store.of_run("r1")
    ours.write(everything())
    store.write(everything())
    before = seen_of(ours)

    purged = store.purge(before=AT + 59)

    assert left == [run.id for run in store.runs()]
    assert 1 - len(left) == purged.runs
    assert (before == seen_of(ours)) is bool(left)
    assert [] == store.divergences()


def test_purge_by_number_counts_live_and_each_run_apart(store: WholeStore) -> None:
    """Or one large run would push out all that live has kept."""
    for run in ("", "r1"):
        if run:
            store.begin_run(Run(id=run, started_at=AT, at=AT))
        rows = [divergence(f"a-{n}", at=AT + n) for n in range(4)]
        store.of_run(run).write(Batch(divergences=rows))

    assert 4 == store.purge(keep=2).divergences

    for run in ("", "r1"):
        found = [one.record.exchange_id for one in store.of_run(run).divergences()]
        assert ["a-3", "a-2"] == found
