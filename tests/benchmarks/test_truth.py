"""The quick form of `benchmarks/truth.py`: what is planted is found, and little else."""

from __future__ import annotations

import pytest

from benchmarks import truth
from benchmarks.contest import bounded, diffy, ours, sequence
from benchmarks.contest.score import Account, Seen
from benchmarks.corpus import REGRESSIONS, ROUTES, Traffic, noise
from shadow_middleware.exchange import Body, Kind, Part, Response
from shadow_middleware.settings import Settings

pytestmark = pytest.mark.usefixtures("children_uncounted")

SEED = truth.DEVELOPMENT_SEEDS[0]
EXCHANGES = 3_000
FLOOD = 30_000
BUSY = (
    "GET /products",
    "GET /products/{id}",
    "GET /search",
    "GET /users/{id}",
    "GET /account",
)
"""So few that a short stretch of traffic says something of each."""


def test_regressions_are_found_and_nothing_else() -> None:
    """
    With a control each of them, however rare and on whatever noisy field.

    The bar for groups of nothing is one for each 10,000 exchanges; these are fewer.
    Without a control, what values look like hides no more than two in a hundred.
    """
    contestants = ours.contest(Traffic(SEED, routes=BUSY), EXCHANGES)
    rows = {row.name: row for row in (each.conclude()[0] for each in contestants)}

    assert ((), ()) == (
        rows[ours.WITH_CONTROL].missed,
        rows[ours.WITH_CONTROL].false_groups,
    )
    assert rows[ours.WITH_CONTROL].planted >= 20
    assert rows[ours.WITHOUT].recall >= truth.RECALL_WITHOUT, rows[ours.WITHOUT].missed


def test_a_healthy_shadow_has_no_groups() -> None:
    """With a control, though hardly one answer is the same twice."""
    healthy, *_ = ours.contest(Traffic(SEED, planted=False), EXCHANGES // 4)
    row, _ = healthy.conclude()

    assert (0, 0) == (row.planted, row.groups)


# --- the corpus ---------------------------------------------------------------------------


def test_the_corpus_is_as_large_as_is_said() -> None:
    """Routes, kinds of noise, and regressions with names and routes of their own."""
    kinds = [name for name in noise.__all__ if name != "with_rare"]

    assert len(ROUTES) >= 40
    assert len(kinds) >= 15
    assert len(REGRESSIONS) >= 60
    assert len(REGRESSIONS) == len({each.name for each in REGRESSIONS})
    assert {each.route for each in REGRESSIONS} <= {each.endpoint for each in ROUTES}


def test_the_seed_alone_decides_what_is_sent() -> None:
    """So a table can be made again, on any machine."""
    first, again, other = (list(Traffic(seed).exchanges(40)) for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_healthy_copies_say_the_same_but_for_noise() -> None:
    """What comes of the shared state is the same on all of them."""
    for sent in Traffic(SEED, planted=False).exchanges(200):
        names = [
            sorted(name for name, _ in each.response.headers) for each in sent[1:4]
        ]
        if sent.live.response.status == sent.shadow.response.status:
            assert names[0] == names[1] == names[2]
        assert frozenset() == sent.carries


def test_what_a_request_meets_once_it_meets_again() -> None:
    """Both answers of the shadow carry it, but for what comes and goes."""
    steady = {each.name for each in REGRESSIONS if not each.intermittent}
    carrying = [
        sent for sent in Traffic(SEED).exchanges(1_500) if steady & sent.carries
    ]

    assert carrying
    assert {sent.shadow.response.status for sent in carrying if sent.carries} == {
        sent.probe.response.status for sent in carrying
    }


# --- the score ----------------------------------------------------------------------------


def test_a_group_that_shows_no_regression_is_false_and_one_that_mixes_is_mixed() -> (
    None
):
    """At the place, of the kind, and in an exchange that carries it."""
    planted = next(each for each in REGRESSIONS if each.name == "stock off by one")
    at_place = Seen("a", Part.BODY, "/stock", Kind.CHANGED)
    account = Account("somebody")
    account.note([planted.name], [at_place, Seen("b", Part.BODY, "/id", Kind.CHANGED)])
    account.note([], [at_place])
    account.note([], [at_place])

    row = account.row(lambda group: False)

    assert (("b",), ("a",), 1, 2) == (
        row.false_groups,
        row.mixed_groups,
        row.found,
        row.wrongly,
    )


def test_what_is_ruled_noise_finds_nothing() -> None:
    """A regression in a group that is not shown is missed."""
    account = Account("somebody")
    account.note(["stock off by one"], [Seen("a", Part.BODY, "/stock", Kind.CHANGED)])

    row = account.row(lambda group: True)

    assert (("stock off by one",), 0.0, 0) == (row.missed, row.recall, row.flagged)


def test_the_algorithm_of_diffy_names_fields_as_its_sources_do() -> None:
    """Without indexes, and with the name of what differs."""
    live, other = (
        Response(200, ((b"content-type", b"application/json"),), Body(data, len(data)))
        for data in (
            b'{"rows": [{"a": 1}, {"a": 2}], "gone": 1, "by": {"WH-1": 1}, "l": [1]}',
            b'{"rows": [{"a": 1}, {"a": "2"}], "by": {"WH-1": 2}, "l": []}',
        )
    )

    fields = diffy.fields_of("GET /", diffy.lifted(live), diffy.lifted(other))

    assert {
        ("GET /", "/content/rows/*/a", "TypeDifference"),
        ("GET /", "/content/gone", "MissingField"),
        ("GET /", "/content/by/*", "PrimitiveDifference"),
        ("GET /", "/content/l", "SeqSizeDifference"),
    } == fields


# --- the other two parts --------------------------------------------------------------------


def test_a_verdict_that_is_looked_at_all_the_time_is_seldom_wrong() -> None:
    """Where an interval for one look is wrong more often."""
    by_verdict, by_wilson = sequence.simulate(SEED, 200, every=1_000)

    assert by_verdict.error <= truth.ERROR
    assert by_verdict.error < by_wilson.error


def test_a_flood_of_names_ends_at_the_cap_and_is_counted() -> None:
    """What has no room is told of, and no more groups are made."""
    done = bounded.flood("paths that nothing generalises", FLOOD)

    most = Settings(shadow_url="http://shadow").noise_cells
    assert done.cells <= most
    assert done.groups < 1.1 * most
    assert done.overflow >= FLOOD - most
