"""`capture merge` and `capture redact`: a capture file made of others."""

from __future__ import annotations

import os
import secrets
from typing import Annotated, Any

import msgspec
import typer

from shadow_middleware.cli.capture_files import (
    Bad,
    Files,
    Output,
    named,
    reading,
    written,
)
from shadow_middleware.cli.capture_screen import many
from shadow_middleware.cli.options import ConfigFile, JsonOutput
from shadow_middleware.cli.screen import print_json
from shadow_middleware.settings import Settings, load
from shadow_middleware.traffic.files import read_file
from shadow_middleware.traffic.marks import KEY_FILE, key_of
from shadow_middleware.traffic.merging import Merged
from shadow_middleware.traffic.recorded import BadRecord, Recorded
from shadow_middleware.traffic.writer import recorded_of
from shadow_middleware.transform.masking import Marks, Masker

__all__ = ["MERGE_EPILOG", "REDACT_EPILOG", "merge", "redact"]

MERGE_EPILOG = (
    "Examples:\n\n"
    "  shadow-middleware capture merge captures/ -o day.ndjson.zst"
    "\n\n  shadow-middleware capture merge web-1/ web-2/ -o both.ndjson.zst"
)
REDACT_EPILOG = (
    "Examples:\n\n"
    "  shadow-middleware capture redact day.ndjson.zst -o open.ndjson.zst "
    "--path /email --path '/**/address'"
    "\n\n  shadow-middleware capture redact captures/ -o open.ndjson.zst "
    "--header 'x-user*' --pattern '[0-9]{10}'"
)


def merge(files: Files, output: Output, as_json: JsonOutput = False) -> None:
    """
    Write the exchanges of many files into one, by time, each exchange once.

    Copies are known by their exchange's id. The sources stay as they are.
    """
    paths, bad, count = named(files), Bad(), 0
    with reading(paths) as advance, written(output, paths) as file:
        merged = Merged(paths, advance, bad)
        for record in merged:
            file.add(record)
            count += 1
    told = {"exchanges": count, "copies": merged.copies, "bad_records": bad.count}
    words = f"{many(count, 'exchange')} of {many(len(paths), 'file')} in {output}"
    _tell(
        "capture-merge",
        {"output": output, "files": len(paths), **told},
        f"{words}; {merged.copies:,} copies left out" if merged.copies else words,
        bad,
        as_json=as_json,
    )


def redact(
    files: Files,
    output: Output,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", metavar="GLOB", help="Headers that go, by name."),
    ] = None,
    path: Annotated[
        list[str] | None,
        typer.Option(
            "--path", metavar="POINTER", help="Values that go, by JSON-pointer glob."
        ),
    ] = None,
    pattern: Annotated[
        list[str] | None,
        typer.Option(
            "--pattern", metavar="RE2", help="What goes wherever it stands, as RE2."
        ),
    ] = None,
    config: ConfigFile = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Write capture files anew with more taken out; the sources stay as they are.

    What is secret by default and by the configuration goes as well. Marks stay as they
    are, and equal secrets become equal marks; with a `marks.key` beside the files, the
    same marks as the agent would have made.
    """
    settings = _settings(config, header, path, pattern)
    paths, bad, count, changed = named(files), Bad(), 0, 0
    masker = Masker(settings, Marks(_key(paths)))
    with reading(paths) as advance, written(output, paths) as file:
        for read in (read for each in paths for read in read_file(each, advance)):
            if isinstance(read, Recorded):
                clean = _again(masker, read)
                file.add(clean)
                count += 1
                changed += clean.exchange != read.exchange
            elif isinstance(read, BadRecord):
                bad(read)
    told = {"exchanges": count, "changed": changed, "bad_records": bad.count}
    _tell(
        "capture-redact",
        {"output": output, **told},
        f"{many(count, 'exchange')} in {output}; more is masked in {changed:,} of them",
        bad,
        as_json=as_json,
    )


def _settings(
    config: str | None,
    header: list[str] | None,
    path: list[str] | None,
    pattern: list[str] | None,
) -> Settings:
    given = load({}, config=config, require_target=False)
    more = load(
        {
            "redact_headers": (*given.redact_headers, *(header or ())),
            "redact_paths": (*given.redact_paths, *(path or ())),
            "redact_patterns": (*given.redact_patterns, *(pattern or ())),
        },
        environ={},
        source="option",
        require_target=False,
    )
    return msgspec.structs.replace(
        given,
        redact_headers=more.redact_headers,
        redact_paths=more.redact_paths,
        redact_patterns=more.redact_patterns,
    )


def _key(paths: list[str]) -> bytes:
    """Return the key of the files' directory, if they all are of one that has one."""
    folders = {os.path.dirname(path) or "." for path in paths}
    if len(folders) == 1:
        (folder,) = folders
        if os.path.isfile(os.path.join(folder, KEY_FILE)):
            return key_of(folder)
    return secrets.token_bytes(32)


def _again(masker: Masker, record: Recorded) -> Recorded:
    clean = recorded_of(masker, record.exchange)
    return msgspec.structs.replace(
        clean,
        exchange=msgspec.structs.replace(
            clean.exchange,
            key=record.exchange.key,
            user=record.exchange.user,
            visitor=record.exchange.visitor,
        ),
        missing=record.missing | clean.missing,
        masked=tuple(dict.fromkeys((*record.masked, *clean.masked))),
    )


def _tell(
    kind: str, told: dict[str, Any], words: str, bad: Bad, *, as_json: bool
) -> None:
    """Say what was written; on standard error where the capture is on the other."""
    bad.tell()
    if bad.count and not told["exchanges"] and told["output"] != "-":
        os.unlink(told["output"])
    bad.refuse_nothing(told["exchanges"])
    if as_json and told["output"] != "-":
        print_json(kind, told)
    else:
        typer.echo(words, err=told["output"] == "-")
