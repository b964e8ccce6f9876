"""
From the bytes of a capture file to its lines, past whatever is damaged.

A file is a row of frames of zstd or members of gzip, each readable without the others,
or plain text; its first bytes tell which. What a frame holds is given out as it is
decoded, so a torn frame still gives its whole lines, and after a damaged one reading
goes on at the next that begins. All of it in bounded memory, and in time that grows with
the file and not with what it claims to be.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final, Protocol

import msgspec
import zstandard

__all__ = ["GZIP", "MAX_LINE", "ZSTD", "Damage", "Line", "Readable", "lines_of"]

ZSTD: Final = b"\x28\xb5\x2f\xfd"
GZIP: Final = b"\x1f\x8b\x08"
MAX_LINE: Final = 64 * 1024 * 1024
"""Bytes of the longest line that is read; a longer one is passed over."""

_READ: Final = 64 * 1024
_STEP: Final = 512
"""Bytes given to a decoder at once: they expand to 16 MiB at most (RFC 8878, 3.1.1.2)."""
_MAX_WINDOW: Final = 1 << 27
"""The largest zstd window that is given memory; the command `zstd` has the same."""
_KEPT: Final = 8 * 1024 * 1024
"""Bytes of a frame that are kept to look for the next one in, if this one is damaged."""
_RATIO: Final = 1000
_FREE: Final = 64 * 1024 * 1024
"""Bytes that any file may expand to; beyond them, `_RATIO` bytes for each of its own."""
_SKIPPABLE: Final = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
_MAX_SKIPPED: Final = 1024 * 1024
_BEGINS: Final = re.compile(re.escape(ZSTD) + b"|" + re.escape(GZIP) + rb"[\x00-\x1f]")
_ATTEMPT: Final = 16 * 1024
"""Bytes that could be decoded in the time that it takes to begin."""
_HEAD: Final = 8
_FLUSHED: Final = b"\x00\x00\xff\xff"
"""What a flush leaves at the end of deflated bytes (RFC 1951, 3.2.4: an empty block)."""


class Readable(Protocol):
    """What bytes are read from: a binary stream, or what stands in front of one."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most so many; none at the end."""
        ...


class Line(msgspec.Struct, frozen=True):
    """One line, without its line feed."""

    number: int
    """From 1, of the lines that could be read."""
    data: bytes


class Damage(msgspec.Struct, frozen=True):
    """A part of a file that gives no lines."""

    reason: str
    """What is wrong, in a sentence for people."""
    offset: int
    """Where in the file it begins, in bytes; in plain text, where its line begins."""
    length: int
    """How many bytes of the file it covers, as far as that is known."""
    after: int = 0
    """How many lines stand before it."""
    lost: bool = True
    """Whether it took something with it, or only may have; see `unfinished`."""
    unfinished: bool = False
    """Whether the file merely ends without the end of its last frame: it is still being
    written, or its writer was killed."""


def lines_of(stream: Readable) -> Iterator[Line | Damage]:
    """
    Yield each line of a file and each damage, in order. Blank lines are passed over.

    Raises:
        OSError: the stream cannot be read.
    """
    raw = _Raw(stream)
    raw.fill(_HEAD)
    begins = _begin_of(raw.buffer)
    pieces = _plain(raw) if begins is None else _Frames(raw, begins).pieces()
    yield from _Splitter().lines(pieces)


def _begin_of(start: bytearray) -> int | None:
    """Return where the first frame begins; None if this is plain text."""
    if _BEGINS.match(start) or _SKIPPABLE.match(start):
        return 0
    if start.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] == b"{":
        return None
    # The first bytes of a framed file may be damaged themselves.
    found = _BEGINS.search(start)
    return found.start() if found else None


class _Raw:
    """What was read of the stream and not yet let go."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.buffer = bytearray()
        self.offset = 0
        """Where in the file the buffer begins."""
        self.total = 0
        """Bytes that were read."""

    def fill(self, wanted: int) -> bool:
        """Have at least so many bytes, if there are; return whether there are."""
        while len(self.buffer) < wanted:
            data = self._stream.read(_READ)
            if not data:
                return False
            self.buffer += data
            self.total += len(data)
        return True

    def more(self) -> bool:
        """Read on; return False at the end."""
        return self.fill(len(self.buffer) + 1)

    def drop(self, size: int) -> None:
        """Let go of the first bytes."""
        size = min(size, len(self.buffer))
        del self.buffer[:size]
        self.offset += size


class _Piece(msgspec.Struct):
    data: bytes
    offset: int
    """Where the frame begins that it was in."""


def _plain(raw: _Raw) -> Iterator[_Piece | Damage]:
    while raw.buffer or raw.more():
        data, offset = bytes(raw.buffer), raw.offset
        raw.drop(len(data))
        yield _Piece(data, offset)


class _Decoder(Protocol):
    """What `zlib` and `zstandard` both have."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


class _Frames:
    """Takes frames apart, and finds the next one behind a damaged one."""

    def __init__(self, raw: _Raw, begins: int) -> None:
        self._raw = raw
        self._made = 0
        self._credit = _FREE
        self._credited = 0
        self._damage: Damage | None = None
        if begins:
            self._damaged("these bytes begin no frame", begins)

    def pieces(self) -> Iterator[_Piece | Damage]:
        """Yield what the frames hold, piece by piece."""
        raw = self._raw
        while raw.fill(_HEAD) or raw.buffer:
            begin = bytes(raw.buffer[:_HEAD])
            if _BEGINS.match(begin):
                yield from self._frame(begin)
            elif _SKIPPABLE.match(begin) and self._skipped(begin):
                continue
            else:
                self._resync("these bytes begin no frame", 0)
            if self._is_bomb():
                yield self._bomb()
                return
        if self._damage is not None:
            yield self._damage

    def _frame(self, begin: bytes) -> Iterator[_Piece | Damage]:
        raw = self._raw
        start, used, kept_from = raw.offset, 0, 0
        decoder, clean = _decoder_of(begin), False
        while not decoder.eof:
            if used - kept_from == len(raw.buffer) and not raw.more():
                yield from self._ended_within(start, used, clean)
                return
            at = used - kept_from
            # Byte by byte at the end, to see whether it is where a block ends.
            whole = raw.fill(at + _STEP)
            step = bytes(raw.buffer[at : at + (_STEP if whole else 1)])
            try:
                data = decoder.decompress(step)
            except (zlib.error, zstandard.ZstdError) as error:
                self._resync(f"a frame is damaged ({error})", at)
                return
            used += len(step)
            clean = bool(data) or raw.buffer.endswith(_FLUSHED)
            if data:
                yield from self._gave(data, start)
                if self._is_bomb():
                    return
            if used - kept_from > _KEPT + _READ:
                raw.drop(used - kept_from - _KEPT)
                kept_from = used - _KEPT
        raw.drop(used - kept_from - len(decoder.unused_data))

    def _gave(self, data: bytes, start: int) -> Iterator[_Piece | Damage]:
        if self._damage is not None:
            yield self._damage
            self._damage = None
        self._made += len(data)
        yield _Piece(data, start)

    def _ended_within(
        self, start: int, used: int, clean: bool
    ) -> Iterator[_Piece | Damage]:
        """The file ends, and the frame does not: torn, or damaged so that it runs on."""
        raw = self._raw
        if _BEGINS.search(raw.buffer, 1):
            self._resync("a frame is damaged (it does not end)", len(raw.buffer))
            return
        raw.drop(len(raw.buffer))
        if self._damage is not None:
            yield self._damage
            self._damage = None
        yield Damage(
            "the file ends in the middle of a frame",
            start,
            used,
            lost=not clean,
            unfinished=True,
        )

    def _skipped(self, begin: bytes) -> bool:
        """Pass over a frame that says it holds nothing for us (RFC 8878, 3.1.2)."""
        size = int.from_bytes(begin[4:8], "little")
        if len(begin) < _HEAD or size > _MAX_SKIPPED:
            return False
        self._raw.fill(_HEAD + size)
        self._raw.drop(_HEAD + size)
        return True

    def _resync(self, reason: str, used: int) -> None:
        """Go to the next place where a frame may begin, or to the end."""
        raw = self._raw
        # Looking into a damaged frame again and again must not cost without bound.
        self._credit += 8 * (raw.total - self._credited) - used - _ATTEMPT
        self._credited = raw.total
        search = 1 if self._credit > 0 else max(used, _READ)
        while True:
            found = _BEGINS.search(raw.buffer, search)
            if found:
                self._damaged(reason, found.start())
                return
            self._damaged(reason, max(0, len(raw.buffer) - _HEAD))
            search = 0
            if not raw.more():
                self._damaged(reason, len(raw.buffer))
                return

    def _damaged(self, reason: str, size: int) -> None:
        """Let go of damaged bytes; neighbours are one damage."""
        begin, length = self._raw.offset, size
        if self._damage is not None:
            reason, begin = self._damage.reason, self._damage.offset
            length = self._raw.offset + size - begin
        self._damage = Damage(reason, begin, length)
        self._raw.drop(size)

    def _is_bomb(self) -> bool:
        return self._made > _FREE + _RATIO * self._raw.total

    def _bomb(self) -> Damage:
        raw = self._raw
        return Damage(
            f"what was read so far expands to {self._made} bytes, more than {_RATIO} "
            "times its size, which no traffic does; the rest is not read",
            raw.offset,
            len(raw.buffer),
        )


def _decoder_of(begin: bytes) -> _Decoder:
    if begin.startswith(GZIP):
        return zlib.decompressobj(31)
    zstd = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    return zstd.decompressobj()


class _Splitter:
    """Cuts pieces into lines, none of them longer than `MAX_LINE`."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._from = 0
        self._endless = False
        self._number = 0

    def lines(self, pieces: Iterator[_Piece | Damage]) -> Iterator[Line | Damage]:
        """Yield lines, and damages with the number of lines before them."""
        for piece in pieces:
            if isinstance(piece, Damage):
                yield self._torn(piece)
            else:
                yield from self._cut(piece)
        if self._endless:
            yield self._too_long()
        elif line := self._end():
            yield line

    def _cut(self, piece: _Piece) -> Iterator[Line | Damage]:
        data, start = piece.data, 0
        while (end := data.find(b"\n", start)) >= 0:
            self._take(data[start:end], piece.offset)
            if self._endless:
                yield self._too_long()
            elif line := self._end():
                yield line
            start = end + 1
        self._take(data[start:], piece.offset)

    def _take(self, data: bytes, offset: int) -> None:
        if not self._size:
            self._from = offset
        self._size += len(data)
        if self._size > MAX_LINE:
            self._endless = True
            self._parts.clear()
        elif data:
            self._parts.append(data)

    def _end(self) -> Line | None:
        data = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        if not data or data.isspace():
            return None
        self._number += 1
        return Line(self._number, data)

    def _too_long(self) -> Damage:
        size, self._size, self._endless = self._size, 0, False
        self._number += 1
        return Damage(
            f"a line of {size} bytes; more than {MAX_LINE} are not read",
            self._from,
            0,
            self._number,
        )

    def _torn(self, damage: Damage) -> Damage:
        """Drop the line that the damage cut off."""
        had = bool(self._size)
        self._parts.clear()
        self._size, self._endless = 0, False
        return msgspec.structs.replace(
            damage, after=self._number, lost=damage.lost or had
        )
