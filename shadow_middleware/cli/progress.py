"""Signs of life while a command works: on standard error, and on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

__all__ = ["bar_of", "busy", "bytes_bar"]

Advance = Callable[[], None]


@contextmanager
def bar_of(total: int, *, prints: bool = False) -> Iterator[Advance]:
    """
    Yield what moves a bar on by one.

    Args:
        total: How often it will be called.
        prints: Whether results go to standard output meanwhile; a bar between them on
            one terminal would help nobody.
    """
    screen = Console(stderr=True)
    if not screen.is_terminal or (prints and sys.stdout.isatty()):
        yield lambda: None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


@contextmanager
def bytes_bar(
    total: int | None, *, prints: bool = False
) -> Iterator[Callable[[int], None]]:
    """
    Yield what moves a bar on by so many bytes.

    Args:
        total: How many there are; None where nobody knows.
        prints: As of `bar_of`.
    """
    screen = Console(stderr=True)
    if not screen.is_terminal or (prints and sys.stdout.isatty()):
        yield lambda count: None
        return
    columns = (
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda count: progress.advance(task, count)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Say what is being done, for as long as it takes."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield
        return
    with screen.status(what):
        yield
