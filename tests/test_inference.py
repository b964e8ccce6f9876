"""Bounds and tests against known values, exact fractions, and simulated traffic."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shadow_middleware import inference
from shadow_middleware.inference import (
    Interval,
    clopper_pearson,
    confidence_sequence,
    favours_first,
    lies_above,
    log_betainc,
    log_paired_e,
    more_needed,
    wilson,
)

LARGEST = 10**9


def betainc(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function."""
    return math.exp(log_betainc(a, b, x))


def binomial_tail(n: int, k: int, p: Fraction) -> Fraction:
    """Return P(Bin(n, p) >= k), exactly."""
    return sum(
        (math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1)),
        Fraction(0),
    )


# --- the incomplete beta function ---------------------------------------------------------


@given(
    n=st.integers(1, 60),
    data=st.data(),
    p=st.fractions(Fraction(1, 100), Fraction(99, 100), max_denominator=100),
)
def test_incomplete_beta_is_the_binomial_tail(
    n: int, data: st.DataObject, p: Fraction
) -> None:
    """DLMF 8.17.5: I_p(k, n - k + 1) is the chance of k or more of n."""
    k = data.draw(st.integers(1, n))

    value = betainc(k, n - k + 1, float(p))

    assert float(binomial_tail(n, k, p)) == pytest.approx(value, rel=1e-11, abs=0)


@pytest.mark.parametrize(
    ("a", "b", "x", "value"),
    [
        (0.5, 0.5, 0.5, 0.5),
        (0.5, 0.5, 0.25, 1 / 3),
        (1.0, 3.0, 0.2, 1 - 0.8**3),
        (4.5, 1.0, 0.3, 0.3**4.5),
    ],
)
def test_incomplete_beta_has_its_closed_forms(
    a: float, b: float, x: float, value: float
) -> None:
    """The arcsine law and powers are known without a series."""
    assert value == pytest.approx(betainc(a, b, x), rel=1e-12)


def test_incomplete_beta_ends_at_its_ends() -> None:
    """Nothing lies below 0 and nothing above 1."""
    assert [0.0, 1.0] == [betainc(2, 3, 0.0), betainc(2, 3, 1.0)]


def test_its_logarithm_is_right_where_the_value_is_too_small_to_hold() -> None:
    """I_x(a, 1) = x^a, also for 10^-4000."""
    assert -4000 * math.log(10) == pytest.approx(log_betainc(4000, 1, 0.1))


# --- one look -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agrees", "n", "expected"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I.
        (81, 263, Interval(0.2553, 0.3662)),
        (15, 148, Interval(0.0624, 0.1605)),
        (0, 20, Interval(0.0000, 0.1611)),
        (1, 29, Interval(0.0061, 0.1718)),
    ],
)
def test_wilson_gives_the_published_intervals(
    agrees: int, n: int, expected: Interval
) -> None:
    """Newcombe's examples of the score interval without continuity correction."""
    found = wilson(agrees, n)

    assert expected.low == pytest.approx(found.low, abs=5e-5)
    assert expected.high == pytest.approx(found.high, abs=5e-5)


@pytest.mark.parametrize(
    ("agrees", "n", "expected"),
    [
        # The same table, "exact" intervals.
        (81, 263, Interval(0.2527, 0.3676)),
        (15, 148, Interval(0.0578, 0.1617)),
        (0, 20, Interval(0.0000, 0.1684)),
        (1, 29, Interval(0.0009, 0.1776)),
    ],
)
def test_clopper_pearson_gives_the_published_intervals(
    agrees: int, n: int, expected: Interval
) -> None:
    """Newcombe's examples of the exact interval."""
    found = clopper_pearson(agrees, n)

    assert expected.low == pytest.approx(found.low, abs=5e-5)
    assert expected.high == pytest.approx(found.high, abs=5e-5)


@given(n=st.integers(1, 40), data=st.data())
def test_clopper_pearson_leaves_half_of_the_error_on_each_side(
    n: int, data: st.DataObject
) -> None:
    """At its lower bound, k or more of n have the chance of half the error: exactly."""
    k = data.draw(st.integers(1, n))

    low = clopper_pearson(k, n, 0.95).low

    assert float(binomial_tail(n, k, Fraction(low))) == pytest.approx(0.025, rel=1e-9)


# --- however often one looks --------------------------------------------------------------


KINDS = [wilson, clopper_pearson, confidence_sequence]


@pytest.mark.parametrize("interval", KINDS)
@given(n=st.integers(1, LARGEST), data=st.data(), confidence=st.floats(0.5, 0.9999))
def test_every_interval_holds_what_was_seen(
    interval: type, n: int, data: st.DataObject, confidence: float
) -> None:
    """The share that was seen lies within, up to a thousand million trials."""
    k = data.draw(st.one_of(st.just(0), st.just(n), st.integers(0, n)))

    found = interval(k, n, confidence)

    assert 0.0 <= found.low <= k / n <= found.high <= 1.0
    assert (k == 0) == (found.low == 0.0)
    assert (k == n) == (found.high == 1.0)


@pytest.mark.parametrize("interval", KINDS)
def test_without_trials_nothing_is_known(interval: type) -> None:
    """No trial, no bound."""
    assert Interval(0.0, 1.0) == interval(0, 0, 0.95)


@given(n=st.integers(1, 100_000), data=st.data())
def test_looking_always_costs_more_than_looking_once(
    n: int, data: st.DataObject
) -> None:
    """What holds at all times is wider than what holds once."""
    k = data.draw(st.integers(0, n))

    always, once = confidence_sequence(k, n), clopper_pearson(k, n)

    assert always.low <= once.low
    assert once.high <= always.high


@given(n=st.integers(1, 100_000), data=st.data())
def test_bounds_mirror_each_other(n: int, data: st.DataObject) -> None:
    """What agrees and what does not are two names of one thing."""
    k = data.draw(st.integers(0, n))

    ours, theirs = confidence_sequence(k, n), confidence_sequence(n - k, n)

    assert ours.low == pytest.approx(1 - theirs.high, abs=1e-12)


def exact_log_evidence(k: int, n: int, p: float) -> float:
    """Return the mixture's evidence against `p` by plain integration, as a check."""
    steps = 20_000
    # theta = sin^2(t) makes Jeffreys' prior uniform in t.
    start, end = math.asin(math.sqrt(p)), math.pi / 2
    total = 0.0
    for step in range(steps):
        theta = math.sin(start + (step + 0.5) * (end - start) / steps) ** 2
        ratio = k * math.log(theta / p) + (n - k) * math.log((1 - theta) / (1 - p))
        total += math.exp(ratio)
    return math.log(total / steps)


@pytest.mark.parametrize(
    ("k", "n"), [(400, 400), (990, 1000), (9_990, 10_000), (3, 10), (1, 1000)]
)
def test_at_the_lower_bound_the_evidence_is_what_was_asked_for(k: int, n: int) -> None:
    """The closed form is the integral, and never more than it."""
    low = confidence_sequence(k, n, 0.95).low

    evidence = exact_log_evidence(k, n, low)

    assert math.log(40) == pytest.approx(evidence, abs=0.05)
    assert math.log(40) <= evidence + 1e-6


@given(n=st.integers(1, 10_000), data=st.data())
def test_everything_below_the_lower_bound_is_rejected_and_nothing_above(
    n: int, data: st.DataObject
) -> None:
    """The bound is one number because the evidence falls all the way."""
    k = data.draw(st.one_of(st.just(n), st.integers(1, n)))
    goal = data.draw(st.floats(1e-6, 1 - 1e-6))

    low = confidence_sequence(k, n).low
    decided = more_needed(k, n, goal) == 0 and goal < k / n

    assert (goal < low) == decided or goal == pytest.approx(low, rel=1e-9)


def test_a_wrong_promotion_is_as_rare_as_promised() -> None:
    """
    W66: the bounds keep their promise at every look.

    200 runs at a rate just below the policy, looked at after every 100 requests.

    The whole form, 2,000 runs, is in `benchmarks/judge.py`.
    """
    chance = random.Random(20_260)
    goal, true_rate = 0.99, 0.9899
    wrong = 0
    for _ in range(200):
        agrees = 0
        for n in range(100, 5_001, 100):
            agrees += sum(chance.random() < true_rate for _ in range(100))
            if confidence_sequence(agrees, n, 0.95).low >= goal:
                wrong += 1
                break

    assert wrong <= 0.05 * 200


def test_an_interval_for_one_look_does_not_keep_its_promise_here() -> None:
    """Why there is a sequence at all: Wilson, looked at again and again, is wrong often."""
    chance = random.Random(20_260)
    wrong = 0
    for _ in range(200):
        agrees = 0
        for n in range(100, 5_001, 100):
            agrees += sum(chance.random() < 0.9899 for _ in range(100))
            if wilson(agrees, n, 0.95).low >= 0.99:
                wrong += 1
                break

    assert wrong > 0.05 * 200


def test_four_hundred_and_some_agreements_in_a_row_reach_99_per_cent() -> None:
    """The mixture is made for shares near 1: Wilson needs 381 where one looks once."""
    first = next(n for n in range(1, 1000) if confidence_sequence(n, n).low >= 0.99)

    assert 456 == first


# --- how many more ------------------------------------------------------------------------


@given(
    n=st.integers(0, 50_000),
    data=st.data(),
    goal=st.sampled_from([0.5, 0.9, 0.99, 0.999]),
)
def test_so_many_more_at_the_same_share_decide_it(
    n: int, data: st.DataObject, goal: float
) -> None:
    """What is said to be enough is enough."""
    k = data.draw(st.integers(0, n))
    share = k / n if n else 1.0

    more = more_needed(k, n, goal)

    if more is not None:
        trials = n + more
        agrees = share * trials
        agrees = (
            math.floor(agrees + 1e-6) if share >= goal else math.ceil(agrees - 1e-6)
        )
        bounds = confidence_sequence(agrees, trials)
        assert bounds.low >= goal * (1 - 1e-9) or bounds.high <= goal * (1 + 1e-9)


@given(n=st.integers(1, 5_000), data=st.data())
def test_it_is_not_many_more_than_needed(n: int, data: st.DataObject) -> None:
    """A little earlier would not have been enough."""
    k = data.draw(st.integers(0, n))
    more = more_needed(k, n, 0.99)

    if more:
        share = k / n
        # The number of misses is whole: one of them is worth so many trials.
        one_miss = math.ceil(1 / (1 - share)) if share < 1 else 0
        trials = max(n, n + int(more * 0.98) - 1 - one_miss)
        agrees = share * trials
        rounded = math.floor(agrees) if share >= 0.99 else math.ceil(agrees)
        bounds = confidence_sequence(rounded, trials)
        assert bounds.low < 0.99 <= bounds.high


def test_a_share_that_is_the_goal_is_never_decided() -> None:
    """Then no number is named."""
    assert more_needed(990, 1000, 0.99) is None


# --- pairs --------------------------------------------------------------------------------


def exact_paired_e(more: int, less: int) -> Fraction:
    """Return 2^(n+1) times the integral of p^b (1-p)^c over (1/2, 1], exactly."""
    total = Fraction(0)
    for i in range(less + 1):
        power = more + i + 1
        piece = (1 - Fraction(1, 2**power)) / power
        total += math.comb(less, i) * Fraction(-1) ** i * piece
    return total * Fraction(2) ** (more + less + 1)


@given(more=st.integers(0, 40), less=st.integers(0, 40))
def test_the_paired_evidence_is_the_integral(more: int, less: int) -> None:
    """Against exact fractions."""
    expected = exact_paired_e(more, less)

    found = log_paired_e(more, less)

    assert math.log(expected) == pytest.approx(found, rel=1e-9, abs=1e-9)


@given(
    more=st.floats(0, 1e6),
    less=st.floats(0, 1e6),
    needed=st.floats(1, 30),
)
def test_the_quick_answer_is_the_right_one(
    more: float, less: float, needed: float
) -> None:
    """The bound that saves the work never changes the answer."""
    slow = more > less and log_paired_e(more, less) >= needed

    assert slow == favours_first(more, less, needed)


def test_a_fair_coin_is_seldom_called_unfair_however_long_one_looks() -> None:
    """Of 400 fair coins, looked at after each of 500 throws, at most 5 % reach 20."""
    chance = random.Random(7)
    wrong = 0
    for _ in range(400):
        more = 0
        for n in range(1, 501):
            more += chance.random() < 0.5
            if favours_first(more, n - more, math.log(20)):
                wrong += 1
                break

    assert wrong <= 0.05 * 400


def test_a_rare_excess_beside_much_noise_is_found() -> None:
    """40 against 10 is an excess, even where a thousand fields are corrected for."""
    assert favours_first(40, 10, math.log(1000 / 0.01)) is False
    assert favours_first(60, 10, math.log(1000 / 0.01)) is True


@given(
    n=st.integers(1, 10**6),
    data=st.data(),
    share=st.floats(0.001, 0.999),
    confidence=st.sampled_from([0.9, 0.95, 0.9999]),
)
def test_what_lies_above_is_what_the_sequence_says(
    n: int, data: st.DataObject, share: float, confidence: float
) -> None:
    """The short cut and the bounds never disagree, but where they touch."""
    k = data.draw(st.integers(0, n))
    low = confidence_sequence(k, n, confidence).low
    assume(abs(low - share) > 1e-9)

    assert (low > share) == lies_above(k, n, share, confidence)


@pytest.mark.parametrize("kind", [clopper_pearson, confidence_sequence])
def test_a_bound_costs_few_steps(kind: Callable[[int, int, float], Interval]) -> None:
    """A route has three of them, and a page has hundreds of routes."""
    looked = 0
    real = inference._last

    def counted(excess: Callable[[float], float], inside: float, away: float) -> float:
        def once(p: float) -> float:
            nonlocal looked
            looked += 1
            return excess(p)

        return real(once, inside, away)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inference, "_last", counted)
        for n in (40, 1_234, 98_765, 1_000_001):
            kind(n - n // 7, n, 0.97)

    assert looked <= 4 * 2 * 20
