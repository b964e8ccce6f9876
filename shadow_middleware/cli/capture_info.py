"""`capture info` and `capture verify`: what files hold, and whether it is all there."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import msgspec
import typer

from shadow_middleware.cli.capture_files import Files, named, reading, size_of
from shadow_middleware.cli.capture_screen import show_survey, show_verdicts
from shadow_middleware.cli.options import JsonOutput
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.traffic.files import read_file
from shadow_middleware.traffic.survey import FileFacts, Survey

__all__ = ["INFO_EPILOG", "VERIFY_EPILOG", "info", "verify"]

INFO_EPILOG = (
    "Exit codes: 0 what is whole is shown · 2 wrong usage, or nothing can be read"
    "\n\n"
    "Examples:\n\n"
    "  shadow-middleware capture info captures/"
    "\n\n  shadow-middleware capture info 'captures/20261121T*' --json"
)
VERIFY_EPILOG = (
    "Exit codes: 0 all that was written is there · 1 something is damaged · "
    "2 wrong usage, or a file that cannot be read"
    "\n\n"
    "Examples:\n\n"
    "  shadow-middleware capture verify captures/"
    "\n\n  shadow-middleware capture verify traffic.ndjson.zst --json"
)


def info(
    files: Files,
    top: Annotated[
        int, typer.Option("--top", min=1, help="How many routes to show.")
    ] = 15,
    as_json: JsonOutput = False,
) -> None:
    """
    Show what capture files hold: spans, routes, statuses, sizes, sessions, damage.

    Also what is not in them: exchanges that were sampled and not written, bodies that
    were cut, headers that were withheld, and parts that are masked.
    """
    survey = _surveyed(files)
    if as_json:
        print_json("capture-info", _document(survey))
    else:
        show_survey(console(), survey, top)
    if survey.bad and not survey.exchanges and not survey.software:
        raise typer.Exit(2)


def verify(files: Files, as_json: JsonOutput = False) -> None:
    """
    Check each file, every checksum in it, and that its accounts add up.

    A file that is being written, or whose writer was killed, is whole as far as it
    goes; both are said, and neither is damage.
    """
    survey = _surveyed(files)
    damaged = sum(file.state == "damaged" for file in survey.files)
    if as_json:
        rows = [_file(file) for file in survey.files]
        print_json("capture-verify", {"damaged": damaged, "files": rows})
    else:
        show_verdicts(console(), survey)
    raise typer.Exit(1 if damaged else 0)


def _surveyed(files: list[str]) -> Survey:
    paths = named(files)
    survey = Survey()
    with reading(paths) as advance:
        for path in paths:
            survey.file(path, size_of(path))
            for read in read_file(path, advance):
                survey.take(read)
    return survey


def _document(survey: Survey) -> dict[str, Any]:
    return {
        "files": [_file(file) for file in survey.files],
        "exchanges": survey.exchanges,
        "sampled": survey.sampled,
        "not_written": dict(survey.not_written),
        "unreadable": survey.lost,
        "bad_records": survey.bad,
        "first": survey.first,
        "last": survey.last,
        "routes": _sorted(survey.routes),
        "methods": _sorted(survey.methods),
        "statuses": _sorted(survey.statuses),
        "request_bodies": msgspec.structs.asdict(survey.requests),
        "response_bodies": msgspec.structs.asdict(survey.responses),
        "sessions": survey.sessions,
        "with_session": survey.with_session,
        "live_errors": survey.live_errors,
        "skipped": dict(survey.skipped),
        "missing": dict(survey.missing),
        "masked": dict(survey.masked),
        "withheld_headers": dict(survey.withheld),
        "software": list(survey.software),
    }


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(counter.most_common())


def _file(file: FileFacts) -> dict[str, Any]:
    return {
        "path": file.path,
        "bytes": file.size,
        "state": file.state,
        "exchanges": file.records,
        "accounted": file.told,
        "unreadable": file.lost,
        "bad_records": file.bad,
        "bad": [msgspec.structs.asdict(bad) for bad in file.shown],
    }
