"""The screen of targets: how each stands, and whether it and all of them get copies."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from shadow_middleware.report.search import in_target
from shadow_middleware.report.standing import (
    set_in_words,
    standing_in_words,
    tone_of,
)
from shadow_middleware.report.targets import TargetState
from shadow_middleware.targets import Why
from shadow_middleware.tui.desk import Desk
from shadow_middleware.tui.listing import WINDOW, Listing, Window
from shadow_middleware.tui.pages import GroupsPage
from shadow_middleware.tui.query import words_of
from shadow_middleware.tui.words import HEAD, one_line, share, shown

__all__ = ["TargetsPage"]

_STYLES = {"good": "green", "quiet": "", "warn": "yellow", "bad": "red"}
_OFF = "The switch is off: no copy is made."


class TargetsPage(Listing):
    """Every target, and what the last minutes say of it."""

    TAB = "Targets"
    KEYS = "Enter groups  / filter  e enable or disable  X stop all copies"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "enable", "Enable or disable", show=False),
        Binding("X", "turn", "Stop all copies", show=False),
    ]
    HEADS = ("gets", "answered", "failed", "not sent", "target")
    TALL = 2
    EMPTY = "No target yet: nothing was mirrored to any."

    def __init__(self, desk: Desk, filter_text: str = "") -> None:
        super().__init__(desk, filter_text)
        self._on = True

    def read_window(self, offset: int) -> Window:
        """Return the targets that the filter means."""
        found = self.desk.source.targets()
        words = words_of(self.filter_text)
        rows = [one for one in found.items if in_target(words, one.target, one.address)]
        self._on = found.switch.on
        reason = f" ({found.switch.reason})" if found.switch.reason else ""
        note = "counts of the last minutes" if self._on else f"{_OFF}{reason}"
        return Window(offset, rows[offset : offset + WINDOW], len(rows), note)

    def cells(self, row: TargetState) -> Sequence[Text]:
        """Return one target."""
        stated, breaker = row.stated, row.breaker
        gets = "-"
        if stated is not None:
            gets = share(stated.rate) if stated.enabled else "nothing"
        figures = (breaker.answered, breaker.failed, breaker.not_sent)
        name = one_line(row.target, HEAD)
        name.append_text(one_line(f"  {row.address}", "not bold"))
        return (
            Text(gets, justify="right"),
            *(Text(f"{figure:,}", justify="right") for figure in figures),
            Text("\n").join([name, _stands(row)]),
        )

    def key(self, row: TargetState) -> str:
        """Return its name."""
        return row.target

    def open(self, row: TargetState) -> None:
        """Open the groups of the target, whatever their state."""
        self.app.push_screen(GroupsPage(self.desk, f"state:all {row.target}"))

    def action_enable(self) -> None:
        """Disable what the cursor is on, or enable it, where that is meant."""
        row: TargetState | None = self.selected()
        if row is None:
            return
        why = row.standing.why if row.standing else Why.NOTHING
        on = why in (Why.DISABLED, Why.GONE, Why.FAILING)
        about = f"{row.target}\n{row.address}"
        question = "Enable this target?" if on else "Disable this target?"
        self.ask(
            question, shown(about), functools.partial(self._enable, row.target, on)
        )

    def _enable(self, name: str, on: bool, note: str) -> str:
        self.desk.source.enable(name, on, note)
        return "Enabled." if on else "Disabled: it gets no copies."

    def action_turn(self) -> None:
        """Turn the switch over all targets, where that is meant."""
        on = not self._on
        question = "Make copies again?" if on else "Stop all copies, on every host?"
        about = Text("It holds for every target, within two seconds.")
        self.ask(question, about, functools.partial(self._turn, on))

    def _turn(self, on: bool, reason: str) -> str:
        self.desk.source.turn(on, reason)
        return "Copies are made again." if on else "All copies stop."


def _stands(row: TargetState) -> Text:
    if row.standing is None:
        return Text("known by its evidence alone")
    words = one_line(standing_in_words(row.standing), _STYLES[tone_of(row.standing)])
    stored = row.standing.stored
    if stored is not None:
        said = "; ".join(set_in_words(stored))
        note = f" “{stored.note}”" if stored.note else ""
        words.append_text(one_line(f"  {said}{note}" if said or note else ""))
    return words
