"""The files that `capture import` reads: opened, unpacked, their format told, counted."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import msgspec
import typer

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.traffic.importers.account import Account, Source
from shadow_middleware.traffic.importers.cleaning import Cleaner
from shadow_middleware.traffic.importers.formats import detected, reader_of
from shadow_middleware.traffic.importers.options import Options
from shadow_middleware.traffic.importers.ordering import in_order
from shadow_middleware.traffic.importers.unpacking import Unpacked
from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = ["Opened", "listing", "opened", "row_of", "size_of"]

_PIECE = 256 * 1024
_LOOKED_AT = 64 * 1024
"""Bytes by which a format is told."""

Listed = Callable[[BadRecord], None]


class Opened(msgspec.Struct):
    """A file, ready to be read."""

    name: str
    unpacked: Unpacked
    head: bytes
    """How its content begins."""
    rest: Iterator[bytes]
    """What follows."""
    size: int | None


def size_of(files: list[str]) -> int | None:
    """Return how many bytes there are to read; None where nobody knows."""
    if not all(os.path.isfile(name) for name in files):
        return None
    return sum(os.path.getsize(name) for name in files)


def opened(name: str, stack: ExitStack, advance: Callable[[int], None]) -> Opened:
    """
    Return a file opened, closed with the stack.

    Raises:
        ConfigurationError: it cannot be read, or is packed in an unknown way.
    """
    if name == "-":
        stream: BinaryIO = sys.stdin.buffer
        size = None
    else:
        try:
            file = Path(name).open("rb")  # noqa: SIM115 - the stack closes it
            stream = stack.enter_context(file)
            size = os.fstat(stream.fileno()).st_size
        except OSError as error:
            raise _unreadable(name, error) from None
    try:
        unpacked = Unpacked(_pieces(name, stream, advance))
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error}") from None
    rest = iter(unpacked)
    head = b""
    while len(head) < _LOOKED_AT and (piece := next(rest, b"")):
        head += piece
    head = head.removeprefix(b"\xef\xbb\xbf")
    return Opened("stdin" if name == "-" else name, unpacked, head, rest, size)


def row_of(
    source: Opened,
    form: str,
    options: Options,
    account: Account,
    cleaner: Cleaner,
    listed: Listed,
) -> Iterator[Recorded]:
    """
    Return the exchanges of a file as they may be written, in order, and count them.

    Raises:
        ConfigurationError: its format cannot be told.
    """
    options = msgspec.structs.replace(
        options, source=source.name, process=_process(source)
    )
    try:
        name = form if form != "auto" else _told(source, options)
        read = reader_of(name, options)
    except ConfigurationError as error:
        raise ConfigurationError(f"{source.name}: {error}") from None
    counted = Source(source.name, name)
    account.sources.append(counted)

    def cleaned() -> Iterator[Recorded]:
        for found in read(chain([source.head], source.rest), options):
            if isinstance(found, BadRecord):
                account.add_bad(counted, found)
                listed(found)
            else:
                recorded = cleaner(found)
                account.add(counted, recorded)
                yield recorded
        if source.unpacked.problem:
            bad = BadRecord(f"{source.name}:end", source.unpacked.problem)
            account.add_bad(counted, bad)
            listed(bad)

    return in_order(cleaned())


@contextmanager
def listing(path: Path | None) -> Iterator[Listed]:
    """Yield what writes a bad line to the file, if there is one."""
    if path is None:
        yield lambda bad: None
        return
    try:
        with path.open("w", encoding="utf-8") as file:
            yield lambda bad: print(*_columns(bad), sep="\t", file=file)
    except OSError as error:
        raise typer.BadParameter(str(error), param_hint="--bad-lines") from None


def _columns(bad: BadRecord) -> tuple[str, str, str]:
    return bad.place, bad.reason, bad.sample


def _told(source: Opened, options: Options) -> str:
    whole = len(source.head) < _LOOKED_AT
    return detected(source.head, whole=whole, options=options)


def _process(source: Opened) -> str:
    """Return the first part of a file's ids: the same each time it is imported."""
    told = f"{source.name}\n{source.size}\n".encode("utf-8", "surrogateescape")
    return blake2b(told + source.head, digest_size=6).hexdigest()


def _pieces(
    name: str, stream: BinaryIO, advance: Callable[[int], None]
) -> Iterator[bytes]:
    try:
        while piece := stream.read(_PIECE):
            advance(len(piece))
            yield piece
    except OSError as error:
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{name} cannot be read: {error.strerror or error}")
