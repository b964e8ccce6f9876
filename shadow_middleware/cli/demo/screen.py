"""What the demo prints besides the report and the verdict."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from shadow_middleware.cli.demo.planted import Planted
from shadow_middleware.cli.demo.stage import Stage
from shadow_middleware.cli.screen import bullets, table

__all__ = ["show_planted", "show_serving", "show_start"]


def show_start(console: Console, on_stage: Stage, seconds: float) -> None:
    """Say what runs and what is going to happen."""
    console.print(Text("A shop, its rewrite, and a shadow", style="bold cyan"))
    console.print(
        bullets(
            Text(f"live    {on_stage.live_url}  version 1, mirrored by the middleware"),
            Text(f"shadow  {on_stage.shadow_url}  version 2, the rewrite"),
            Text(f"control {on_stage.control_url}  version 1 again, to measure noise"),
            Text(f"{seconds:g} s of visitors; each GET is replayed to both"),
        )
    )
    console.print()


def show_planted(
    console: Console, planted: Sequence[Planted], found: Sequence[bool]
) -> None:
    """Say of each planted difference whether the evidence shows it."""
    console.print(
        Text.assemble(
            ("Planted in version 2, found in the evidence: ", "bold cyan"),
            (f"{sum(found)} of {len(planted)}", "bold"),
        )
    )
    rows = table("", "planted", "route", "what")
    for one, seen in zip(planted, found, strict=True):
        mark = Text("found", "green") if seen else Text("missed", "bold red")
        rows.add_row(mark, one.name, Text(one.route), Text(one.what))
    console.print(rows)


def show_serving(console: Console, on_stage: Stage, store_url: str) -> None:
    """Say what to try while the demo goes on serving."""
    option = f"--store {store_url}"
    console.print(Text("Still serving. In another terminal:", style="bold cyan"))
    console.print(
        bullets(
            Text(f"curl {on_stage.live_url}/users/7"),
            Text(f"shadow-middleware dashboard {option}"),
            Text(f"shadow-middleware watch {option}"),
            Text(f"shadow-middleware groups list {option}"),
            Text(f"shadow-middleware divergences show 1 {option}"),
            Text(f"shadow-middleware noise list {option}"),
            Text(f"shadow-middleware verdict {option}"),
        )
    )
    console.print("Ctrl-C ends it.")
