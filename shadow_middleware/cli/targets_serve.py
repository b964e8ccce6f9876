"""`shadow-middleware targets serve`: the small text API of targets, for shells."""

from __future__ import annotations

import os
import secrets
from contextlib import closing, suppress
from typing import Annotated, Final

import typer

from shadow_middleware.cli.evidence import open_store, settings_of
from shadow_middleware.cli.options import ConfigFile, StoreUrl
from shadow_middleware.cli.serving import address_of, check_reach, listening
from shadow_middleware.errors import MissingExtraError

__all__ = ["EPILOG", "TOKEN", "serve"]

TOKEN: Final = "SHADOW_MIDDLEWARE_TARGETS_TOKEN"
"""The environment variable that the token is taken from."""
EPILOG: Final = (
    "Example:"
    "\n\n"
    f"  {TOKEN}=… shadow-middleware targets serve --port 8766"
    "\n\n"
    '  curl -X PUT -H "Authorization: Bearer …" '
    '"http://127.0.0.1:8766/targets?url=http://v2:8000&url=http://v3:8000"'
)


def serve(
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
        int, typer.Option("--port", min=0, max=65_535, help="0 is any that is free.")
    ] = 8766,
) -> None:
    """
    Serve `GET`, `PUT` and `DELETE /targets?url=…&url=…` as plain text, until Ctrl-C.

    Nobody is let in without the token: the one in `SHADOW_MIDDLEWARE_TARGETS_TOKEN`, or a
    new one that is printed. Only URLs that fit `target_allow` can be added.
    """
    try:
        import uvicorn

        from shadow_middleware.api.opened import Opened
        from shadow_middleware.api.text_targets import serve_text
    except ImportError as error:
        raise MissingExtraError("dashboard", "the text API of targets") from error

    given = os.environ.get(TOKEN, "")
    check_reach(host, given, TOKEN)
    settings = settings_of(store, config)
    with open_store(settings):
        pass  # a mistyped store is said here, and not by every answer
    token = given or secrets.token_urlsafe()
    evidence = Opened(settings)
    app = serve_text(evidence, token)
    with listening(host, port) as listener:
        where = address_of(host, listener.getsockname()[1])
        typer.echo(f"Targets: {where}/targets")
        typer.echo(f"Token: {'as in ' + TOKEN if given else token}. Ctrl-C ends it.")
        if not settings.target_allow:
            typer.echo("target_allow is empty here: none but the settings' own URLs.")
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", access_log=False)
        )
        with suppress(KeyboardInterrupt), closing(evidence):
            server.run(sockets=[listener])
