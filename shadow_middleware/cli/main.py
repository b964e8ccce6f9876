"""The entry point: `shadow-middleware COMMAND`, one file per command."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import shadow_middleware
from shadow_middleware.cli import (
    agent,
    capture,
    coverage,
    dashboard,
    db,
    demo,
    divergences,
    export,
    groups,
    noise,
    purge,
    recheck,
    replay,
    report,
    rules,
    runs,
    switch,
    targets,
    verdict,
    watch,
    worker,
)
from shadow_middleware.errors import ShadowMiddlewareError

__all__ = ["app", "main"]


class _Commands(TyperGroup):
    """Turns our errors, and a full disk, into one line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ShadowMiddlewareError as error:
            typer.echo(f"shadow-middleware: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            typer.echo(f"shadow-middleware: {error.strerror}", err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    cls=_Commands,
    name="shadow-middleware",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "New here? Run:  shadow-middleware demo"
        "\n\n"
        "Exit codes: 0 fine or promote · 1 do not promote · 2 wrong usage, "
        "configuration or store · 3 not enough evidence"
    ),
)

app.command("demo", epilog=demo.EPILOG)(demo.demo)
app.command("report", epilog=report.EPILOG)(report.report)
app.add_typer(groups.app, name="groups")
app.add_typer(divergences.app, name="divergences")
app.command("verdict", epilog=verdict.EPILOG)(verdict.verdict)
app.command("watch", epilog=watch.EPILOG)(watch.watch)
app.command("dashboard", epilog=dashboard.EPILOG)(dashboard.dashboard)
app.add_typer(export.app, name="export")
app.command("coverage", epilog=coverage.EPILOG)(coverage.coverage)
app.add_typer(targets.app, name="targets")
app.command("switch", epilog=switch.EPILOG)(switch.switch)
app.command("replay", epilog=replay.EPILOG)(replay.replay)
app.add_typer(runs.app, name="runs")
app.command("recheck", epilog=recheck.EPILOG)(recheck.recheck)
app.add_typer(capture.app, name="capture")
app.add_typer(noise.app, name="noise")
app.add_typer(rules.app, name="rules")
app.command("agent", epilog=agent.EPILOG)(agent.agent)
app.command("worker", epilog=worker.EPILOG)(worker.worker)
app.command("purge", epilog=purge.EPILOG)(purge.purge)
app.add_typer(db.app, name="db")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"shadow-middleware {shadow_middleware.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """
    Evidence from real traffic that a rewrite is safe to promote.

    The middleware in your app sends copies of real requests to a shadow and keeps what
    differs. These commands read that evidence; none of them touches a live request.
    """


def main() -> None:
    """Run the command that the arguments name, and exit."""
    if sys.stdout is None:
        # It was closed by whoever started us; what is printed goes nowhere then.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 -- for as long as we run
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows a question mark instead.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    app(prog_name="shadow-middleware")


if __name__ == "__main__":
    main()
