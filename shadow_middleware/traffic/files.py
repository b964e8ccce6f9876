"""
Capture files: opened for reading, one or many, and written.

Reading gives every record that is whole, and says of all else what it is and where.
"""

from __future__ import annotations

import glob
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self

import zstandard

from shadow_middleware.errors import ConfigurationError, DecodeError
from shadow_middleware.traffic.frames import Damage, Line, Readable, lines_of
from shadow_middleware.traffic.ndjson import (
    Account,
    Head,
    NewerVersion,
    decode,
    encode,
    encode_plain,
    sample_of,
)
from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = [
    "PART",
    "CaptureFile",
    "Frame",
    "capture_files",
    "framing_of",
    "open_capture",
    "read_file",
    "read_stream",
]

PART: Final = ".part"
"""What the name of a file ends with while it is written."""
_ENDINGS: Final = tuple(
    f".ndjson{coding}{part}" for coding in ("", ".zst", ".gz") for part in ("", PART)
)
FRAME_TEXT: Final = 128 * 1024
"""Bytes of text after which a frame ends: what one flipped bit can take at most."""


def open_capture(source: str | Path | Readable) -> Iterator[Recorded | BadRecord]:
    """
    Yield every exchange of a capture, and a `BadRecord` for what cannot be read.

    Args:
        source: A file (plain, zstd or gzip, whatever its name), a directory or a glob
            of files, `-` for standard input, or a binary stream.

    Raises:
        ConfigurationError: there is no such file, or it cannot be read.
    """
    if not isinstance(source, (str, Path)):
        yield from _records(read_stream(source, "stream"))
        return
    for path in capture_files(source):
        yield from _records(read_file(path))


def capture_files(source: str | Path) -> list[str]:
    """
    Return the files that a source names, oldest first: rotated files sort by name.

    Raises:
        ConfigurationError: there are none.
    """
    text = os.fspath(source)
    if text == "-" or os.path.isfile(text):
        return [text]
    if os.path.isdir(text):
        found = [e.path for e in os.scandir(text) if e.name.endswith(_ENDINGS)]
        if not found:
            raise ConfigurationError(
                f"{text}: no capture files in this directory; their names end with "
                ".ndjson, .ndjson.zst or .ndjson.gz"
            )
        return sorted(found)
    found = [name for name in glob.glob(text) if os.path.isfile(name)]
    if not found:
        if os.path.exists(text):  # a pipe, as of a shell's <(…)
            return [text]
        raise ConfigurationError(f"{text}: there is no such file or directory")
    return sorted(found)


Read = Recorded | Head | Account | BadRecord | Damage


def read_file(
    path: str, advance: Callable[[int], None] | None = None
) -> Iterator[Read]:
    """
    Yield all that one file says, records or not, in order.

    Args:
        path: Of the file; `-` is standard input.
        advance: Told of how many bytes were read, again and again.

    Raises:
        ConfigurationError: it cannot be read.
    """
    with _opened(path) as stream:
        counted = stream if advance is None else _Counted(stream, advance)
        yield from read_stream(counted, "stdin" if path == "-" else path)


class _Counted:
    """A stream that says how far it was read."""

    def __init__(self, stream: Readable, advance: Callable[[int], None]) -> None:
        self._stream = stream
        self._advance = advance

    def read(self, size: int, /) -> bytes:
        """Return the next bytes."""
        data = self._stream.read(size)
        self._advance(len(data))
        return data


def read_stream(stream: Readable, name: str) -> Iterator[Read]:
    """Yield all that a stream says. Files that follow each other in it are one."""
    reader = _Lines(name)
    try:
        for line in lines_of(stream):
            if isinstance(line, Damage):
                yield line if line.unfinished and not line.lost else _bad(line, name)
                if line.unfinished and line.lost:
                    yield line
            elif (read := reader.read(line)) is not None:
                yield read
    except OSError as error:
        raise _unreadable(name, error) from error


class _Lines:
    """Reads the lines of a stream, and passes over what a newer version wrote."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_newer = False

    def read(self, line: Line) -> Recorded | Head | Account | BadRecord | None:
        """Return what a line says; None behind the head of a newer version."""
        place = f"{self._name}:{line.number}"
        read: Recorded | Head | Account | BadRecord
        was_newer = self._is_newer
        try:
            read = decode(line.data, place)
        except DecodeError as error:
            self._is_newer = was_newer or isinstance(error, NewerVersion)
            read = BadRecord(place, str(error), sample_of(line.data))
        if isinstance(read, Head):
            self._is_newer = was_newer = False
        return None if was_newer else read


def _bad(damage: Damage, name: str) -> BadRecord:
    size = f", {damage.length} bytes from {damage.offset}" if damage.length else ""
    return BadRecord(f"{name}:{damage.after + 1}", f"{damage.reason}{size}")


def _records(read: Iterator[Read]) -> Iterator[Recorded | BadRecord]:
    return (each for each in read if isinstance(each, (Recorded, BadRecord)))


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    with ExitStack() as stack:
        if path == "-":
            yield sys.stdin.buffer
            return
        try:
            stream = stack.enter_context(open(path, "rb"))
        except OSError as error:
            raise _unreadable(path, error) from error
        yield stream


def _unreadable(name: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{name} cannot be read: {error.strerror or error}")


# --- writing ------------------------------------------------------------------------


class Framing(Protocol):
    """Turns lines into the bytes of a file."""

    def add(self, line: bytes) -> bytes:
        """Return the next bytes of the file; with them, the line can be read."""
        ...

    def end(self) -> bytes:
        """Return what ends the frame that is open."""
        ...


class Frame:
    """Frames of zstd or members of gzip, a block for each line."""

    def __init__(self, coding: str) -> None:
        self._is_zstd = coding == "zstd"
        self._zstd = zstandard.ZstdCompressor(level=3, write_checksum=True)
        self._open: zstandard.ZstdCompressionObj | zlib._Compress | None = None
        self._text = 0

    def add(self, line: bytes) -> bytes:
        """Return the next bytes of the file; with them, the line can be read."""
        if self._open is None:
            self._open = self._begun()
        self._text += len(line)
        done = self._open.compress(line) + self._open.flush(
            zstandard.COMPRESSOBJ_FLUSH_BLOCK if self._is_zstd else zlib.Z_SYNC_FLUSH
        )
        return done + self.end() if self._text >= FRAME_TEXT else done

    def end(self) -> bytes:
        """Return what ends the frame that is open."""
        if self._open is None:
            return b""
        last, self._open, self._text = self._open.flush(), None, 0
        return last

    def _begun(self) -> zstandard.ZstdCompressionObj | zlib._Compress:
        return self._zstd.compressobj() if self._is_zstd else zlib.compressobj(wbits=31)


class Plain:
    """Lines as they are."""

    def add(self, line: bytes) -> bytes:
        """Return the line."""
        return line

    def end(self) -> bytes:
        """Return nothing."""
        return b""


def framing_of(name: str) -> Framing:
    """Return what the ending of a file's name asks for: `.zst`, `.gz`, else plain."""
    name = name.removesuffix(PART)
    if name.endswith((".zst", ".zstd")):
        return Frame("zstd")
    return Frame("gzip") if name.endswith(".gz") else Plain()


class CaptureFile:
    """
    A capture file that is written here and now, as by an importer.

    Use it as a context manager. It appears under its name when it is whole.

    Args:
        path: Framed as its ending says: `.zst`, `.gz`, else plain; `-` is standard
            output. An existing file is replaced.
        head: What the file says of itself first.
    """

    def __init__(self, path: str | Path, head: Head) -> None:
        self._path = os.fspath(path)
        self._framing = framing_of(self._path)
        self._is_stdout = self._path == "-"
        self._stream = self._opened()
        self._count = 0
        self._encode = encode_plain if isinstance(self._framing, Plain) else encode
        self._stream.write(self._framing.add(self._encode(head)))

    def add(self, recorded: Recorded) -> None:
        """
        Write one exchange.

        Raises:
            OSError: the disk is full, or the file is gone.
        """
        self._stream.write(self._framing.add(self._encode(recorded)))
        self._count += 1

    def close(self) -> None:
        """
        Write the account, and let the file appear under its name.

        Raises:
            OSError: the disk is full; nothing appears then.
        """
        account = Account(self._count, self._count, closed=True)
        self._stream.write(self._framing.add(self._encode(account)))
        self._stream.write(self._framing.end())
        self._stream.flush()
        if not self._is_stdout:
            self._stream.close()
            os.replace(self._path + PART, self._path)

    def discard(self) -> None:
        """Forget what was written."""
        if not self._is_stdout:
            with suppress(OSError):  # a full disk takes no more of it
                self._stream.close()
            os.unlink(self._path + PART)

    def _opened(self) -> BinaryIO:
        if self._is_stdout:
            return sys.stdout.buffer
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            return os.fdopen(os.open(self._path + PART, flags, 0o600), "wb")
        except OSError as error:
            raise ConfigurationError(
                f"{self._path} cannot be written: {error.strerror}"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.discard()
            return
        try:
            self.close()
        except BaseException:
            self.discard()
            raise
