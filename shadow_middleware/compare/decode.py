"""
Content codings taken off, never further than a cap.

Every decoder streams: it is asked for at most the cap and one byte, so a bomb costs
what the cap allows and no more.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import brotli
import zstandard

__all__ = ["CODINGS", "Decoded", "decode"]

MAX_CODINGS = 3
"""Codings on top of each other; more are no honest response."""
MAX_WINDOW = 1 << 27
"""The largest zstd window that is given memory: what RFC 9659 allows, and some."""

State = Literal["whole", "part", "broken"]


class Decoded(NamedTuple):
    """What is under a coding: all of it, the first part, or nothing to be had."""

    data: bytes
    state: State


class _Broken(Exception):
    """The bytes are not in the coding that they claim."""


def decode(data: bytes, codings: Sequence[str], cap: int) -> Decoded:
    """
    Return the bytes under `codings`, which are named in the order of application.

    `part` means that the data ended early or that the cap was reached.
    """
    if len(codings) > MAX_CODINGS or any(coding not in CODINGS for coding in codings):
        return Decoded(data, "broken")
    state: State = "whole"
    try:
        for coding in reversed(codings):
            data, whole = CODINGS[coding](data, cap)
            if not whole:
                state = "part"
    except (_Broken, zlib.error, brotli.error, zstandard.ZstdError):
        return Decoded(data, "broken")
    return Decoded(data, state)


def _gzip(data: bytes, cap: int) -> tuple[bytes, bool]:
    return _inflate(data, cap, 31)


def _deflate(data: bytes, cap: int) -> tuple[bytes, bool]:
    # RFC 9110 means the zlib format; some servers send the bare stream.
    try:
        return _inflate(data, cap, 15)
    except zlib.error:
        return _inflate(data, cap, -15)


def _inflate(data: bytes, cap: int, wbits: int) -> tuple[bytes, bool]:
    out: list[bytes] = []
    size = 0
    while data:
        member = zlib.decompressobj(wbits)
        piece = member.decompress(data, cap + 1 - size)
        out.append(piece)
        size += len(piece)
        if size > cap:
            return b"".join(out)[:cap], False
        if not member.eof:
            return b"".join(out), False
        data = member.unused_data
        if data and wbits != 31:
            raise _Broken
    return b"".join(out), True


def _brotli(data: bytes, cap: int) -> tuple[bytes, bool]:
    if not data:
        return b"", True
    decoder = brotli.Decompressor()
    out = decoder.process(data, output_buffer_limit=cap + 1)
    while len(out) <= cap and not decoder.is_finished():
        if decoder.can_accept_more_data():
            return out, False
        out += decoder.process(b"", output_buffer_limit=cap + 1 - len(out))
    return out[:cap], len(out) <= cap


def _zstd(data: bytes, cap: int) -> tuple[bytes, bool]:
    decoder = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
    with decoder.stream_reader(data, read_across_frames=True) as reader:
        out = reader.read(cap + 1)
    return out[:cap], len(out) <= cap and _zstd_ends(data)


def _zstd_ends(data: bytes) -> bool:
    """Whether the last frame is complete; the stream reader does not say."""
    while data:
        frame = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
        frame.decompress(data)
        if not frame.eof:
            return False
        data = frame.unused_data
    return True


def _identity(data: bytes, cap: int) -> tuple[bytes, bool]:
    return data, True


CODINGS: dict[str, Callable[[bytes, int], tuple[bytes, bool]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
    "identity": _identity,
}
