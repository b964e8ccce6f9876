"""The verdict: what counts as evidence, the interval, and what is said when."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import RouteUse
from shadow_middleware.report.figures import percent
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.report.judgement import Evidence, evidence_of
from shadow_middleware.report.policy import Policy
from shadow_middleware.report.verdict import Ruling, Verdict
from shadow_middleware.report.verdict import verdict as judge


def total(
    outcome: Outcome,
    count: int,
    reason: str = "",
    route: str = "GET /a",
    target: str = "shadow",
) -> Total:
    """Return one count."""
    return Total(target, route, outcome, reason, count)


def verdict(totals: Iterable[Total], policy: Policy | None = None) -> Verdict:
    """Return the verdict on counts alone."""
    return judge(Holdings(totals=list(totals)), policy)


@pytest.mark.parametrize(
    ("outcome", "reason", "evidence"),
    [
        (Outcome.MATCH, "", Evidence(agrees=5)),
        (Outcome.MATCH, "clock", Evidence(agrees=5)),
        (Outcome.NOISE, "", Evidence(agrees=5)),
        (Outcome.DIVERGENCE, "", Evidence(disagrees=5)),
        (Outcome.SHADOW_ERROR, "connect", Evidence(disagrees=5)),
        (Outcome.TIMEOUT, "read", Evidence(disagrees=5)),
        (Outcome.SKIPPED, "breaker_open", Evidence(disagrees=5)),
        (Outcome.DROPPED, "breaker_open", Evidence(disagrees=5)),
        (Outcome.SKIPPED, "method", Evidence(nothing=5)),
        (Outcome.SKIPPED, "internal_error", Evidence(unknown=5)),
        (Outcome.SKIPPED, "capture_failed", Evidence(unknown=5)),
        (Outcome.MATCH, "breaker_open", Evidence(agrees=5)),
        (Outcome.LIVE_ERROR, "internal_error", Evidence(nothing=5)),
        (Outcome.DROPPED, "queue_full", Evidence(unknown=5)),
        (Outcome.INCOMPARABLE, "", Evidence(unknown=5)),
        (Outcome.LIVE_ERROR, "500", Evidence(nothing=5)),
    ],
)
def test_what_each_outcome_is_evidence_for(
    outcome: Outcome, reason: str, evidence: Evidence
) -> None:
    """A shadow that fails is evidence against it; live's own errors are none."""
    assert evidence == evidence_of([total(outcome, 5, reason)])


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_judged(outcome: Outcome) -> None:
    """None falls through."""
    found = evidence_of([total(outcome, 1)])

    assert 1 == found.decided + found.unknown + found.nothing


def test_no_counts_are_not_enough_evidence() -> None:
    """An empty store promotes nothing (W13)."""
    assert Ruling.NOT_ENOUGH_EVIDENCE is verdict([]).ruling


def test_all_agree_and_there_are_many() -> None:
    """Promote needs the lower bound above what is asked."""
    found = verdict([total(Outcome.MATCH, 1_000)])

    assert Ruling.PROMOTE is found.ruling
    assert [
        "1,000 of 1,000 replays agree (100 %), between 99.54 % and 100 % "
        "with 95 % confidence; at least 99 % asked"
    ] == found.targets[0].reasons


def test_all_agree_but_the_bound_is_too_low() -> None:
    """200 of 200 do not yet show 99 %."""
    found = verdict([total(Outcome.MATCH, 200)])

    assert Ruling.NOT_ENOUGH_EVIDENCE is found.ruling
    assert (
        found.targets[0]
        .reasons[0]
        .endswith("; about 256 more requests would decide it")
    )


def test_too_few_say_nothing_either_way() -> None:
    """`minimum_evidence` holds for bad news as well."""
    found = verdict([total(Outcome.DIVERGENCE, 9)], Policy(minimum_evidence=10))

    assert Ruling.NOT_ENOUGH_EVIDENCE is found.ruling
    assert ["9 replays decided, at least 10 asked"] == found.targets[0].reasons


def test_too_many_diverge() -> None:
    """The upper bound below what is asked is a no."""
    found = verdict([total(Outcome.MATCH, 900), total(Outcome.DIVERGENCE, 100)])

    assert Ruling.DO_NOT_PROMOTE is found.ruling


def test_a_shadow_that_is_down_is_no_shadow_without_divergence() -> None:
    """Ten errors and an open breaker outweigh what matched before (W13)."""
    found = verdict(
        [
            total(Outcome.MATCH, 5_000),
            total(Outcome.SHADOW_ERROR, 10, "connect"),
            total(Outcome.SKIPPED, 2_000, "breaker_open"),
        ]
    )

    assert Ruling.DO_NOT_PROMOTE is found.ruling


def test_a_rare_route_that_fails_is_not_hidden_by_a_busy_one() -> None:
    """Each route with enough replays is judged alone."""
    rows = [
        total(Outcome.MATCH, 100_000, route="GET /busy"),
        total(Outcome.DIVERGENCE, 40, route="GET /rare"),
    ]

    found = verdict(rows)

    assert Ruling.DO_NOT_PROMOTE is found.ruling
    assert [
        "GET /rare: only 0 of 40 agree (0 %), between 0 % and 12.49 %; "
        "at least 99 % asked"
    ] == found.targets[0].reasons
    assert ["GET /rare"] == [one.route for one in found.targets[0].failing_routes]
    assert Ruling.PROMOTE is verdict(rows, Policy(minimum_route_evidence=0)).ruling
    few = verdict(rows, Policy(minimum_route_evidence=41))
    assert Ruling.NOT_ENOUGH_EVIDENCE is few.ruling
    assert (
        few.targets[0]
        .reasons[0]
        .endswith("1 more request of GET /rare would decide it")
    )


def test_much_that_was_dropped_leaves_the_question_open() -> None:
    """Dropped ones agree with nobody; too many of them, and nothing is said."""
    rows = [total(Outcome.MATCH, 1_000), total(Outcome.DROPPED, 1_500, "queue_full")]

    found = verdict(rows)

    assert Ruling.NOT_ENOUGH_EVIDENCE is found.ruling
    assert ["1,500 replays were dropped or could not be compared: 40 % decided, "
            "at least 50 % asked"] == found.targets[0].reasons  # fmt: skip
    assert Ruling.PROMOTE is verdict(rows, Policy(minimum_coverage=0.4)).ruling


def test_the_rate_and_the_confidence_are_as_asked() -> None:
    """Both criteria move the verdict."""
    rows = [total(Outcome.MATCH, 995), total(Outcome.DIVERGENCE, 5)]

    asked = {
        (rate, confidence): verdict(
            rows, Policy(minimum_rate=rate, confidence=confidence)
        ).ruling
        for rate, confidence in [
            (0.98, 0.95),
            (0.99, 0.95),
            (0.985, 0.8),
            (0.985, 0.99),
            (0.9999, 0.95),
        ]
    }

    assert {
        (0.98, 0.95): Ruling.PROMOTE,
        (0.99, 0.95): Ruling.NOT_ENOUGH_EVIDENCE,
        (0.985, 0.8): Ruling.PROMOTE,
        (0.985, 0.99): Ruling.NOT_ENOUGH_EVIDENCE,
        (0.9999, 0.95): Ruling.DO_NOT_PROMOTE,
    } == asked


def test_the_whole_is_as_good_as_the_worst_target() -> None:
    """Each target has its own verdict."""
    good = total(Outcome.MATCH, 1_000, target="a")
    few = total(Outcome.MATCH, 10, target="b")
    bad = total(Outcome.DIVERGENCE, 1_000, target="c")

    assert [
        ("a", Ruling.PROMOTE),
        ("b", Ruling.NOT_ENOUGH_EVIDENCE),
        ("c", Ruling.DO_NOT_PROMOTE),
    ] == [(one.target, one.ruling) for one in verdict([bad, good, few]).targets]
    assert Ruling.NOT_ENOUGH_EVIDENCE is verdict([good, few]).ruling
    assert Ruling.DO_NOT_PROMOTE is verdict([good, few, bad]).ruling


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50 %"),
        (0.99999, "99.99 %"),
        (0.000001, "0.01 %"),
        (0.1234, "12.34 %"),
    ],
)
def test_a_percentage_never_claims_all_or_none_falsely(share: float, text: str) -> None:
    """0 % and 100 % are exact."""
    assert text == percent(share)


def test_traffic_of_undecided_routes_alone_weighs_nothing() -> None:
    """The rate as sampled decides then: no target is promoted without a rate."""
    totals = [
        total(Outcome.MATCH, 100, route="GET /a"),
        total(Outcome.DROPPED, 3, "queue_full", route="GET /b"),
    ]
    uses = [RouteUse(1, "GET /b", 2, 10, 10)]

    found = judge(Holdings(totals=totals, uses=uses), Policy(weighting="traffic"))

    assert Ruling.NOT_ENOUGH_EVIDENCE is found.ruling
    assert "sampled" == found.targets[0].traffic_weighted.by


def test_what_the_shadow_never_answered_is_told_apart_from_wrong_answers() -> None:
    """By reason, the most frequent first: a shadow that is down is no rewrite that errs."""
    found = verdict(
        [
            total(Outcome.MATCH, 3),
            total(Outcome.DIVERGENCE, 4, "ab12"),
            total(Outcome.TIMEOUT, 1, "read"),
            total(Outcome.SHADOW_ERROR, 150, "refused"),
            total(Outcome.SHADOW_ERROR, 1, "refused", route="GET /b"),
            total(Outcome.DROPPED, 9, "queue_full"),
        ]
    )

    assert [("refused", 151), ("read", 1)] == [*found.targets[0].unanswered.items()]
