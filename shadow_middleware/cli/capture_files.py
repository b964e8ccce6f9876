"""What all `capture` commands share: their files, and how far reading them has come."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Annotated

import typer

import shadow_middleware
from shadow_middleware.cli.progress import bytes_bar
from shadow_middleware.traffic.files import CaptureFile, capture_files
from shadow_middleware.traffic.ndjson import VERSION, Head
from shadow_middleware.traffic.recorded import BadRecord

__all__ = [
    "Bad",
    "Files",
    "Output",
    "check_output",
    "named",
    "reading",
    "size_of",
    "written",
]

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Capture files, directories or globs of them, or - for standard input.",
    ),
]
Output = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="The capture file to write; .zst or .gz packs it. - is standard output.",
    ),
]


def named(sources: Sequence[str]) -> list[str]:
    """
    Return the files that were named, in order, each once.

    Raises:
        ConfigurationError: one is not there.
    """
    found = [path for source in sources for path in capture_files(source)]
    return list(dict.fromkeys(found))


def size_of(path: str) -> int | None:
    """Return the bytes of a file; None of what is none."""
    return os.path.getsize(path) if os.path.isfile(path) else None


def reading(
    paths: Sequence[str], *, prints: bool = False
) -> AbstractContextManager[Callable[[int], None]]:
    """Return a bar for reading the files; `prints` as of `progress.bar_of`."""
    total = sum(size_of(path) or 0 for path in paths)
    return bytes_bar(total or None, prints=prints)


def check_output(path: str, sources: Sequence[str]) -> None:
    """
    Refuse what no file can be put in place of.

    Raises:
        BadParameter: it is a directory, or one of the files to read.
    """
    if path == "-":
        return
    if os.path.isdir(path):
        problem = f"{path} is a directory; name a file in it"
    elif any(each != "-" and _is_same(each, path) for each in sources):
        problem = f"{path} is read as well; write to another file"
    else:
        return
    raise typer.BadParameter(problem, param_hint="--output")


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False  # one of them is not there


def written(path: str, sources: Sequence[str]) -> CaptureFile:
    """
    Return a capture file to write.

    Raises:
        ConfigurationError: it cannot be written.
    """
    check_output(path, sources)
    software = f"shadow_middleware {shadow_middleware.__version__}"
    return CaptureFile(path, Head(VERSION, software, created=time.time()))


NOTHING = (
    "nothing of it can be read; to make a capture of access logs, HAR and others, run: "
    "shadow-middleware capture import"
)
"""What is said of files that hold no exchange, and no capture."""


class Bad:
    """Counts what is no exchange, and shows the first of it on standard error."""

    _MOST = 5

    def __init__(self) -> None:
        self.count = 0
        self.whole = 0
        """Records beside it, where somebody counts them."""

    def __call__(self, bad: BadRecord) -> None:
        """Take note of one."""
        self.count += 1
        if self.count <= self._MOST:
            typer.echo(f"{bad.place}: {bad.reason}", err=True)

    def refuse_nothing(self, found: int) -> None:
        """
        End the command where nothing that was read is an exchange.

        Raises:
            typer.Exit: with 2, for somebody gave a file of another kind.
        """
        if self.count and not found:
            typer.echo(NOTHING, err=True)
            raise typer.Exit(2)

    def tell(self) -> None:
        """Say how many there were, if there were more than were shown."""
        if self.count > self._MOST:
            typer.echo(
                f"and {self.count - self._MOST} more; see: shadow-middleware capture verify",
                err=True,
            )
