"""
The account of one cell or one base: what the store knows of it, and what was added here.

What was added stays apart by day and live version until the store has it, because only
so can it be handed over; the sum, as it counts today, is kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shadow_middleware.judge.decay import OTHER_ERA, weight
from shadow_middleware.judge.tally import Tally, add

__all__ = ["KEPT_WAITING", "Account", "Row", "Today"]

KEPT_WAITING: Final = 7
"""Days after which counts that nobody took are handed over no more."""

RowName = tuple[int, str]
"""Day and era."""


class Row:
    """What one account was given on one day under one live version."""

    __slots__ = ("at", "name", "now", "sent", "waiting")

    def __init__(self, name: tuple[Any, ...], at: RowName, size: int) -> None:
        self.name = name
        """The account's."""
        self.at = at
        self.now: Tally = [0.0] * size
        self.sent: Tally = [0.0] * size
        """How much of it was handed over."""
        self.waiting = False
        """Whether it is in line to be handed over."""

    def hand_over(self) -> Tally:
        """Return what was added since the last time."""
        more = [now - sent for now, sent in zip(self.now, self.sent, strict=True)]
        self.sent = list(self.now)
        self.waiting = False
        return more

    def is_old(self, today: Today) -> bool:
        """Whether its day is over, and it was handed over or nobody ever asks."""
        age = today.day - self.at[0]
        return age > 1 and (not self.waiting or age > KEPT_WAITING)

    def settle(self) -> None:
        """Forget what was handed over."""
        self.now = [now - sent for now, sent in zip(self.now, self.sent, strict=True)]
        self.sent = [0.0] * len(self.now)


class Today:
    """Which day it is, for all accounts, and by which day what is known was weighed."""

    __slots__ = ("day", "half_life", "learned")

    def __init__(self, half_life: float) -> None:
        self.half_life = half_life
        self.day = 0
        self.learned = 0

    def worth(self, day: int) -> float:
        """Return what a count of `day` is worth."""
        return weight(day, self.day, self.half_life)


class Account:
    """Counts that are known, counts that were added, and their sum."""

    __slots__ = (
        "_era",
        "_known",
        "_known_on",
        "_seen_on",
        "answer",
        "name",
        "rows",
        "total",
    )

    def __init__(
        self, name: tuple[Any, ...], size: int, known: Mapping[str, Tally], day: int
    ) -> None:
        """Begin with what was `known`, weighed by `day`."""
        self.name = name
        self.rows: dict[RowName, Row] = {}
        self.total: Tally = [0.0] * size
        """As it counts today, for the era that was asked for last."""
        self.answer: tuple[object, str] | None = None
        """What was last ruled on these counts, and which they were."""
        self._known = known
        self._known_on = day
        self._era: str | None = None
        self._seen_on = 0

    def learn(self, known: Mapping[str, Tally], day: int) -> None:
        """Take what is known anew; what was handed over is in it."""
        self._known, self._known_on = known, day
        self._era = None
        self.rows = {at: row for at, row in self.rows.items() if row.waiting}
        for row in self.rows.values():
            row.settle()

    def look(self, era: str, today: Today) -> Tally:
        """Return the sum as it counts today, seen from one live version."""
        if era != self._era or self._seen_on != today.day:
            self._era, self._seen_on = era, today.day
            self.total = self._sum(era, today)
        return self.total

    def row(self, day: int, era: str) -> Row:
        """Return where counts of that day and live version are added."""
        row = self.rows.get((day, era))
        if row is None:
            row = Row(self.name, (day, era), len(self.total))
            self.rows[day, era] = row
        return row

    def fold(self, today: Today) -> None:
        """Forget of which day old counts are, as far as nobody is to be told of it."""
        old = [at for at, row in self.rows.items() if row.is_old(today)]
        if not old:
            return
        faded = today.worth(self._known_on)
        known = {era: [faded * n for n in some] for era, some in self._known.items()}
        for day, era in old:
            tally = known.setdefault(era, [0.0] * len(self.total))
            add(tally, self.rows.pop((day, era)).now, today.worth(day))
        self._known, self._known_on = known, today.day

    def _sum(self, era: str, today: Today) -> Tally:
        total = [0.0] * len(self.total)
        faded = today.worth(self._known_on)
        for name, tally in self._known.items():
            add(total, tally, faded * (1.0 if name == era else OTHER_ERA))
        for (day, name), row in self.rows.items():
            worth = today.worth(day)
            add(total, row.now, worth * (1.0 if name == era else OTHER_ERA))
        return total
