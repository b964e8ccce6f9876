"""Compressed files as the bytes that are in them, in bounded memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO, Final, cast

import zstandard

from shadow_middleware.errors import ConfigurationError

__all__ = ["Unpacked"]

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_MAX_WINDOW: Final = 64 * 1024 * 1024
"""Bytes that zstd may look back; `zstd --long` can ask for gigabytes."""
_PIECE: Final = 256 * 1024
"""Bytes that are unpacked at once, however much a few packed ones hold."""
_OTHERS: Final = {
    b"BZh": "bzip2 -dc",
    b"\xfd7zXZ\x00": "xz -dc",
    b"PK\x03\x04": "unzip -p",
}


class Unpacked:
    """The bytes of a file, unpacked if gzip or zstd has packed it. Iterate over it."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        """
        Take the pieces of a file, cut anywhere.

        Raises:
            ConfigurationError: it is packed in a way that is not read here.
        """
        self.problem = ""
        """After the end: why there is no more of it, if it is damaged."""
        rest = iter(chunks)
        head = b""
        while len(head) < 6 and (more := next(rest, b"")):
            head += more
        for magic, command in _OTHERS.items():
            if head.startswith(magic):
                raise ConfigurationError(
                    f"it is compressed; give its content with: {command} FILE | "
                    "shadow-middleware capture import - (a capture file needs no import)"
                )
        self._chunks = chain([head] if head else [], rest)
        self._is_gzip, self._is_zstd = head.startswith(_GZIP), head.startswith(_ZSTD)

    def __iter__(self) -> Iterator[bytes]:
        """Return pieces of the content."""
        if self._is_zstd:
            return self._of_zstd()
        return self._of_gzip() if self._is_gzip else iter(self._chunks)

    def _of_zstd(self) -> Iterator[bytes]:
        unpack = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
        source = cast("IO[bytes]", _Stream(self._chunks))  # it only ever reads
        try:
            with unpack.stream_reader(source, read_across_frames=True) as reader:
                while piece := reader.read(_PIECE):
                    yield piece
        except zstandard.ZstdError as error:
            self.problem = f"the compressed file is damaged from here on: {error}"

    def _of_gzip(self) -> Iterator[bytes]:
        unpack = zlib.decompressobj(wbits=31)
        try:
            for chunk in self._chunks:
                data = chunk
                while data:
                    if unpack.eof:
                        if not (data := data.lstrip(b"\x00")):
                            break
                        unpack = zlib.decompressobj(wbits=31)
                    if piece := unpack.decompress(data, _PIECE):
                        yield piece
                    data = unpack.unconsumed_tail or unpack.unused_data
            if not unpack.eof:
                self.problem = "the compressed file ends before its end"
        except zlib.error as error:
            self.problem = f"the compressed file is damaged from here on: {error}"


class _Stream:
    """Pieces as a stream that can be read, as zstandard wants it."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes; none at the end."""
        data = self._rest or next(self._chunks, b"")
        if size < 0:
            size = len(data)
        self._rest = data[size:]
        return data[:size]
