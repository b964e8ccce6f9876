"""One group, and one divergence of it."""

from __future__ import annotations

import functools
from collections.abc import Hashable
from typing import ClassVar

import msgspec
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.reading.knowing import GroupDetail
from shadow_middleware.reading.triage import Job
from shadow_middleware.report.figures import moment
from shadow_middleware.report.groups import expectation
from shadow_middleware.report.rule_text import rule_toml
from shadow_middleware.tui.deciding import CHOICES, GONE, expect, recheck
from shadow_middleware.tui.desk import Desk
from shadow_middleware.tui.divergence_text import divergence_text
from shadow_middleware.tui.group_text import group_text
from shadow_middleware.tui.listing import Rows
from shadow_middleware.tui.page import Page, TextPage
from shadow_middleware.tui.words import one_line, shown

__all__ = ["DivergencePage", "GroupPage"]

_HEADS = ("id", "when (UTC)", "sample")
_SOON = 1.0
"""Seconds until a recheck under way is looked at again."""
_ROOM = 110
"""Columns from which on two answers stand side by side."""


class Found(msgspec.Struct, frozen=True):
    """A group, and what became of its recheck."""

    detail: GroupDetail
    job: Job | None
    obstacle: str = ""
    """Why its samples cannot be sent again from here, as far as that is known."""


class GroupPage(Page):
    """What changed, how often, whether it is noise; its samples; what is decided."""

    TAB = "Groups"
    KEYS = "Enter sample  i r o n s l decide  x expect  c recheck  b back"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "decide('ignore')", "Ignore", show=False),
        Binding("r", "decide('resolve')", "Resolve", show=False),
        Binding("o", "decide('reopen')", "Reopen", show=False),
        Binding("n", "decide('noise')", "Noise", show=False),
        Binding("s", "decide('signal')", "Counts", show=False),
        Binding("l", "decide('learned')", "As learned", show=False),
        Binding("x", "expect", "Expect", show=False),
        Binding("c", "recheck", "Recheck", show=False),
    ]

    def __init__(self, desk: Desk, fingerprint: str) -> None:
        super().__init__(desk)
        self._fingerprint = fingerprint
        self._found: Found | None = None

    def content(self) -> ComposeResult:
        """Compose the text and the samples."""
        scroll = VerticalScroll(Static(id="text", markup=False), id="scroll")
        scroll.can_focus = False
        yield scroll
        yield Rows("samples")

    def on_mount(self) -> None:
        """Begin with the samples."""
        self.query_one(Rows).focus()

    def read(self) -> Found | None:
        """Return the group, and its recheck."""
        # The recheck first: what it says was done is then in the group.
        job = self.desk.source.job(self._fingerprint)
        detail = self.desk.source.group(self._fingerprint)
        if detail is None:
            return None
        return Found(detail, job, self.desk.source.obstacle(detail.row.key.target))

    def question(self) -> Hashable:
        """Return which group is meant."""
        return "group", self._fingerprint

    def draw(self, data: Found | None) -> None:
        """Show the group; the cursor stays where it is."""
        text = Text(GONE) if data is None else group_text(data.detail, data.job)
        self.query_one("#text", Static).update(text)
        before, self._found = self._found, data
        samples = data.detail.samples if data else ()
        if before is None or before.detail.samples != samples:
            self.call_after_refresh(self._put, samples)
        if data and data.job and data.job.running:
            self.set_timer(_SOON, self.tick)

    def _put(self, samples: tuple[StoredDivergence, ...]) -> None:
        table = self.query_one(Rows)
        table.display = bool(samples)
        at = max(0, min(table.cursor_row, len(samples) - 1))
        table.put(_HEADS, [_cells(one) for one in samples], at)

    def on_rows_moved(self, message: Rows.Moved) -> None:
        """Move among the samples, and scroll the text where they end."""
        table = self.query_one(Rows)
        wanted = table.cursor_row + message.by
        table.move_cursor(row=max(0, min(wanted, table.row_count - 1)))
        if wanted < 0:
            self.query_one("#scroll").scroll_up(animate=False)
        elif wanted >= table.row_count:
            self.query_one("#scroll").scroll_down(animate=False)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the sample."""
        samples = self._found.detail.samples if self._found else ()
        if event.cursor_row < len(samples):
            one = samples[event.cursor_row]
            self.app.push_screen(DivergencePage(self.desk, one.id))

    # --- what is decided ------------------------------------------------------------

    def action_decide(self, name: str) -> None:
        """Ask whether it is meant, and why."""
        if self._found is not None:
            choice, what = CHOICES[name], self._found.detail.row.what
            take = functools.partial(choice.take, self.desk.source, self._fingerprint)
            self.ask(choice.question, one_line(what), take)

    def action_expect(self) -> None:
        """Show the rule that calls it intended, and add it where it is meant."""
        rule = expectation(self._found.detail.row) if self._found else None
        if rule is None:
            self.post_message(self.Done("No rule can expect this change."))
            return
        add = functools.partial(expect, self.desk.source, self._fingerprint, rule)
        self.ask("Expect this change from now on?", shown(rule_toml(rule)), add)

    def action_recheck(self) -> None:
        """Send the samples again; what is fixed is resolved."""
        if self._found is not None and self._found.obstacle:
            self.post_message(self.Done(f"Not done: {self._found.obstacle}."))
        elif self._found is not None:
            about = one_line(self._found.detail.row.what)
            question = "Send its samples to the shadow again?"
            self.ask(question, about, lambda _: self._recheck(), reason=False)

    def _recheck(self) -> str:
        return recheck(self.desk.source, self._fingerprint)


def _cells(one: StoredDivergence) -> tuple[Text, Text, Text]:
    record = one.record
    return (
        Text(str(one.id), justify="right"),
        Text(moment(record.at)),
        one_line(f"{record.method} {record.path}"),
    )


class DivergencePage(TextPage):
    """What one divergence is, with both answers compared."""

    TAB = "Groups"
    KEYS = "v other view  f unfold  j k scroll  b back"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "view", "View", show=False),
        Binding("f", "fold", "Fold", show=False),
    ]

    def __init__(self, desk: Desk, number: int) -> None:
        super().__init__(desk)
        self._number = number
        self._whole = False
        self._split: bool | None = None
        """Whether both stand side by side; None is where there is room."""
        self._data: StoredDivergence | None = None

    def read(self) -> StoredDivergence | None:
        """Return the divergence."""
        return self.desk.source.divergence(self._number)

    def question(self) -> Hashable:
        """Return which divergence is meant."""
        return "divergence", self._number

    def draw(self, data: StoredDivergence | None) -> None:
        """Show it for the width that there is."""
        self._data = data
        # Both edges and the bar that scrolls take a column each.
        room = self.app.size.width - 3
        width = room if self._is_split() else None
        shown = data and divergence_text(data, whole=self._whole, split=width)
        self.write(shown or Text(GONE))

    def _is_split(self) -> bool:
        if self._split is None:
            return self.app.size.width >= _ROOM
        return self._split

    def action_view(self) -> None:
        """Show both answers side by side, or one below the other."""
        self._split = not self._is_split()
        self._again()

    def action_fold(self) -> None:
        """Show the lines that are the same, or fold them again."""
        self._whole = not self._whole
        self._again()

    def on_resize(self, event: events.Resize) -> None:
        """Lay out for the new width."""
        self._again()

    def _again(self) -> None:
        if self._data is not None:
            self.draw(self._data)
