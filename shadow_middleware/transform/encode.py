"""
Content codings put on again where a body was changed: what `compare.decode` takes off.

Quick rather than small: such a body is compared, or rests in a file that is compressed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Final

import brotli
import zstandard

__all__ = ["encoded"]


def encoded(data: bytes, codings: Iterable[str]) -> bytes:
    """
    Return the bytes in `codings`, which are named in the order of application.

    Raises:
        KeyError: one of them is none that `compare.decode` knows.
    """
    for coding in codings:
        data = _ENCODERS[coding](data)
    return data


def _gzip(data: bytes) -> bytes:
    return zlib.compress(data, 1, wbits=31)


_ENCODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": lambda data: zlib.compress(data, 1),
    "br": lambda data: bytes(brotli.compress(data, quality=1)),
    "zstd": lambda data: zstandard.ZstdCompressor(level=1).compress(data),
    "identity": lambda data: data,
}
