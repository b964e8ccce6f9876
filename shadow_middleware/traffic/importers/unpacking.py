"""Compressed files as the bytes that are in them, in bounded memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from shadow_middleware.errors import ConfigurationError

__all__ = ["Unpacked"]

_GZIP: Final = b"\x1f\x8b"
_PIECE: Final = 256 * 1024
"""Bytes that are unpacked at once, however much a few packed ones hold."""
_OTHERS: Final = {
    b"\x28\xb5\x2f\xfd": "zstd -dc",
    b"BZh": "bzip2 -dc",
    b"\xfd7zXZ\x00": "xz -dc",
    b"PK\x03\x04": "unzip -p",
}


class Unpacked:
    """The bytes of a file, unpacked if it is packed with gzip. Iterate over it."""

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
        self._packed = head.startswith(_GZIP)

    def __iter__(self) -> Iterator[bytes]:
        """Return pieces of the content."""
        return self._unpacked() if self._packed else iter(self._chunks)

    def _unpacked(self) -> Iterator[bytes]:
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
