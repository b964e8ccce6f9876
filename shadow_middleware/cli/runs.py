"""`shadow-middleware runs`: offline replays, listed, looked at, compared and removed."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from shadow_middleware.cli.evidence import holdings, judged, open_store, settings_of
from shadow_middleware.cli.naming import one_run
from shadow_middleware.cli.options import (
    ConfigFile,
    Format,
    JsonOutput,
    StoreUrl,
    format_of,
)
from shadow_middleware.cli.runs_screen import show_diff, show_run, show_runs
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.cli.verdict_policy import policy_of
from shadow_middleware.reading.runs import RunRow, difference, rows_of_runs
from shadow_middleware.report.run_diff_text import diff_junit, diff_markdown
from shadow_middleware.report.summary import summarise
from shadow_middleware.report.verdict import verdict as judge

__all__ = ["app"]

app = typer.Typer(
    help="Offline replays: list them, look at one, compare two, remove one.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="Its id in `runs list`, the beginning of it, or its name."
    ),
]


@app.command("list", epilog="Example:\n\n  shadow-middleware runs list")
def list_runs(
    store: StoreUrl = None,
    config: ConfigFile = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 20,
    as_json: JsonOutput = False,
) -> None:
    """List offline replays, the latest first."""
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        every = opened.runs()
        rows = rows_of_runs(opened, every[:limit], settings)
    if as_json:
        shown = [_as_json(row) for row in rows]
        print_json("runs", {"total": len(every), "runs": shown})
    else:
        show_runs(console(), rows, len(every))


@app.command("show", epilog="Example:\n\n  shadow-middleware runs show 3f2a")
def show(
    run: RunName,
    store: StoreUrl = None,
    config: ConfigFile = None,
    as_json: JsonOutput = False,
) -> None:
    """Show one run: what was asked, what became of it, and the verdict."""
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        found = one_run(opened, run)
        [row] = rows_of_runs(opened, [found], settings)
        view = opened.of_run(found.id)
        held = holdings(view, None, None, None, settings)
        summary = summarise(held)
        verdict = judge(judged(view, held, None), policy_of(None, config, {}))
    if as_json:
        data = {"report": summary, "verdict": verdict}
        print_json("run", {**_as_json(row), **msgspec.to_builtins(data)})
    else:
        show_run(console(), row, summary, verdict)


@app.command(
    "diff",
    epilog=(
        "Examples:\n\n  shadow-middleware runs diff main branch\n\n"
        "  shadow-middleware runs diff 3f2a 9c10 --format markdown >> $GITHUB_STEP_SUMMARY"
        "\n\nExit codes: 0 nothing broke · 1 something broke · 2 usage, configuration or "
        "store · 3 no route was compared in both"
    ),
)
def diff(
    before: Annotated[
        str, typer.Argument(metavar="BEFORE", help="A run, as `runs show` takes it.")
    ],
    after: Annotated[
        str, typer.Argument(metavar="AFTER", help="The run that is held against it.")
    ],
    store: StoreUrl = None,
    config: ConfigFile = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="How to print it. [default: text]"),
    ] = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Say what the second run fixed and broke beside the first.

    Groups are compared, and routes that fail. What one of the runs has not compared
    says nothing: it is listed apart. Groups that are ignored, or noise, do not count.
    """
    chosen = format_of(form, as_json)
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        one, other = one_run(opened, before), one_run(opened, after)
        found = difference(opened, one, other, settings)
    match chosen:
        case Format.JSON:
            data = msgspec.to_builtins(found)
            ids = {"before": one.id, "after": other.id, "exit_code": found.exit_code}
            print_json("runs-diff", {**ids, **data})
        case Format.MARKDOWN:
            typer.echo(diff_markdown(one, other, found), nl=False)
        case Format.JUNIT:
            typer.echo(diff_junit(one, other, found), nl=False)
        case Format.TEXT:
            show_diff(console(), one, other, found)
    raise typer.Exit(found.exit_code)


@app.command("remove", epilog="Example:\n\n  shadow-middleware runs remove 3f2a")
def remove(
    run: RunName,
    store: StoreUrl = None,
    config: ConfigFile = None,
    as_json: JsonOutput = False,
) -> None:
    """Remove a run with all its evidence; what was decided of groups stays."""
    with open_store(settings_of(store, config)) as opened:
        found = one_run(opened, run)
        opened.remove_run(found.id)
    if as_json:
        print_json("run-removed", {"removed": found.id})
    else:
        typer.echo(f"Removed run {found.id}.")


def _as_json(row: RunRow) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(row)
    return {**data.pop("run"), **data}
