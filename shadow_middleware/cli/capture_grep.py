"""`capture cat` and `capture grep`: exchanges to read, all of them or some."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Annotated

import typer

from shadow_middleware.cli.capture_files import Bad, Files, named, reading
from shadow_middleware.cli.capture_screen import show_exchange, show_line
from shadow_middleware.cli.options import Since, since_of
from shadow_middleware.cli.screen import console
from shadow_middleware.exchange import Exchange
from shadow_middleware.traffic.files import read_file
from shadow_middleware.traffic.ndjson import encode_plain
from shadow_middleware.traffic.recorded import BadRecord, Recorded
from shadow_middleware.traffic.searching import Search, Wanted

__all__ = ["CAT_EPILOG", "GREP_EPILOG", "cat", "grep"]

CAT_EPILOG = (
    "Examples:\n\n"
    "  shadow-middleware capture cat captures/"
    "\n\n  shadow-middleware capture cat captures/ --json | jq .route"
)
GREP_EPILOG = (
    "Exit codes: 0 something fits · 1 nothing does · 2 wrong usage"
    "\n\n"
    "Examples:\n\n"
    '  shadow-middleware capture grep captures/ --route "GET /users/{id}" --status 5xx'
    "\n\n  shadow-middleware capture grep captures/ --text 'tea.?pot' --full"
    "\n\n  shadow-middleware capture grep captures/ --session masked-kyd6 --json"
)
_STATUS = re.compile(r"[1-9][0-9]{2}|[1-9]xx|none")

Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="At most so many. [default: all]")
]
Full = Annotated[
    bool, typer.Option("--full", help="Headers and bodies too, instead of a line each.")
]
Lines = Annotated[
    bool,
    typer.Option(
        "--json", help="A JSON object on each line, as the format is documented."
    ),
]


def cat(
    files: Files, limit: Limit = None, full: Full = False, as_json: Lines = False
) -> None:
    """Print the exchanges of capture files: a line for each, whole, or as JSON."""
    _print(files, lambda exchange: True, limit, full=full, as_json=as_json)


def grep(
    files: Files,
    route: Annotated[
        list[str] | None,
        typer.Option(
            "--route",
            metavar="ROUTE",
            help='"GET /users/{id}", or a glob: "/users/**".',
        ),
    ] = None,
    path: Annotated[
        list[str] | None,
        typer.Option("--path", metavar="GLOB", help="The raw path, as a glob."),
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option("--method", metavar="METHOD", help="GET, POST…")
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help="200, 5xx, or none."),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            metavar="NAME[:TEXT]",
            help="A header of either side, and what its value holds.",
        ),
    ] = None,
    text: Annotated[
        str,
        typer.Option(
            "--text",
            metavar="PATTERN",
            help="A regular expression in the target, a header or a body.",
        ),
    ] = "",
    ignore_case: Annotated[
        bool, typer.Option("--ignore-case", "-i", help="For --text.")
    ] = False,
    session: Annotated[
        str,
        typer.Option("--session", metavar="MARK", help="A session, or its beginning."),
    ] = "",
    exchange_id: Annotated[
        str,
        typer.Option("--id", metavar="ID", help="An exchange, or its id's beginning."),
    ] = "",
    since: Since = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Only what is older, as --since."),
    ] = None,
    limit: Limit = None,
    full: Full = False,
    count: Annotated[bool, typer.Option("--count", help="Print how many fit.")] = False,
    as_json: Lines = False,
) -> None:
    """
    Print the exchanges that fit everything that is asked for.

    An option that is given twice fits if either does; headers must all fit.
    """
    now = time.time()
    wanted = Wanted(
        routes=tuple(route or ()),
        paths=tuple(path or ()),
        methods=tuple(name.upper() for name in method or ()),
        statuses=tuple(map(_status, status or ())),
        headers=tuple(map(_header, header or ())),
        text=text,
        ignore_case=ignore_case,
        session=session,
        id=exchange_id,
        since=since_of(since, now),
        until=since_of(until, now, "--until"),
    )
    try:
        search = Search(wanted)
    except re.error as error:
        raise typer.BadParameter(f"no pattern: {error}", param_hint="--text") from None
    found = _print(files, search, limit, full=full, as_json=as_json, count=count)
    raise typer.Exit(0 if found else 1)


def _status(text: str) -> str:
    if _STATUS.fullmatch(text.lower()):
        return text.lower()
    raise typer.BadParameter(
        f"{text!r} is no status; write 200, 5xx or none", param_hint="--status"
    )


def _header(text: str) -> tuple[bytes, bytes]:
    name, _, value = text.partition(":")
    if not name.strip():
        raise typer.BadParameter(
            f"{text!r} names no header; write NAME or NAME:TEXT", param_hint="--header"
        )
    return name.strip().lower().encode(), value.strip().encode()


def _print(
    files: list[str],
    fits: Callable[[Exchange], bool],
    limit: int | None,
    *,
    full: bool,
    as_json: bool,
    count: bool = False,
) -> int:
    paths, bad, found = named(files), Bad(), 0
    screen = console()
    with reading(paths, prints=not count) as advance:
        for record in islice(_fitting(paths, fits, advance, bad), limit):
            found += 1
            if count:
                continue
            if as_json:
                typer.echo(encode_plain(record), nl=False)
            elif full:
                show_exchange(screen, record)
            else:
                show_line(screen, record)
    if count:
        typer.echo(str(found))
    bad.tell()
    bad.refuse_nothing(bad.whole)
    return found


def _fitting(
    paths: list[str],
    fits: Callable[[Exchange], bool],
    advance: Callable[[int], None],
    bad: Bad,
) -> Iterator[Recorded]:
    for path in paths:
        for read in read_file(path, advance):
            if isinstance(read, Recorded):
                bad.whole += 1
                if fits(read.exchange):
                    yield read
            elif isinstance(read, BadRecord):
                bad(read)
