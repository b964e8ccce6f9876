"""Leases and places in the store: one owner, and nothing of a former one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shadow_middleware.errors import FencedError
from shadow_middleware.evidence import Batch, Count, Mark, Passed, Place, Progress
from shadow_middleware.exchange import Outcome
from shadow_middleware.store.sql import SqlStore

STREAM = "S:1"


@pytest.fixture(params=["sqlite", "postgres"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SqlStore]:
    """Give a store on each database, with four partitions."""
    url = (
        str(request.getfixturevalue("postgres_url"))
        if request.param == "postgres"
        else f"sqlite:///{tmp_path_factory.mktemp('s') / 'store.db'}"
    )
    made = SqlStore(url)
    made.partitions(STREAM).begin(4)
    yield made
    made.close()


def outcome(count: int = 1) -> Count:
    """Return something that is counted."""
    return Count(1, "shadow", "GET /", Outcome.MATCH, "", count)


def counted(store: SqlStore) -> int:
    """Return how much was."""
    return sum(one.count for one in store.totals())


def test_of_two_that_want_a_partition_one_gets_it(store: SqlStore) -> None:
    """Both saw it free, and the store lets one of them have it."""
    leases = store.partitions(STREAM)
    free = leases.beat("a").leases[2]
    leases.beat("b")
    ours, theirs = leases.take("a", free), leases.take("b", free)

    assert ours is not None
    assert (2, 1, Mark()) == (ours.partition, ours.epoch, ours.mark)
    assert theirs is None
    assert "a" == leases.beat("b").leases[2].owner


def test_a_sign_of_life_keeps_what_somebody_wants_to_take(store: SqlStore) -> None:
    """Whoever looked before the lease moved has seen something old."""
    leases = store.partitions(STREAM)
    leases.take("a", leases.beat("a").leases[0])
    seen = leases.beat("b").leases[0]
    leases.beat("a")

    assert leases.take("b", seen) is None
    assert leases.take("b", leases.beat("b").leases[0]) is not None


def test_a_former_owner_writes_nothing_at_all(store: SqlStore) -> None:
    """Neither the place, nor what was counted with it, nor that a write may be sent."""
    leases = store.partitions(STREAM)
    before = leases.take("a", leases.beat("a").leases[0])
    assert before is not None
    store.write(
        Batch([outcome()], places=[Place(STREAM, 0, before.epoch, Mark(7, (9, 11)))])
    )
    after = leases.take("b", leases.beat("b").leases[0])

    assert after is not None
    assert Mark(7, (9, 11)) == after.mark
    with pytest.raises(FencedError, match="partition 0"):
        store.write(
            Batch([outcome(5)], places=[Place(STREAM, 0, before.epoch, Mark(20))])
        )
    assert 1 == counted(store)
    assert not leases.claim(0, before.epoch, 30)
    assert leases.claim(0, after.epoch, 12)
    assert Mark(7, (9, 11), 12) == leases.places()[0]


def test_a_partition_that_is_given_back_is_free_at_once(store: SqlStore) -> None:
    """Its epoch is remembered, so its former owner is still a former one."""
    leases = store.partitions(STREAM)
    ours = leases.take("a", leases.beat("a").leases[3])
    assert ours is not None
    leases.release("a", 3, ours.epoch)
    leases.forget("a")
    view = leases.beat("b")

    assert ({"b": 1}, "", 1) == (
        view.workers,
        view.leases[3].owner,
        view.leases[3].epoch,
    )


def test_what_a_dead_agent_lost_is_settled_by_the_last_partition(
    store: SqlStore,
) -> None:
    """Not by one before, and not a second time: each says only once that it passed."""
    store.write(Batch(progress=[Progress("abc", "shadow", 10, 7, 1.0)]))

    def passed(partition: int) -> Batch:
        return Batch(passed=[Passed(STREAM, "abc", 10, ("shadow",), partition, 4)])

    for partition in (0, 1, 3, 3, 1):
        store.write(passed(partition))
    assert 0 == counted(store)
    store.write(passed(2))
    assert 3 == counted(store)
    for partition in range(4):
        store.write(passed(partition))

    assert 3 == counted(store)
    assert [(10, 10)] == [(one.selected, one.ended) for one in store.progress()]
