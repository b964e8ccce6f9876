"""Runs the application without a terminal, presses keys and reads the screen."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from shadow_middleware.errors import StoreError
from shadow_middleware.reading import Reading, Triage
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.tui.app import WatchApp
from shadow_middleware.tui.page import Page
from shadow_middleware.tui.source import Source
from shadow_middleware.tui.stored import StoreSource
from tests.tui.evidence import AT

__all__ = ["Away", "Screen", "play", "same_as_kept", "source_over"]

SNAPSHOTS = Path(__file__).parent / "snapshots"
KEEP = "KEEP_SNAPSHOTS"
"""Set to write what is seen instead of comparing it."""
_SIZE = (80, 24)


def source_over(store: SqlStore, since: float | None = None) -> StoreSource:
    """Return a source over the store, with nothing set."""
    return StoreSource(Reading(store), Triage(store), lambda: since)


class Away:
    """A source whose every method fails while `gone` is set; else it is the other."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.gone = ""

    def __getattr__(self, name: str) -> Any:
        if self.gone:

            def fail(*_: object) -> None:
                raise StoreError(self.gone)

            return fail
        return getattr(self._source, name)


class Screen:
    """A running application, its keys and what is on it."""

    def __init__(self, app: WatchApp, pilot: Pilot[None]) -> None:
        self.app = app
        self._pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, each after what the one before began."""
        for key in keys:
            await self._pilot.press(key)
            await self.settle()

    async def type(self, text: str) -> None:
        """Type a text."""
        await self._pilot.press(*("space" if c == " " else c for c in text))

    async def settle(self) -> None:
        """Wait until nothing is read, no message waits and the picture stands still."""
        quiet, before = 0, ""
        while quiet < 3:  # what ends may begin something else
            await self._pilot.pause()
            if not all(worker.is_finished for worker in self.app.workers):
                await self.app.workers.wait_for_complete()
                quiet = 0
            # Where the machine is busy, Textual takes a process that waits for one
            # that has nothing to do: so what it may still have to do is looked at.
            nodes = (self.app, *self.app.screen.walk_children(with_self=True))
            idle = not any(node.message_queue_size for node in nodes)
            idle = idle and not any(map(_is_to_be_drawn, nodes))
            quiet = quiet + 1 if idle and before == self.text else 0
            before = self.text

    async def tick(self) -> None:
        """Let the time for another reading come."""
        self.app.tick()
        await self.settle()

    async def resize(self, width: int, height: int) -> None:
        """Make the terminal another size."""
        await self._pilot.resize_terminal(width, height)
        await self.settle()

    @property
    def lines(self) -> list[str]:
        """What is seen, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(part.text for part in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        """What is seen, as one text."""
        return "\n".join(self.lines)

    @property
    def colours(self) -> set[str]:
        """All colours but the terminal's own."""
        strips = self.app.screen._compositor.render_strips()
        styles = [part.style for strip in strips for part in strip if part.style]
        colours = {one for style in styles for one in (style.color, style.bgcolor)}
        return {one.name for one in colours if one} - {"default"}

    @property
    def page(self) -> Page:
        """The page on top."""
        assert isinstance(self.app.screen, Page)
        return self.app.screen


def _is_to_be_drawn(node: Any) -> bool:
    """Tell whether Textual draws it with the next beat of its timer, 60 a second."""
    flags = ("layout", "repaint", "scroll", "recompose")
    return bool(getattr(node, "_dirty_widgets", ())) or any(
        getattr(node, f"_{flag}_required", False) for flag in flags
    )


def play(
    source: Any,
    story: Callable[[Screen], Awaitable[None]],
    *,
    size: tuple[int, int] = _SIZE,
    now: Callable[[], float] = lambda: AT,
) -> None:
    """Run a story on a screen. Time for another reading comes when the story says so."""

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[Screen]:
        app = WatchApp(source, 3600.0, now)
        async with app.run_test(size=size) as pilot:
            screen = Screen(app, pilot)
            await screen.settle()
            yield screen

    async def whole() -> None:
        async with running() as screen:
            await story(screen)

    asyncio.run(whole())


def same_as_kept(name: str, seen: str) -> None:
    """Compare a screen with the one that is kept, or keep it where that is asked for."""
    file = SNAPSHOTS / f"{name}.txt"
    if os.environ.get(KEEP):
        file.write_text(f"{seen}\n", "utf-8")

    kept = file.read_text("utf-8")
    assert kept == f"{seen}\n", f"{name}, as it is:\n{seen}\nas it was kept:\n{kept}"
