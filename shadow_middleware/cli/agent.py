"""`shadow-middleware agent`: one agent for all live processes of a host."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["EPILOG", "agent"]

EPILOG = (
    "Example:"
    "\n\n"
    "  shadow-middleware agent --listen unix:/run/shadow/agent.sock"
    "\n\n"
    'and in every app: ShadowMiddleware(app, engine="unix:/run/shadow/agent.sock", …)'
)


def agent(
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            metavar="unix:PATH",
            help="The Unix socket to listen on. Only the same user can connect.",
        ),
    ],
    nice: Annotated[
        int,
        typer.Option(
            min=0,
            max=19,
            help="Steps by which its priority is below what it was started with: the "
            "apps get the processor first. 0 leaves it.",
        ),
    ] = 10,
) -> None:
    """
    Run one agent that all live processes of this host share, until SIGTERM.

    Without it every live process starts an agent of its own, which is fine for most.
    The agent replays, compares and records; each app brings its own settings.
    """
    from shadow_middleware.agent import serve

    raise typer.Exit(serve(listen, nice=nice))
