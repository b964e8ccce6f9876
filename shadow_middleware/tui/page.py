"""
What every screen does: read on a worker thread, show what came, keep it when none comes.

A worker never touches a widget: it posts what it read, or why it could not.
"""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable, Hashable, Iterator
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import get_current_worker

from shadow_middleware.errors import ShadowMiddlewareError
from shadow_middleware.tui.ask import Ask
from shadow_middleware.tui.desk import Desk, Held
from shadow_middleware.tui.words import DIM, clock, one_line

__all__ = ["TABS", "Page", "TextPage"]

TABS = ("Overview", "Groups", "Routes", "Noise", "Targets")
_GENERAL = "q quit  ? help"
_SAID_FOR = 10.0
"""Seconds for which what was done stays said."""


class Page(Screen[None]):
    """
    A screen that is read again and again.

    `read` runs on a worker thread and returns what `draw` then shows on the loop's.
    """

    TAB: ClassVar[str] = ""
    KEYS: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,b", "back", "Back", show=False),
        Binding("ctrl+l", "again", "Read again", show=False),
    ]

    class Arrived(Message):
        """The source answered."""

        def __init__(self, data: Any) -> None:
            super().__init__()
            self.data = data

    class Away(Message):
        """The source did not answer."""

        def __init__(self, problem: str) -> None:
            super().__init__()
            self.problem = problem

    class Done(Message):
        """Something was done, or could not be."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.read_at: float | None = None
        self._reading = False
        self._said = ("", 0.0)
        """What was done, and when."""

    @abstractmethod
    def content(self) -> ComposeResult:
        """Compose what stands between the head and the foot."""

    @abstractmethod
    def read(self) -> Any:
        """Return what to show, from the source. On a worker thread."""

    @abstractmethod
    def draw(self, data: Any) -> None:
        """Show what was read."""

    @abstractmethod
    def question(self) -> Hashable:
        """Return what is asked; another screen that asks the same shows the same."""

    def compose(self) -> ComposeResult:
        """Compose the frame that all screens have."""
        yield Static(id="head", markup=False)
        yield Static(id="away", markup=False)
        yield from self.content()
        yield Static(id="said", markup=False)
        yield Static(Text(f"{self.KEYS}  {_GENERAL}".strip(), DIM), id="foot")

    def on_mount(self) -> None:
        """Begin to read."""
        self._frame()
        self.reread()

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another screen was on top."""
        self._frame()
        self.tick()

    def tick(self) -> None:
        """Read once more, unless a reading is still under way."""
        if not self._reading:
            self.reread()

    def reread(self) -> None:
        """Read now; what is still under way is not shown any more."""
        self._reading = True
        self.run_worker(self._read, thread=True, exclusive=True, group="read")

    def action_again(self) -> None:
        """Read now."""
        self.reread()

    async def action_back(self) -> None:
        """Return to the screen before."""
        await self.run_action("app.leave")

    def _read(self) -> None:
        worker = get_current_worker()
        try:
            message: Message = self.Arrived(self.read())
        except ShadowMiddlewareError as error:
            message = self.Away(str(error))
        if not worker.is_cancelled:
            self.post_message(message)

    def on_page_arrived(self, message: Arrived) -> None:
        """Show what came."""
        self._reading = False
        self.desk.back()
        self.read_at = self.desk.now()
        self.desk.remember(self.question(), Held(message.data, self.read_at))
        self.draw(message.data)
        self._frame()

    def on_page_away(self, message: Away) -> None:
        """Keep what is shown, or was last, and say since when it stands still."""
        self._reading = False
        self.desk.away(message.problem)
        last = self.desk.last(self.question()) if self.read_at is None else None
        if last is not None:
            self.read_at = last.at
            self.draw(last.data)
        self._frame()

    # --- what is done -----------------------------------------------------------------

    def ask(
        self,
        question: str,
        about: Text,
        act: Callable[[str], str],
        *,
        reason: bool = True,
    ) -> None:
        """
        Do something where it is meant, on a worker thread, and say what came of it.

        Args:
            question: What is asked before.
            about: What it is about.
            act: Is called with the reason that was given and returns what to say.
            reason: Whether a reason is asked for.
        """
        answered = functools.partial(self._answered, act)
        self.app.push_screen(Ask(question, about, reason=reason), answered)

    def _answered(self, act: Callable[[str], str], note: str | None) -> None:
        if note is not None:
            work = functools.partial(self._act, act, note)
            self.run_worker(work, thread=True, group="act")

    def _act(self, act: Callable[[str], str], note: str) -> None:
        try:
            words = act(note)
        except ShadowMiddlewareError as error:
            words = f"Not done: {error}"
        self.post_message(self.Done(words))

    def on_page_done(self, message: Done) -> None:
        """Say what came of it, and show everything as it is now."""
        self._said = message.words, self.desk.now()
        self._frame()
        self.reread()

    # --- the frame --------------------------------------------------------------------

    def _frame(self) -> None:
        banner = self.query_one("#away", Static)
        words = self.desk.banner(self.read_at)
        banner.update(one_line(words))
        banner.display = bool(words)
        said, at = self._said
        line = self.query_one("#said", Static)
        line.update(one_line(said, "bold"))
        line.display = bool(said) and self.desk.now() - at < _SAID_FOR
        self.query_one("#head", Static).update(self._head())

    def _head(self) -> Text:
        head = Text.assemble(*self._tabs())
        read = "reading" if self.read_at is None else f"read {clock(self.read_at)}"
        # The edges of the line take a cell each.
        head.pad_right(max(2, self.app.size.width - 2 - head.cell_len - len(read)))
        return head + Text(read, DIM)

    def _tabs(self) -> Iterator[Text]:
        for number, name in enumerate(TABS, 1):
            here = name == self.TAB
            yield Text(
                f"[{number} {name}]" if here else f" {number} {name} ", "bold" * here
            )


class TextPage(Page):
    """A screen of text that is scrolled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "roll('down')", show=False),
        Binding("k,up", "roll('up')", show=False),
        Binding("pagedown,space", "roll('page_down')", show=False),
        Binding("pageup", "roll('page_up')", show=False),
        Binding("g,home", "roll('home')", show=False),
        Binding("G,end", "roll('end')", show=False),
    ]

    def content(self) -> ComposeResult:
        """Compose one text."""
        yield VerticalScroll(Static(id="text", markup=False), id="scroll")

    def write(self, text: Text) -> None:
        """Show the text; where it was scrolled to stays."""
        self.query_one("#text", Static).update(text)

    def action_roll(self, how: str) -> None:
        """Scroll the text."""
        scroll: Widget = self.query_one("#scroll")
        getattr(scroll, f"scroll_{how}")(animate=False)
