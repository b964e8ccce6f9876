"""One group, and one divergence of it."""

from __future__ import annotations

import functools
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import DataTable, Static

from shadow_middleware.errors import ShadowMiddlewareError
from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.knowledge import GroupState
from shadow_middleware.reading.knowing import GroupDetail
from shadow_middleware.report.figures import moment
from shadow_middleware.tui.ask import Ask
from shadow_middleware.tui.desk import Desk
from shadow_middleware.tui.divergence_text import divergence_text
from shadow_middleware.tui.group_text import group_text
from shadow_middleware.tui.listing import Rows
from shadow_middleware.tui.page import Page, TextPage
from shadow_middleware.tui.words import one_line

__all__ = ["DivergencePage", "GroupPage"]

_GONE = "It is not kept any more. Esc goes back."
_HEADS = ("id", "when (UTC)", "sample")
_DONE = {
    GroupState.IGNORED: "Ignored: it no longer counts.",
    GroupState.RESOLVED: "Resolved: seen again, it comes back as regressed.",
    GroupState.OPEN: "Open again: it counts.",
}
_VERBS = {
    GroupState.IGNORED: "Ignore",
    GroupState.RESOLVED: "Resolve",
    GroupState.OPEN: "Reopen",
}


class GroupPage(Page):
    """What changed, how often, whether it is noise; its samples; what is decided."""

    TAB = "Groups"
    KEYS = "Enter sample  i ignore  r resolve  o reopen  b back"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "decide('ignored')", "Ignore", show=False),
        Binding("r", "decide('resolved')", "Resolve", show=False),
        Binding("o", "decide('open')", "Reopen", show=False),
    ]

    class Decided(Message):
        """The source took a decision, or could not."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, desk: Desk, fingerprint: str) -> None:
        super().__init__(desk)
        self._fingerprint = fingerprint
        self._detail: GroupDetail | None = None

    def content(self) -> ComposeResult:
        """Compose the text, the samples and a line for what was decided."""
        scroll = VerticalScroll(Static(id="text", markup=False), id="scroll")
        scroll.can_focus = False
        yield scroll
        yield Rows("samples")
        yield Static(id="line", markup=False)

    def on_mount(self) -> None:
        """Begin with the samples."""
        self.query_one(Rows).focus()

    def read(self) -> GroupDetail | None:
        """Return the group."""
        return self.desk.source.group(self._fingerprint)

    def draw(self, data: GroupDetail | None) -> None:
        """Show the group; the cursor stays where it is."""
        text = Text(_GONE) if data is None else group_text(data)
        self.query_one("#text", Static).update(text)
        before, self._detail = self._detail, data
        samples = data.samples if data else ()
        if before is None or before.samples != samples:
            self.call_after_refresh(self._put, samples)

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
        if self._detail and event.cursor_row < len(self._detail.samples):
            one = self._detail.samples[event.cursor_row]
            self.app.push_screen(DivergencePage(self.desk, one.id))

    # --- what is decided ------------------------------------------------------------

    def action_decide(self, name: str) -> None:
        """Ask whether it is meant, and why."""
        if self._detail is None:
            return
        state = GroupState(name)
        row = self._detail.row
        ask = Ask(f"{_VERBS[state]} this group?", one_line(row.what))
        self.app.push_screen(ask, functools.partial(self._answered, state))

    def _answered(self, state: GroupState, note: str | None) -> None:
        if note is not None:
            work = functools.partial(self._decide, state, note)
            self.run_worker(work, thread=True, group="decide")

    def _decide(self, state: GroupState, note: str) -> None:
        try:
            done = self.desk.source.decide(self._fingerprint, state, note)
        except ShadowMiddlewareError as error:
            self.post_message(self.Decided(f"Not decided: {error}"))
        else:
            self.post_message(self.Decided(_DONE[state] if done else _GONE))

    def on_group_page_decided(self, message: Decided) -> None:
        """Say what became of the decision, and show the group as it is now."""
        self.query_one("#line", Static).update(one_line(message.words))
        self.reread()


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
    KEYS = "f unfold  j k scroll  b back"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "fold", "Fold", show=False),
    ]

    def __init__(self, desk: Desk, number: int) -> None:
        super().__init__(desk)
        self._number = number
        self._whole = False
        self._data: StoredDivergence | None = None

    def read(self) -> StoredDivergence | None:
        """Return the divergence."""
        return self.desk.source.divergence(self._number)

    def draw(self, data: StoredDivergence | None) -> None:
        """Show it."""
        self._data = data
        shown = data and divergence_text(data, whole=self._whole)
        self.write(shown or Text(_GONE))

    def action_fold(self) -> None:
        """Show the lines that are the same, or fold them again."""
        self._whole = not self._whole
        if self._data is not None:
            self.draw(self._data)
