"""What a worker shows of itself: a line that stays fresh, or a line of JSON each time."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Final

import msgspec
import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from shadow_middleware.cli.screen import COLOURS

if TYPE_CHECKING:
    from shadow_middleware.worker.worker import Status

__all__ = ["Screen"]

FORMAT: Final = "shadow-middleware/worker/1"


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
            self._live.update(self._text(status), refresh=True)

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
            said += ": " + _outcomes(status).plain
        typer.echo(said)
        if status.fate_unknown:
            typer.echo(
                f"{status.fate_unknown:,} writes were not sent again: another worker may "
                "have sent them"
            )

    def _print(self, event: str, status: Status) -> None:
        data = {"format": FORMAT, "event": event, "at": round(time.time(), 3)}
        typer.echo(json.dumps({**data, **msgspec.to_builtins(status)}))

    def _text(self, status: Status) -> Text:
        text = Text()
        if not status.broker:
            text.append("the broker is away; it is tried again\n", "yellow")
        ours = len(status.partitions)
        text.append(f"{ours} of {status.of} partitions", "bold")
        text.append(f" · {self._rate(status):,.0f}/s · {status.under_way:,} under way")
        if status.waiting is not None:
            size = (status.waiting_bytes or 0) / 1024 / 1024
            text.append(f" · {status.waiting:,} at the broker ({size:,.1f} MiB)")
        text.append(f"\n{status.ended:,} ended  ").append_text(_outcomes(status))
        return text

    def _rate(self, status: Status) -> float:
        now = time.monotonic()
        before, self._before = self._before, (now, status.ended)
        if before is None or now <= before[0]:
            return 0.0
        return (status.ended - before[1]) / (now - before[0])


def _outcomes(status: Status) -> Text:
    text = Text()
    for name, number in status.outcomes.items():
        text.append(", " if text else "")
        text.append(f"{number:,} {name.replace('_', ' ')}", COLOURS.get(name, ""))
    return text
