"""`shadow-middleware dashboard`: the evidence in a browser."""

from __future__ import annotations

import os
import secrets
from contextlib import closing, suppress
from typing import Annotated

import typer

from shadow_middleware.cli.evidence import open_store, settings_of
from shadow_middleware.cli.options import ConfigFile, StoreUrl
from shadow_middleware.cli.serving import address_of, check_reach, listening
from shadow_middleware.cli.verdict_policy import policy_of
from shadow_middleware.errors import MissingExtraError

__all__ = ["EPILOG", "TOKEN", "dashboard"]

TOKEN = "SHADOW_MIDDLEWARE_DASHBOARD_TOKEN"
"""The environment variable that the token is taken from."""
EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware dashboard"
    "\n\n"
    "  shadow-middleware dashboard --store sqlite:///shadow.db --port 9000"
    "\n\n"
    f"  {TOKEN}=… shadow-middleware dashboard --host 0.0.0.0"
)


def dashboard(
    store: StoreUrl = None,
    config: ConfigFile = None,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help=f"Where to listen. Beyond loopback {TOKEN} has to be set.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65_535, help="0 is any that is free."),
    ] = 8765,
) -> None:
    """
    Show the evidence in a browser, until Ctrl-C.

    Only this machine can reach it, and only with a token: the one in
    `SHADOW_MIDDLEWARE_DASHBOARD_TOKEN`, or a new one. The link that is printed signs
    in once.
    """
    try:
        import uvicorn

        from shadow_middleware.dashboard.app import SCREENS, serve_pages
        from shadow_middleware.dashboard.readiness import alone
    except ImportError as error:
        raise MissingExtraError("dashboard", "the dashboard") from error
    from shadow_middleware.api.access import Access
    from shadow_middleware.api.opened import Opened
    from shadow_middleware.reading.remembering import OVERLOADED

    given = os.environ.get(TOKEN, "")
    check_reach(host, given, TOKEN)
    settings = settings_of(store, config)
    with open_store(settings):
        pass  # a mistyped store is said here, and not by every page
    access = Access(given or secrets.token_urlsafe())
    evidence = Opened(settings, policy_of(None, config, {}), resting=OVERLOADED)
    config_of = uvicorn.Config(
        serve_pages(evidence, access), log_level="warning", access_log=False
    )
    with listening(host, port) as listener:
        where = address_of(host, listener.getsockname()[1])
        typer.echo(f"Dashboard: {where}/login?code={access.once()}")
        typer.echo(_kept(given))
        with (
            suppress(KeyboardInterrupt),
            closing(evidence),
            alone(SCREENS, evidence),
        ):
            uvicorn.Server(config_of).run(sockets=[listener])


def _kept(given: str) -> str:
    once = "The link signs in once, for twelve hours."
    if given:
        return f"{once} After that: the token in {TOKEN}. Ctrl-C ends it."
    return f"{once} After that: start it again, or set {TOKEN}. Ctrl-C ends it."
