"""A list that may be long: a window of it at a time, and a filter."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar

import msgspec
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DataTable, Input, Static

from shadow_middleware.tui.desk import Desk
from shadow_middleware.tui.page import Page
from shadow_middleware.tui.words import DIM, one_line

__all__ = ["WINDOW", "Listing", "Rows", "Window"]

WINDOW = 100
"""Rows that are held and drawn at once; the source is asked for the others."""


class Window(msgspec.Struct, frozen=True):
    """Some rows of a list."""

    offset: int
    rows: Sequence[Any]
    total: int
    note: str = ""


class Rows(DataTable[Text]):
    """A table whose cursor goes on where its rows end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "step(1)", show=False),
        Binding("k,up", "step(-1)", show=False),
        Binding("pagedown,space", "leap(1)", show=False),
        Binding("pageup", "leap(-1)", show=False),
        Binding("g,home", "edge(False)", show=False),
        Binding("G,end", "edge(True)", show=False),
    ]

    class Moved(Message):
        """The cursor is wanted so many rows from where it is."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    FAR: ClassVar[int] = 10**9
    """Further than any list is long."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=False)
        self.tall = 1

    def action_step(self, by: int) -> None:
        """Move by one row."""
        self.post_message(self.Moved(by))

    def action_leap(self, by: int) -> None:
        """Move by as many rows as can be seen."""
        seen = max(1, (self.size.height - self.header_height) // self.tall)
        self.post_message(self.Moved(by * seen))

    def action_edge(self, last: bool) -> None:
        """Move to the first row or the last one."""
        self.post_message(self.Moved(self.FAR if last else -self.FAR))

    def put(
        self, heads: Sequence[str], rows: Sequence[Sequence[Text]], at: int
    ) -> None:
        """Show these rows with the cursor at one of them; the last column fills."""
        self.clear(columns=True)
        fixed = _widths(heads, rows)
        room = max(20, self.size.width - sum(fixed) - 2 * len(heads) - 1)
        for name, width in zip(heads, [*fixed, room], strict=True):
            self.add_column(Text(name), width=width)
        for cells in rows:
            self.add_row(*cells[:-1], _fitted(cells[-1], room), height=self.tall)
        self.move_cursor(row=at)


def _widths(heads: Sequence[str], rows: Sequence[Sequence[Text]]) -> list[int]:
    """Return how wide all columns but the last are."""
    return [
        max([len(head), *(row[at].cell_len for row in rows)])
        for at, head in enumerate(heads[:-1])
    ]


def _fitted(text: Text, room: int) -> Text:
    """Return the text with each line cut to the room that there is."""
    cut = text.split("\n")
    for line in cut:
        line.truncate(room, overflow="ellipsis")
    return Text("\n").join(cut)


class Listing(Page):
    """A page with a list, its filter, and what Enter opens."""

    KEYS = "Enter open  / filter  j k g G move"
    HEADS: ClassVar[tuple[str, ...]] = ()
    TALL: ClassVar[int] = 1
    EMPTY: ClassVar[str] = ""
    """What is said where nothing is listed without a filter."""
    HINT: ClassVar[str] = "words to look for; nothing shows all"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", show=False)
    ]

    def __init__(self, desk: Desk, filter_text: str = "") -> None:
        super().__init__(desk)
        self.filter_text = filter_text
        self.window = Window(0, (), 0)
        self._at = 0
        """Where the cursor is in the whole list."""
        self._follows = True
        """Whether the cursor stays on its row with the next reading."""
        self._shown: object = None
        """What the table was built of, so that it is built anew only for something."""

    @abstractmethod
    def read_window(self, offset: int) -> Window:
        """Return `WINDOW` rows from `offset` on. On a worker thread."""

    @abstractmethod
    def cells(self, row: Any) -> Sequence[Text]:
        """Return one row, a cell for each of `HEADS`."""

    @abstractmethod
    def key(self, row: Any) -> object:
        """Return what the row is known by, however the list changes around it."""

    @abstractmethod
    def open(self, row: Any) -> None:
        """Open what the row stands for."""

    def content(self) -> ComposeResult:
        """Compose the list, the line below it and the filter."""
        table = Rows("rows")
        table.tall = self.TALL
        yield table
        yield Static(id="line", markup=False)
        yield Input(id="filter", placeholder=self.HINT, select_on_focus=False)

    def on_mount(self) -> None:
        """Begin with the list."""
        self.query_one("#filter").display = False
        self.query_one(Rows).focus()

    # --- reading --------------------------------------------------------------------

    def read(self) -> Window:
        """Return the window that the cursor is in, or the last one there is."""
        offset = self._at // WINDOW * WINDOW
        found = self.read_window(offset)
        if not found.rows and found.total:
            return self.read_window((found.total - 1) // WINDOW * WINDOW)
        return found

    def question(self) -> Hashable:
        """Return the list, its filter and which window of it is meant."""
        return self.TAB, self.filter_text, self._at // WINDOW

    def draw(self, data: Window) -> None:
        """Show the window; the cursor stays on the row that it is on."""
        before = self.selected()
        moved = data.offset != self.window.offset
        self.window = data
        if before is not None and self._follows and not moved:
            keys = [self.key(row) for row in data.rows]
            if self.key(before) in keys:
                self._at = data.offset + keys.index(self.key(before))
        self._follows = True
        self._at = min(max(self._at, 0), max(0, data.total - 1))
        self._put()

    def _put(self) -> None:
        table = self.query_one(Rows)
        data = self.window
        state = (data, table.size.width)
        at = max(0, min(self._at - data.offset, len(data.rows) - 1))
        if state == self._shown:
            table.move_cursor(row=at)
        else:
            self._shown = state
            table.put(self.HEADS, [self.cells(row) for row in data.rows], at)
        self.query_one("#line", Static).update(self._line())

    def _line(self) -> Text:
        data = self.window
        filtered = f"  filter: {self.filter_text}" if self.filter_text else ""
        if not data.total:
            return one_line((f"Nothing fits.{filtered}") if filtered else self.EMPTY)
        here = f"{self._at + 1:,} of {data.total:,}{filtered}"
        return one_line(here) + one_line(f"  {data.note}" if data.note else "", DIM)

    def on_resize(self, event: events.Resize) -> None:
        """Give the last column the room that there is now."""
        if self.read_at is not None:
            self.call_after_refresh(self._put)

    # --- moving ---------------------------------------------------------------------

    def on_rows_moved(self, message: Rows.Moved) -> None:
        """Move the cursor, into another window where it has to."""
        last = max(0, self.window.total - 1)
        self._at = min(max(self._at + message.by, 0), last)
        if 0 <= self._at - self.window.offset < len(self.window.rows):
            self._put()
        else:
            self.reread()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Follow the mouse."""
        if event.data_table.has_focus and self._shown is not None:
            inside = 0 <= self._at - self.window.offset < len(self.window.rows)
            if inside and event.cursor_row == event.data_table.cursor_row:
                self._at = self.window.offset + event.cursor_row
                self.query_one("#line", Static).update(self._line())

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the row."""
        row = self.selected()
        if row is not None:
            self.open(row)

    def selected(self) -> Any:
        """Return the row that the cursor is on; None where there is none."""
        at = self._at - self.window.offset
        rows = self.window.rows
        return rows[at] if 0 <= at < len(rows) else None

    # --- the filter -----------------------------------------------------------------

    def action_filter(self) -> None:
        """Ask for what to look for."""
        field = self.query_one("#filter", Input)
        field.value = self.filter_text
        field.display = True
        field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Show what fits, from its beginning."""
        self._close_filter()
        self.filter_text = event.value.strip()
        self._at = 0
        self._follows = False
        self.reread()

    async def action_back(self) -> None:
        """Close the filter where it is open; else return to the screen before."""
        if self.query_one("#filter").display:
            self._close_filter()
        else:
            await super().action_back()

    def _close_filter(self) -> None:
        self.query_one("#filter").display = False
        self.query_one(Rows).focus()
