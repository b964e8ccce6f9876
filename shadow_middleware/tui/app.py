"""The application: which screen is on top, and when it reads again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from shadow_middleware.tui.ask import Help
from shadow_middleware.tui.desk import Desk
from shadow_middleware.tui.page import TABS, Page
from shadow_middleware.tui.pages import (
    GroupsPage,
    NoisePage,
    OverviewPage,
    RoutesPage,
)
from shadow_middleware.tui.source import Source
from shadow_middleware.tui.targets import TargetsPage

__all__ = ["WatchApp"]

_PAGES: dict[str, type[Page]] = {
    "Overview": OverviewPage,
    "Groups": GroupsPage,
    "Routes": RoutesPage,
    "Noise": NoisePage,
    "Targets": TargetsPage,
}
_STYLE = """
Screen { background: $background; }
#head { height: 1; padding: 0 1; text-wrap: nowrap; }
#foot { height: 1; padding: 0 1; dock: bottom; text-wrap: nowrap; }
#away { height: auto; max-height: 3; padding: 0 1; text-style: bold reverse; }
#line, #said { height: 1; padding: 0 1; }
#text { padding: 0 1; }
#scroll { height: 1fr; }
Rows { height: 1fr; scrollbar-gutter: stable; overflow-x: hidden; }
VerticalScroll, Rows { scrollbar-size-vertical: 1; }
GroupPage #scroll { height: auto; max-height: 60%; margin-bottom: 1; }
#filter { height: 3; }
DataTable, DataTable:focus { background: $background; background-tint: transparent; }
DataTable > .datatable--cursor { text-style: reverse; background: $background;
    color: $foreground; }
DataTable > .datatable--header { text-style: bold; background: $background; }
Ask, Help { align: center middle; }
#box { width: 64; max-width: 100%; height: auto; border: round $foreground;
    padding: 0 1; background: $background; }
"""


class WatchApp(App[None]):
    """
    Shows a source until somebody quits.

    Args:
        source: Where evidence is read.
        interval: Seconds between two readings.
        now: Seconds since the epoch.
    """

    CSS = _STYLE
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit", show=False),
        Binding("question_mark", "help", "Help", show=False),
        *(
            Binding(str(number), f"page('{name}')", name, show=False)
            for number, name in enumerate(TABS, 1)
        ),
    ]

    def __init__(
        self,
        source: Source,
        interval: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        # Without colours at all the terminal's own are left alone, greys as well.
        super().__init__(ansi_color="NO_COLOR" in os.environ)
        self.title = "shadow-middleware watch"
        self._desk = Desk(source, interval, now)

    def on_mount(self) -> None:
        """Begin with the overview, and read it again and again."""
        self.push_screen(OverviewPage(self._desk))
        self.set_interval(self._desk.interval, self.tick)

    def tick(self) -> None:
        """Read what is on top once more."""
        if isinstance(self.screen, Page):
            self.screen.tick()

    async def action_page(self, name: str) -> None:
        """Open one of the five screens; those above it are left."""
        while len(self.screen_stack) > 2:
            await self.pop_screen()
        await self.switch_screen(_PAGES[name](self._desk))

    async def action_leave(self) -> None:
        """Return to the screen before; from one of the five to the overview."""
        if len(self.screen_stack) > 2:
            await self.pop_screen()
        elif not isinstance(self.screen, OverviewPage):
            await self.switch_screen(OverviewPage(self._desk))

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(Help())
