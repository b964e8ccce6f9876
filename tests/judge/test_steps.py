"""Numbers that never agree: which steps of theirs are a finding."""

from __future__ import annotations

import pytest

from shadow_middleware.exchange import Outcome
from shadow_middleware.judge import Judge, Policy, Profile, rulings
from shadow_middleware.settings import Settings
from tests.judge.making import EQUAL, TODAY, Shop, case, comparison, judge, number

SETTINGS = Settings(shadow_url="http://127.0.0.1:1")
COUNTERS = ("large", "some", "some", "some")
"""How far apart two processes' counters are, from one answer to the next."""
FURTHER = ("large", "large", "large", "some")
"""The same, of a process that was started later."""


def taught(twins: tuple[str, ...], shadow: tuple[str, ...], profile: Profile) -> Judge:
    """A judge that saw a hundred times how far apart both pairs are."""
    judging = judge(profile)
    for each in range(100):
        apart = comparison(number(twins[each % len(twins)]))
        judging.judge(case(number(shadow[each % len(shadow)]), control=apart))
    return judging


def ruled(profile: Profile) -> list[bool]:
    """Whether each group is noise, as a report says it."""
    shop = Shop()
    shop.write(profile.take())
    known = rulings(shop.known(), Policy.of(SETTINGS), today=TODAY)
    return [one.noise for one in known.values()]


def test_a_counter_that_is_further_away_more_often_is_noise() -> None:
    """Two healthy processes never agree; how far they are apart is chance."""
    profile = Profile(Policy.of(SETTINGS))
    judging = taught(COUNTERS, FURTHER, profile)

    judged = judging.judge(case(number("large"), control=comparison(number("some"))))

    assert (Outcome.NOISE, "control") == (judged.outcome, judged.reason)
    assert [True] == ruled(profile)


def test_a_step_that_twins_never_make_is_a_divergence() -> None:
    """A count below zero, on a field that always differs a little."""
    profile = Profile(Policy.of(SETTINGS))
    judging = taught(("slight", "some"), ("slight", "some"), profile)

    judged = judging.judge(case(number("large"), control=comparison(number("some"))))

    assert Outcome.DIVERGENCE == judged.outcome
    assert [False] == ruled(profile)


@pytest.mark.parametrize("calm", [2, 5])
def test_where_twins_agree_now_and_then_larger_steps_still_count(calm: int) -> None:
    """The test of pairs alone decides there."""
    profile = Profile(Policy.of(SETTINGS))
    judging = taught(COUNTERS, FURTHER, profile)
    for _ in range(100 * calm):
        judging.judge(case(control=EQUAL))
    for _ in range(100):
        judging.judge(case(number("large"), control=EQUAL))

    judged = judging.judge(case(number("large"), control=EQUAL))

    assert Outcome.DIVERGENCE == judged.outcome
