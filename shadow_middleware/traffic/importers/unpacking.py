"""Compressed files as the bytes that are in them, in bounded memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

import zstandard

from shadow_middleware.errors import ConfigurationError

__all__ = ["Unpacked"]

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_MAX_WINDOW: Final = 64 * 1024 * 1024
"""Bytes that zstd may look back; `zstd --long` can ask for gigabytes."""
_PIECE: Final = 256 * 1024
"""Bytes that are unpacked at once, however much a few packed ones hold."""
_SIP: Final = 256
"""Packed bytes that zstd is given at once: of four, a block of 128 KiB may come."""
_ENDS: Final = "the compressed file ends before its end"
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
        unpacker = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
        unpack = unpacker.decompressobj()
        try:
            for data in self._sips():
                while data:
                    if unpack.eof:
                        unpack = unpacker.decompressobj()
                    piece = unpack.decompress(data)
                    for start in range(0, len(piece), _PIECE):
                        yield piece[start : start + _PIECE]
                    data = unpack.unused_data if unpack.eof else b""
            if not unpack.eof:
                self.problem = _ENDS
        except zstandard.ZstdError as error:
            self.problem = f"the compressed file is damaged from here on: {error}"

    def _sips(self) -> Iterator[bytes]:
        """Return pieces so small that what they unpack to is bounded as well."""
        for chunk in self._chunks:
            for start in range(0, len(chunk), _SIP):
                yield chunk[start : start + _SIP]

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
                self.problem = _ENDS
        except zlib.error as error:
            self.problem = f"the compressed file is damaged from here on: {error}"
