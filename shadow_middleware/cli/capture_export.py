"""`shadow-middleware capture export`: a capture for other programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

import shadow_middleware
from shadow_middleware.cli.capture_files import Bad
from shadow_middleware.cli.whole_file import whole_file
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.traffic.exporters import curl, har
from shadow_middleware.traffic.files import open_capture
from shadow_middleware.traffic.ndjson import encode_plain
from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = ["EPILOG", "Form", "capture_export"]

EPILOG = (
    "Examples:\n\n"
    "  shadow-middleware capture export traffic.ndjson.zst --format har -o traffic.har"
    "\n\n  shadow-middleware capture export traffic.ndjson.zst --format curl --limit 1"
)


class Form(StrEnum):
    """What the other program reads."""

    HAR = "har"
    """HTTP Archive 1.2: for browsers and proxies."""
    CURL = "curl"
    """Commands for bash that send the same bytes again."""
    NDJSON = "ndjson"
    """A JSON object on each line: for jq, databases and data frames."""


def capture_export(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Capture files, directories of them, or - for standard input.",
        ),
    ],
    form: Annotated[
        Form, typer.Option("--format", help="What the other program reads.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Where to; it appears when it is whole. Left out: standard output.",
        ),
    ] = None,
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="URL",
            help="Where curl sends them. Left out: to the host that they name.",
        ),
    ] = "",
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="At most so many. [default: all]"),
    ] = None,
) -> None:
    """
    Write the exchanges of a capture as an HTTP Archive, as curl commands, or as JSON.

    What is masked in the capture is masked here as well, and what was never recorded is
    said: in HAR as `_missing`, for curl in the comment above each command.
    """
    address, bad = _address(target), Bad()
    read = _whole(chain.from_iterable(map(open_capture, files)), bad)
    first = next(read, None)
    if first is None:
        bad.tell()
        bad.refuse_nothing(0)
    records = islice(chain([first] if first else [], read), limit)
    with whole_file(output) as file:
        for piece in _pieces(records, form, address):
            file.write(piece)
    bad.tell()


def _pieces(records: Iterator[Recorded], form: Form, address: str) -> Iterable[bytes]:
    match form:
        case Form.HAR:
            texts = har.exported(records, shadow_middleware.__version__)
        case Form.CURL:
            texts = curl.exported(records, address)
        case Form.NDJSON:
            return map(encode_plain, records)
    return (text.encode("utf-8", "replace") for text in texts)


def _whole(read: Iterable[Recorded | BadRecord], bad: Bad) -> Iterator[Recorded]:
    for each in read:
        if isinstance(each, BadRecord):
            bad(each)
        else:
            yield each


def _address(target: str) -> str:
    parts = urlsplit(target)
    if target and (parts.scheme not in ("http", "https") or not parts.netloc):
        raise ConfigurationError(
            f"--target: {target!r} is no address; write http://127.0.0.1:8000"
        )
    return target
