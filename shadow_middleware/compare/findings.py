"""
What one comparison has found so far, and how much longer it may look.

Every stage of the comparison writes into one `Findings`; it alone knows the bounds
on time and on entries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shadow_middleware.compare.render import shown_pair
from shadow_middleware.exchange import Difference, Kind, Part

__all__ = ["BudgetSpent", "Findings"]


class BudgetSpent(Exception):
    """The time or the entries of one comparison are used up. Never leaves compare."""


class Findings:
    """
    Collects differences and the names that explain others, within a budget.

    Args:
        limit: Differences to describe at most.
        seconds: Time to spend at most, on `clock`.
    """

    __slots__ = (
        "_clock",
        "_deadline",
        "_limit",
        "_named",
        "cut",
        "differences",
        "hint",
        "undecided",
    )

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float]) -> None:
        self.differences: list[Difference] = []
        self.cut = False
        self.undecided = False
        self.hint = ""
        self._named: dict[str, None] = {}
        self._limit = max(limit, 1)
        self._clock = clock
        self._deadline = clock() + seconds

    @property
    def explained(self) -> tuple[str, ...]:
        """Names of rules and normalisers, in the order in which they were needed."""
        return tuple(self._named)

    def explain(self, name: str) -> None:
        """Note that the rule or normaliser `name` was needed."""
        self._named[name] = None

    def add(
        self,
        part: Part,
        path: str,
        kind: Kind,
        live: Any = None,
        shadow: Any = None,
        note: str = "",
    ) -> None:
        """
        Note a difference.

        Raises:
            BudgetSpent: there is no room for another one.
        """
        if len(self.differences) >= self._limit:
            self.cut = True
            raise BudgetSpent
        shown_live, shown_shadow = shown_pair(live, shadow)
        self.differences.append(
            Difference(part, path, kind, shown_live, shown_shadow, note)
        )

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(self._deadline - self._clock(), 0.0)

    def tick(self) -> None:
        """
        Look at the clock.

        Raises:
            BudgetSpent: the time is used up.
        """
        if self._clock() > self._deadline:
            self.cut = True
            raise BudgetSpent
