"""What every store promises, asked of memory, SQLite and Postgres alike."""

from __future__ import annotations

import math
import threading

import pytest

from shadow_middleware.errors import RefusedByStoreError
from shadow_middleware.evidence import (
    SETTLED,
    Batch,
    DivergenceFilter,
    LatencyCount,
    LatencyTotal,
    Loss,
    Progress,
    Purged,
    Settlement,
    Total,
)
from shadow_middleware.exchange import Difference, Kind, Outcome, Part
from tests.store.conftest import WholeStore
from tests.store.evidence import MINUTE, count, divergence, matches


def test_counts_add_up(store: WholeStore) -> None:
    """What two batches count under one key is one sum, whatever the minute."""
    store.write(Batch(counts=[count(2), count(3)]))
    store.write(Batch(counts=[count(4), count(5, minute=MINUTE + 1)]))

    assert [Total("shadow", "GET /users/{id}", Outcome.MATCH, "", 14)] == store.totals()


def test_what_is_counted_adds_up_while_others_write(store: WholeStore) -> None:
    """Counts and how far sessions have come are of one moment, whoever writes meanwhile."""
    batches = 100

    def write() -> None:
        for _ in range(batches):
            ended = Progress("s", "shadow", 10 * batches, 10, 0.0)
            store.write(Batch(counts=[count(10)], progress=[ended]))

    writing = threading.Thread(target=write)
    writing.start()
    seen = []
    while writing.is_alive():
        seen.append(store.counted())
    writing.join()
    seen.append(store.counted())

    assert 10 * batches == seen[-1].totals[0].count
    assert [] == [
        one
        for one in seen
        if sum(row.count for row in one.totals)
        != sum(row.ended for row in one.progress)
    ]
    assert [] == store.counted(MINUTE + 1).totals
    assert [] == store.counted(route="GET /").totals


def test_equal_pairs_cost_no_row(store: WholeStore) -> None:
    """A thousand batches of matches are one number and no divergence."""
    for _ in range(1_000):
        store.write(matches(1))

    assert [1_000] == [total.count for total in store.totals()]
    assert 0 == store.count_divergences()


def test_totals_are_told_apart_by_every_field(store: WholeStore) -> None:
    """Target, route, outcome and reason each make another total, in their order."""
    store.write(
        Batch(
            counts=[
                count(1, outcome=Outcome.SKIPPED, reason="rule"),
                count(2, target="canary"),
                count(3, route="GET /"),
                count(4, outcome=Outcome.SKIPPED, reason="loop"),
            ]
        )
    )

    assert [
        Total("canary", "GET /users/{id}", Outcome.MATCH, "", 2),
        Total("shadow", "GET /", Outcome.MATCH, "", 3),
        Total("shadow", "GET /users/{id}", Outcome.SKIPPED, "loop", 4),
        Total("shadow", "GET /users/{id}", Outcome.SKIPPED, "rule", 1),
    ] == store.totals()


def test_totals_of_a_time_and_a_target(store: WholeStore) -> None:
    """`since` is the first minute wanted, `until` the first not wanted."""
    for minute in range(MINUTE, MINUTE + 4):
        number = 10 ** (minute - MINUTE)
        store.write(Batch(counts=[count(number, minute=minute)]))
    store.write(Batch(counts=[count(7, target="canary", minute=MINUTE + 1)]))

    found = store.totals(MINUTE + 1, MINUTE + 3, "shadow")

    assert [110] == [total.count for total in found]
    assert (MINUTE, MINUTE + 3) == store.span()


def test_an_empty_store_has_no_span(store: WholeStore) -> None:
    """Nothing counted is not the same as counted at minute zero."""
    assert store.span() is None
    assert [] == store.totals()


def test_latency_buckets_add_up(store: WholeStore) -> None:
    """Buckets of the same window and of others sum; a window is taken whole."""
    window = MINUTE - MINUTE % 10
    one = LatencyCount(window, "shadow", "GET /", "live", 40, 3)
    later = LatencyCount(window + 10, "shadow", "GET /", "live", 40, 5)
    store.write(Batch(latencies=[one, one]))
    store.write(Batch(latencies=[one, later]))

    assert [LatencyTotal("shadow", "GET /", "live", 40, 14)] == store.latencies()
    assert [14] == [one.count for one in store.latencies(since=window + 9)]
    assert [5] == [one.count for one in store.latencies(since=window + 10)]
    assert [9] == [one.count for one in store.latencies(until=window + 10)]
    assert [] == store.latencies(target="canary")


def test_lost_samples_are_kept_as_numbers(store: WholeStore) -> None:
    """Loss is a number, by minute, target and reason."""
    loss = Loss(MINUTE, "shadow", "buffer_full", 2)
    store.write(Batch(losses=[loss]))
    store.write(Batch(losses=[loss]))

    assert [Loss(MINUTE, "shadow", "buffer_full", 4)] == store.losses()
    assert [] == store.losses(target="canary")


def test_a_divergence_reads_as_it_was_written(store: WholeStore) -> None:
    """Every field comes back equal, values of any JSON type too."""
    differences = (
        Difference(Part.STATUS, "", Kind.CHANGED, 200, 404, "a note"),
        Difference(Part.BODY, "/a~1b/0", Kind.TYPE, {"deep": [1, 2.5, None]}, True),
        Difference(Part.BODY, "/id", Kind.CHANGED, 2**70, "ü ☃ 𝄞"),
    )
    record = divergence(
        differences=differences,
        live_status=None,
        shadow_status=None,
        shadow_ms=None,
        cut=True,
        hint="see `credentials`",
        after_drop=True,
        request_headers=[("a", "1"), ("a", "2")],
    )
    store.write(Batch(divergences=[record]))

    assert [record] == [one.record for one in store.divergences()]


def test_redelivery_adds_no_row(store: WholeStore) -> None:
    """The same exchange and target is stored once, within a batch and over many."""
    again = Batch(divergences=[divergence("a1-1"), divergence("a1-1")])
    store.write(again)
    store.write(again)
    store.write(Batch(divergences=[divergence("a1-1", target="canary")]))

    found = {(one.record.exchange_id, one.record.target) for one in store.divergences()}
    assert {("a1-1", "shadow"), ("a1-1", "canary")} == found
    assert 2 == store.count_divergences()


def test_a_numbered_batch_counts_once(store: WholeStore) -> None:
    """A writer that never heard the answer may write the batch again."""
    first = Batch(counts=[count(5)], writer="w", number=1)
    second = Batch(counts=[count(1)], writer="w", number=2)
    for batch in (first, first, second, first, second):
        store.write(batch)
    store.write(Batch(counts=[count(10)], writer="other", number=1))

    assert [16] == [total.count for total in store.totals()]


def test_one_divergence_is_found_behind_many_matches(store: WholeStore) -> None:
    """W32: matches hide nothing, however many come after."""
    store.write(Batch(counts=[count()], divergences=[divergence("needle")]))
    for _ in range(1_000):
        store.write(matches())

    assert ["needle"] == [one.record.exchange_id for one in store.divergences()]


def test_divergences_come_newest_first_in_pages(store: WholeStore) -> None:
    """Pages follow each other without gap or repeat."""
    records = [divergence(f"a1-{n}", at=float(n % 3)) for n in range(9)]
    store.write(Batch(divergences=records))

    whole = store.divergences()
    pages = [store.divergences(limit=4, offset=offset) for offset in (0, 4, 8)]

    assert [2.0] * 3 + [1.0] * 3 + [0.0] * 3 == [one.record.at for one in whole]
    assert whole == [one for page in pages for one in page]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (DivergenceFilter(), {"a", "b", "c"}),
        (DivergenceFilter(target="canary"), {"b"}),
        (DivergenceFilter(route="GET /"), {"c"}),
        (DivergenceFilter(since=20.0), {"b", "c"}),
        (DivergenceFilter(until=20.0), {"a"}),
        (DivergenceFilter(live_status=404), {"b"}),
        (DivergenceFilter(shadow_status=500), {"c"}),
        (DivergenceFilter(since=20.0, target="shadow"), {"c"}),
    ],
)
def test_divergences_are_filtered(
    store: WholeStore, where: DivergenceFilter, expected: set[str]
) -> None:
    """Every field of a filter narrows what is listed and what is counted."""
    records = [
        divergence("a", at=10.0),
        divergence("b", at=20.0, target="canary", live_status=404),
        divergence("c", at=30.0, route="GET /", shadow_status=500),
    ]
    store.write(Batch(divergences=records))

    assert expected == {one.record.exchange_id for one in store.divergences(where)}
    assert len(expected) == store.count_divergences(where)


def test_a_divergence_is_found_by_number_or_by_the_beginning_of_its_id(
    store: WholeStore,
) -> None:
    """A row's number wins over an exchange id that begins like it."""
    records = [divergence(name) for name in ("ab-1", "ab-2", "cd-1", "1f-9")]
    store.write(Batch(divergences=records))
    by_name = {one.record.exchange_id: one for one in store.divergences()}

    assert [by_name["ab-1"], by_name["ab-2"]] == store.find("ab-")
    assert [by_name["ab-1"]] == store.find("ab-", limit=1)
    assert [by_name["cd-1"]] == store.find("cd-1")
    assert [by_name["cd-1"]] == store.find(str(by_name["cd-1"].id))
    assert [by_name["1f-9"]] == store.find("1f")
    assert [] == store.find("9" * 30)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (["a\0"], ["a␀"]),
        ({"\ud800": "\udcff"}, {"\\ud800": "\\udcff"}),
        ([math.nan, -math.inf], ["nan", "-inf"]),
    ],
)
def test_what_no_database_holds_is_made_visible(
    store: WholeStore, value: object, shown: object
) -> None:
    """NUL, lone surrogates and NaN neither stop a batch nor vanish."""
    difference = Difference(Part.BODY, "/a", Kind.CHANGED, value, 1)
    store.write(Batch(divergences=[divergence(differences=(difference,))]))

    [found] = store.divergences()
    assert [shown] == [one.live for one in found.record.differences]


def test_texts_that_no_database_holds_are_made_visible(store: WholeStore) -> None:
    """In keys as in bodies."""
    record = divergence(path="/a\0b", live_body="\udcff", route="GET /\0")
    store.write(Batch(divergences=[record], counts=[count(route="GET /\0")]))

    [found] = store.divergences()
    assert ("/a␀b", "\\udcff") == (found.record.path, found.record.live_body)
    assert ["GET /␀"] == [total.route for total in store.totals()]
    assert [found] == store.divergences(DivergenceFilter(route="GET /␀"))


def test_long_routes_stay_apart(store: WholeStore) -> None:
    """A key is cut where an index could not hold it, and still names one route."""
    routes = ["GET /" + "ü☃" * 3_000 + end for end in "ab"]
    store.write(Batch(counts=[count(1, route=route) for route in routes]))
    store.write(Batch(divergences=[divergence(route=route) for route in routes[:1]]))

    found = [total.route for total in store.totals()]
    assert 2 == len(set(found))
    assert {300} == {len(route) for route in found}
    assert 1 == store.count_divergences(DivergenceFilter(route=min(found))) + (
        store.count_divergences(DivergenceFilter(route=max(found)))
    )


def test_a_record_that_cannot_be_stored_writes_nothing(store: WholeStore) -> None:
    """A batch is written whole or not at all."""
    odd = Difference(Part.BODY, "", Kind.CHANGED, live=object())

    with pytest.raises(RefusedByStoreError, match="a1-1"):
        store.write(
            Batch(counts=[count()], divergences=[divergence(differences=(odd,))])
        )

    assert [] == store.totals()


def test_progress_adds_what_ended_and_keeps_the_largest_selected(
    store: WholeStore,
) -> None:
    """What is in flight is the difference, whatever order batches arrive in."""
    store.write(Batch(progress=[Progress("s1", "shadow", 10, 4, 2.0)]))
    store.write(
        Batch(
            progress=[
                Progress("s1", "shadow", 8, 3, 1.0),
                Progress("s1", "shadow", 9, 1, 1.5),
                Progress("s1", "canary", 1, 0, 1.0),
            ]
        )
    )

    assert [
        Progress("s1", "canary", 1, 0, 1.0),
        Progress("s1", "shadow", 10, 8, 2.0),
    ] == store.progress()
    assert [1] == [one.selected for one in store.progress("canary")]


def test_a_dead_agents_account_is_settled_once(store: WholeStore) -> None:
    """What was handed over and never ended is dropped, before new progress counts."""
    store.write(Batch(progress=[Progress("s1", "shadow", 10, 4, 1.0)]))
    batch = Batch(
        settlements=[Settlement("s1", "shadow", 9, MINUTE)],
        progress=[Progress("s1", "shadow", 12, 2, 2.0)],
    )
    store.write(batch)
    store.write(Batch(settlements=batch.settlements))

    assert [Total("shadow", "-", Outcome.DROPPED, SETTLED, 5)] == store.totals()
    assert [Progress("s1", "shadow", 12, 11, MINUTE * 60.0)] == store.progress()


def test_a_session_that_never_reported_is_settled_too(store: WholeStore) -> None:
    """An agent may die before its first write."""
    store.write(Batch(settlements=[Settlement("s1", "shadow", 3, MINUTE)]))

    assert [3] == [total.count for total in store.totals()]


def test_purge_by_age_removes_all_that_ended_before(store: WholeStore) -> None:
    """W31: by time everything goes, whole minutes and windows only."""
    window = MINUTE - MINUTE % 10
    latency = LatencyCount(window, "shadow", "GET /", "live", 1, 1)
    for minute in (window, window + 5, window + 20):
        store.write(
            Batch(
                counts=[count(minute=minute)],
                losses=[Loss(minute, "shadow", "refused", 1)],
                divergences=[divergence(f"a-{minute}", at=minute * 60.0)],
                progress=[Progress(f"s{minute}", "shadow", 1, 1, minute * 60.0)],
            )
        )
    store.write(Batch(latencies=[latency]))

    first = store.purge(before=(window + 5) * 60.0 + 30)
    second = store.purge(before=(window + 10) * 60.0)

    assert Purged(counts=1, losses=1, divergences=2, progress=2) == first
    assert Purged(counts=1, losses=1, latencies=1) == second
    assert [f"a-{window + 20}"] == [
        one.record.exchange_id for one in store.divergences()
    ]


def test_purge_by_number_keeps_the_newest_and_every_count(store: WholeStore) -> None:
    """Samples go, numbers stay."""
    records = [divergence(f"a{n:04}", at=float(n % 600)) for n in range(1_200)]
    store.write(Batch(divergences=records, counts=[count(1_200)]))
    newest = [one.record.exchange_id for one in store.divergences(limit=3)]

    purged = store.purge(keep=3)

    assert Purged(divergences=1_197) == purged
    assert newest == [one.record.exchange_id for one in store.divergences()]
    assert [1_200] == [total.count for total in store.totals()]
    assert Purged() == store.purge(keep=3)
    assert Purged(divergences=3) == store.purge(keep=0)


def test_purge_by_weight_keeps_the_newest(store: WholeStore) -> None:
    """As many as weigh no more than that together."""
    for number in range(9):
        at = MINUTE * 60.0 + number
        one = divergence(f"a{number}-1", at=at, live_body="x" * 9_000)
        store.write(Batch(divergences=[one]))

    assert 6 == store.purge(most_bytes=33_000).divergences

    assert ["a8-1", "a7-1", "a6-1"] == [
        one.record.exchange_id for one in store.divergences()
    ]
