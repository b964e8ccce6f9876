"""What a worker shows of itself: some lines that stay fresh, or a line of JSON each time."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec
import typer
from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from shadow_middleware.cli.screen import COLOURS

if TYPE_CHECKING:
    from shadow_middleware.worker.worker import Status

__all__ = ["Screen"]

FORMAT: Final = "shadow-middleware/worker/1"
_FEW: Final = 16
"""Partitions that are named one by one."""


class Screen:
    """Shows statuses: results go to stdout, what only a person reads to stderr."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._live: Live | None = None
        self._before: tuple[float, int] | None = None

    def show(self, status: Status) -> None:
        """Show how it stands."""
        if self._as_json:
            self._print("status", status)
        elif sys.stderr.isatty():
            if self._live is None:
                self._live = Live(console=self._console, auto_refresh=False)
                self._live.start()
            self._live.update(self._grid(status), refresh=True)

    def note(self, words: str) -> None:
        """Say something to a person."""
        if not self._as_json:
            self._console.print(Text(words))

    def close(self) -> None:
        """Show nothing fresh any more."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def end(self, status: Status, seconds: float) -> None:
        """Show how it ended."""
        if self._as_json:
            self._print("end", status)
            return
        said = f"{status.ended:,} exchanges in {seconds:,.0f} s"
        if status.outcomes:
            said += ": " + ", ".join(one.plain for one in _each(status))
        typer.echo(said)
        if status.fate_unknown:
            typer.echo(
                f"{status.fate_unknown:,} writes were not sent again: another worker may "
                "have sent them"
            )

    def _print(self, event: str, status: Status) -> None:
        data = {"format": FORMAT, "event": event, "at": round(time.time(), 3)}
        typer.echo(json.dumps({**data, **msgspec.to_builtins(status)}))

    def _grid(self, status: Status) -> Table:
        """Return what fits any width: a name, and what is to be said of it."""
        grid = Table.grid(padding=(0, 2))
        for name, value in self._lines(status):
            grid.add_row(Text(name, "bold"), value)
        return grid

    def _lines(self, status: Status) -> Iterator[tuple[str, RenderableType]]:
        yield "partitions", _partitions(status)
        done = f"{status.ended:,} ended · {status.under_way:,} under way"
        yield "exchanges", Text(f"{done} · {self._rate(status):,.0f}/s")
        if not status.broker:
            yield "broker", Text("is away; it is tried again", "yellow")
        elif status.waiting is not None:
            size = (status.waiting_bytes or 0) / 1024 / 1024
            yield "broker", Text(f"{status.waiting:,} messages wait ({size:,.1f} MiB)")
        if status.outcomes:
            yield "outcomes", Columns(_each(status), padding=(0, 2))
        if status.fate_unknown:
            yield "unknown", Text(f"{status.fate_unknown:,} writes, not sent again")
        if status.expired:
            yield "expired", Text(f"{status.expired:,} waited for too long", "yellow")
        if status.shifts > 1:
            again = "what was not written is done over"
            times = "once" if status.shifts == 2 else f"{status.shifts - 1:,} times"
            yield "anew", Text(f"{times}; {again}", "yellow")

    def _rate(self, status: Status) -> float:
        now = time.monotonic()
        before, self._before = self._before, (now, status.ended)
        if before is None or now <= before[0]:
            return 0.0
        return (status.ended - before[1]) / (now - before[0])


def _partitions(status: Status) -> Text:
    """Say which are ours, as long as they fit a line."""
    ours = status.partitions
    text = Text(f"{len(ours)} of {status.of}")
    if not ours:
        return text.append("; waiting for its share")
    return text.append(": " + ", ".join(map(str, ours)) if len(ours) <= _FEW else "")


def _each(status: Status) -> list[Text]:
    """Return every outcome with its number, the most frequent first."""
    found = sorted(status.outcomes.items(), key=lambda one: (-one[1], one[0]))
    return [
        Text(f"{number:,} {name.replace('_', ' ')}", COLOURS.get(name, ""))
        for name, number in found
    ]
