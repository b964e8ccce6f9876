"""
How often the verdict wrongly says "promote", where somebody looks all the time.

The true share of replays that agree is a little below what the policy asks. Each run
is looked at after every 100 replays; a run that promotes at any look is an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.inference import wilson
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.report.policy import Policy
from shadow_middleware.report.verdict import Ruling, verdict

__all__ = ["Peeking", "simulate"]

EVERY, LAST = 100, 20_000
BELOW = 0.0005
"""How far the true share is below what is asked."""

Promotes = Callable[[int, int], bool]
"""Whether so many agreeing replays of so many are promoted."""


class Peeking(NamedTuple):
    """What came of many runs."""

    how: str
    runs: int
    true_share: float
    wrong: int

    @property
    def error(self) -> float:
        """The share of runs that were promoted at some look."""
        return self.wrong / self.runs


def simulate(seed: int, runs: int, every: int = EVERY) -> list[Peeking]:
    """Return how the verdict fares, and how a fixed-sample interval would."""
    policy = Policy()
    true_share = policy.minimum_rate - BELOW
    rules: dict[str, Promotes] = {
        "the verdict": lambda agrees, n: _verdict(agrees, n, policy),
        "Wilson's interval, looked at as often": lambda agrees, n: (
            n >= policy.minimum_evidence
            and wilson(agrees, n, policy.confidence).low >= policy.minimum_rate
        ),
    }
    results = []
    for how, promotes in rules.items():
        allowed = [_most_allowed(promotes, n) for n in range(every, LAST + 1, every)]
        chance = Random(seed)
        wrong = sum(
            _is_promoted(chance, 1 - true_share, allowed, every) for _ in range(runs)
        )
        results.append(Peeking(how, runs, true_share, wrong))
    return results


def _verdict(agrees: int, n: int, policy: Policy) -> bool:
    totals = [
        Total("shadow", "GET /", Outcome.MATCH, "", agrees),
        Total("shadow", "GET /", Outcome.DIVERGENCE, "", n - agrees),
    ]
    return verdict(Holdings(totals=totals), policy).ruling is Ruling.PROMOTE


def _most_allowed(promotes: Promotes, n: int) -> int:
    """Return the most divergences among `n` replays that are promoted; -1 if none."""
    low, high = -1, n // 20
    while low < high:
        middle = (low + high + 1) // 2
        if promotes(n - middle, n):
            low = middle
        else:
            high = middle - 1
    return low


def _is_promoted(chance: Random, share: float, allowed: list[int], every: int) -> bool:
    """Whether a run with this share of divergences is promoted at one of its looks."""
    diverged = 0
    at = _gap(chance, share)
    for look, most in enumerate(allowed, start=1):
        while at <= look * every:
            diverged += 1
            at += _gap(chance, share)
        if diverged <= most:
            return True
    return False


def _gap(chance: Random, share: float) -> int:
    """Return how many replays there are up to the next divergence, itself included."""
    return int(math.log(1 - chance.random()) / math.log(1 - share)) + 1
