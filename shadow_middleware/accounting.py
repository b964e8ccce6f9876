"""The account of an agent: what each session selected, and what of it has ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import msgspec

from shadow_middleware.evidence import Batch, Progress, Settlement

__all__ = ["Account"]


class Account:
    """How far each session has come with each target, since the last batch."""

    def __init__(self, targets: tuple[str, ...], clock: Callable[[], float]) -> None:
        self._targets = targets
        self._clock = clock
        self._selected: dict[str, int] = {}
        self._ended: Counter[tuple[str, str]] = Counter()
        self._settlements: list[Settlement] = []
        self._changed: set[str] = set()
        self._gone: set[str] = set()
        self._begun: dict[str, int] = {}
        self._handed: dict[str, int] = {}
        self._added: set[str] = set()
        self._has_begun = False
        self._left: dict[str, dict[str, int]] = {}
        """Of targets that went: what each session has told of itself since."""
        self._selected_at: dict[str, int] = {}
        self.totals: Counter[str] = Counter()
        """Replays ended so far, by session."""
        self.all_selected = 0
        """Exchanges selected for this agent so far, by whatever session."""
        self.all_ended: Counter[str] = Counter()
        """Replays ended so far, by target."""

    def ended(self, session: str, target: str, number: int) -> None:
        """Take note of replays that ended."""
        self._ended[session, target] += number
        self.totals[session] += number
        self.all_ended[target] += number
        self._changed.add(session)

    def begin(self, session: str, handed: int, selected: int) -> None:
        """Take note of a session that comes, and of what it gave to earlier agents."""
        self._has_begun = True
        self._begun[session] = self._handed[session] = handed
        self._note(session, selected)
        if handed:
            self.settle(session, handed)

    def selected(self, session: str, number: int) -> None:
        """Take note of a session's own total, as a batch tells it."""
        # Not as a hello tells it: what it speaks of may still wait on the other side.
        begun = self._begun.get(session, 0)
        self._begun[session] = max(number, begun)
        self.all_selected += max(0, number - begun)
        self._note(session, number)

    def _note(self, session: str, number: int) -> None:
        self._gone.discard(session)
        if self._selected.get(session, -1) < number:
            self._selected[session] = number
            self._changed.add(session)

    def settle(self, session: str, handed: int) -> None:
        """Ask the store to settle what earlier agents of a session left undone."""
        minute = int(self._clock() // 60)
        self._settlements += [
            Settlement(session, target, handed, minute, opens=target in self._added)
            for target in self._targets
        ]

    # --- targets that come and go ---------------------------------------------------

    def come(self, target: str, *, first: bool) -> None:
        """
        Open the account of a target: what was selected before is none of its.

        Args:
            target: Its name. It is one that run time has added.
            first: Whether this agent knows of it since its own beginning, so that an
                earlier agent may have had it already.
        """
        self._targets = (*self._targets, target)
        self._added.add(target)
        left = self._left.pop(target, {})
        minute = int(self._clock() // 60)
        for session, begun in self._begun.items():
            known = left.get(session, 0)
            if first and (known := self._handed[session]):
                self._settlements.append(
                    Settlement(session, target, known, minute, opens=True)
                )
            self._ended[session, target] += begun - known
            self._changed.add(session)
        still_open = self._selected_at.pop(target, 0) - self.all_ended[target]
        self.all_ended[target] = self.all_selected - max(0, still_open)

    def go(self, target: str) -> None:
        """Close the account of a target: what is selected from now on is none of its."""
        self._targets = tuple(name for name in self._targets if name != target)
        self._left[target] = dict(self._selected)
        for session, told in self._selected.items():
            # What a hello has spoken of may still wait on the other side.
            self._ended[session, target] += told - self._begun.get(session, told)
            self._changed.add(session)
        self._selected_at[target] = self.all_selected

    def _open_accounts(self, session: str) -> Iterator[tuple[str, int]]:
        """Yield the targets that a session has to do with, and what it selected."""
        selected = self._selected.get(session, 0)
        for target in self._targets:
            # Where no session ever begins, nobody knows when a target came.
            if self._has_begun or target not in self._added:
                yield target, selected
        for target, told in self._left.items():
            # Who comes next is to see that what was selected meanwhile is none of its.
            if session in told:
                self._ended[session, target] += selected - told[session]
                told[session] = selected
            if (session, target) in self._ended:
                yield target, selected

    def leave(self, session: str) -> None:
        """Take note that a session has gone; it is forgotten when it is silent."""
        self._gone.add(session)

    def complete(self, batch: Batch) -> Batch:
        """Return the batch with all that is to be told of sessions."""
        now = self._clock()
        progress = [
            Progress(session, target, selected, self._ended[session, target], now)
            for session in sorted(self._changed)
            for target, selected in self._open_accounts(session)
        ]
        settlements, self._settlements = self._settlements, []
        self._forget(self._gone - self._changed)
        self._ended.clear()
        self._changed.clear()
        return msgspec.structs.replace(
            batch, progress=progress, settlements=settlements
        )

    def _forget(self, sessions: set[str]) -> None:
        # One that ends a late replay even so is told of again: the store keeps the
        # highest number that was selected, and adds up what has ended.
        for session in sessions:
            self._selected.pop(session, None)
            self._begun.pop(session, None)
            self._handed.pop(session, None)
            self.totals.pop(session, None)
            for told in self._left.values():
                told.pop(session, None)
        self._gone -= sessions
