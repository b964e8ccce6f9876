"""What a criterion came to: the words in which a verdict gives its reasons."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = ["Check", "Criterion", "State", "holds"]


class State(StrEnum):
    """What a criterion says."""

    PASSED = "passed"
    FAILED = "failed"
    """It speaks against promoting."""
    OPEN = "open"
    """What is known does not decide it."""


class Criterion(StrEnum):
    """What is asked of a shadow."""

    EVIDENCE = "evidence"
    RATE = "rate"
    LATENCY = "latency"
    COVERAGE = "coverage"
    ROUTE_COVERAGE = "route coverage"
    TRAFFIC_COVERAGE = "traffic coverage"
    NOISE = "noise"
    FRESHNESS = "freshness"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion, of the whole or of one route, with the number that decided it."""

    criterion: Criterion
    route: str = ""
    """The route it is about, or the glob that no route fits; '' is the whole."""
    quantile: str = ""
    """Of latency: `p50`, `p95` or `p99`."""
    state: State
    text: str
    """What was found and what was asked, in a sentence."""
    value: float | None = None
    """What was found."""
    asked: float | None = None
    more: int | None = None
    """How many more replays would decide it; None where that is not known."""

    @property
    def name(self) -> str:
        """What it is called: `rate`, `latency p95: GET /users/{id}`; unique."""
        what = f"{self.criterion} {self.quantile}".rstrip()
        return f"{what}: {self.route}" if self.route else what


def holds(shown: bool) -> State:
    """Return that a criterion is shown to hold, or else is open."""
    return State.PASSED if shown else State.OPEN
