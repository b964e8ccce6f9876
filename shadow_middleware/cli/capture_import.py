"""`shadow-middleware capture import`: logs, archives and packets become a capture file."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

import shadow_middleware
from shadow_middleware.cli.capture_files import check_output
from shadow_middleware.cli.capture_import_screen import print_account, show_account
from shadow_middleware.cli.capture_sources import listing, opened, row_of, size_of
from shadow_middleware.cli.options import ConfigFile, JsonOutput
from shadow_middleware.cli.progress import bytes_bar
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.settings import Settings, load
from shadow_middleware.traffic.files import CaptureFile
from shadow_middleware.traffic.importers.account import Account
from shadow_middleware.traffic.importers.cleaning import Cleaner, Credentials
from shadow_middleware.traffic.importers.clock import zone_of
from shadow_middleware.traffic.importers.formats import ABOUT
from shadow_middleware.traffic.importers.log_formats import log_format_of
from shadow_middleware.traffic.importers.options import Options, session_of
from shadow_middleware.traffic.importers.ordering import merged
from shadow_middleware.traffic.marks import key_of
from shadow_middleware.traffic.ndjson import VERSION, Head
from shadow_middleware.traffic.recorded import Recorded

__all__ = ["EPILOG", "capture_import"]

EPILOG = (
    "Formats:\n\n"
    + "".join(f"- `{name}`: {about}\n" for name, about in ABOUT.items())
    + "\nExamples:\n\n"
    "  shadow-middleware capture import access.log.1 access.log -o traffic.ndjson.zst"
    "\n\n  shadow-middleware capture import access.log --format nginx --log-format "
    "@nginx.conf#shadow -o traffic.ndjson.zst"
)


def capture_import(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="What to read, in any order; gzip is unpacked. - is standard input.",
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The capture file; .zst or .gz packs it. - is standard output.",
        ),
    ],
    form: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT", help="Which one; see below."),
    ] = "auto",
    log_format: Annotated[
        str,
        typer.Option(
            "--log-format",
            metavar="TEXT",
            help="The server's own format, for nginx and apache: the text, the whole "
            "directive, or @FILE#NAME, which finds it in a configuration file.",
        ),
    ] = "",
    session: Annotated[
        str,
        typer.Option(
            "--session",
            metavar="WHAT",
            help="What is one session: auto (user, or address and user agent), user, "
            "client, file, header:NAME, cookie:NAME or none.",
        ),
    ] = "auto",
    credentials: Annotated[
        Credentials | None,
        typer.Option(
            "--credentials",
            help="drop credential headers, mask them (equal ones stay equal), or keep "
            "every secret as it is. Left out: as the setting `credentials` says.",
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            "--host", metavar="NAME", help="The host of requests that name none."
        ),
    ] = "",
    zone: Annotated[
        str,
        typer.Option(
            "--zone",
            metavar="ZONE",
            help="Of times that name none, as HAProxy's: +01:00 or Europe/Vienna.",
        ),
    ] = "UTC",
    captured: Annotated[
        str,
        typer.Option(
            "--request-headers",
            metavar="NAMES",
            help="What HAProxy captures of requests, in order: Host,User-Agent.",
        ),
    ] = "",
    answered: Annotated[
        str,
        typer.Option(
            "--response-headers",
            metavar="NAMES",
            help="What HAProxy captures of responses, in order.",
        ),
    ] = "",
    replayed: Annotated[
        bool,
        typer.Option(
            "--replayed",
            help="From GoReplay, take what its own target answered instead of live.",
        ),
    ] = False,
    bad_lines: Annotated[
        Path | None,
        typer.Option(
            "--bad-lines",
            metavar="FILE",
            help="Write every line that is no exchange to FILE, with its number.",
        ),
    ] = None,
    config: ConfigFile = None,
    json: JsonOutput = False,
) -> None:
    """
    Make a capture file of logs, archives, packets or another tool's recordings.

    Exchanges come out in the order in which they began, whatever the order of the files.
    What the source does not say is marked on each exchange and summed up at the end.
    Lines that are no exchange are counted and shown; they never stop an import.
    """
    if json and output == "-":
        raise typer.BadParameter(
            "standard output takes the capture; name a file with -o",
            param_hint="--json",
        )
    settings = load({}, config=config, require_target=False)
    key = _key(files, output)
    options = Options(
        session=session_of(session),
        salt=key,
        zone=zone_of(zone),
        host=host,
        log_format=log_format_of(log_format),
        request_headers=_names(captured),
        response_headers=_names(answered),
        replayed=replayed,
    )
    cleaner = Cleaner(settings, credentials or _policy(settings), key)
    account = Account()
    with ExitStack() as stack:
        listed = stack.enter_context(listing(bad_lines))
        advance = stack.enter_context(bytes_bar(size_of(files)))
        sources = [opened(name, stack, advance) for name in files]
        rows = [
            row_of(source, form, options, account, cleaner, listed)
            for source in sources
        ]
        _write(merged(rows), output)
    if json:
        print_account(account, output)
    else:
        show_account(account, output)
    if not account.exchanges:
        raise typer.Exit(2)


def _write(records: Iterator[Recorded], output: str) -> None:
    """Write the exchanges; without any there is no file."""
    first = next(records, None)
    if first is None:
        return
    try:
        with CaptureFile(output, _head()) as file:
            file.add(first)
            for recorded in records:
                file.add(recorded)
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written: {error}") from None


def _head() -> Head:
    return Head(
        VERSION,
        f"shadow_middleware {shadow_middleware.__version__}",
        created=time.time(),
        host=socket.gethostname(),
        process=f"import.{secrets.token_hex(3)}",
    )


def _key(files: list[str], output: str) -> bytes:
    """Return what pseudonyms and marks are made with: one key for a directory."""
    if output == "-":
        return secrets.token_bytes(32)
    check_output(output, files)
    try:
        return key_of(str(Path(output).resolve().parent))
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written: {error}") from None


def _policy(settings: Settings) -> Credentials:
    return Credentials.MASK if settings.credentials == "pass" else Credentials.DROP


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
