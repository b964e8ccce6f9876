"""
A stored request as a `curl` command that a person can run.

Everything of the outside stands in quotes that no shell looks into, and nothing of it
can become an option, a file name or a pattern of curl's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from shlex import quote

import msgspec

from shadow_middleware.evidence import DivergenceRecord

__all__ = ["MASK", "Command", "Part", "command_of", "quoted", "spoken"]

MASK = "[redacted]"
"""What stands in place of a secret that was taken out before it was stored."""

_LEFT_OUT = frozenset(
    {
        "accept-encoding",  # --compressed says it
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "transfer-encoding",
    }
)
_OWN = ("User-Agent", "Accept", "Content-Type", "Expect")
"""What curl adds where nobody says otherwise."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Part(msgspec.Struct, frozen=True):
    """A part of the command."""

    text: str
    masked: bool = False
    """Whether it stands for a secret, which has to be put in before it is run."""


class Command(msgspec.Struct, frozen=True):
    """A command line, and what is to be known of it."""

    parts: tuple[Part, ...]
    masked: bool
    """Whether a secret has to be put in."""
    whole: bool
    """Whether it is the request that was sent: nothing masked, nothing cut."""


def command_of(record: DivergenceRecord, address: str) -> Command:
    """
    Return the request of a divergence as a command.

    Args:
        record: As it is stored.
        address: Where to send it, as `http://127.0.0.1:8000`.
    """
    text = " \\\n  ".join(_words(record, address.rstrip("/")))
    parts = tuple(_parts(text))
    masked = any(part.masked for part in parts)
    # No shell can hand a NUL on.
    whole = record.replayable and not masked and "\\x00" not in text
    return Command(parts, masked, whole)


def _words(record: DivergenceRecord, address: str) -> Iterator[str]:
    path = record.path if record.path.startswith("/") else f"/{record.path}"
    yield from spoken(
        record.method,
        address + path,
        record.request_headers,
        has_body=bool(record.request_body),
    )
    if record.request_body:
        yield f"--data-raw {quoted(record.request_body)}"


def spoken(
    method: str,
    url: str,
    headers: Sequence[tuple[str, str]],
    *,
    has_body: bool,
    exact: bool = False,
) -> Iterator[str]:
    """
    Return the words of a command up to the body.

    Args:
        headers: Bytes that are no UTF-8 may stand in it as surrogates.
        exact: Whether curl must not add headers of its own, nor ask for compression
            by its own list.
    """
    yield f"curl --globoff --path-as-is {quoted(url)}"
    if method == "HEAD" and not has_body:
        yield "--head"
    elif method != "GET" or has_body:
        yield f"--request {quoted(method)}"
    yield from _headers(headers, exact=exact)
    if exact:
        named = {name.lower() for name, _ in headers}
        yield from (f"--header '{name}:'" for name in _OWN if name.lower() not in named)


def _headers(fields: Iterable[tuple[str, str]], *, exact: bool) -> Iterator[str]:
    compressed = False
    for name, value in fields:
        accepts = name.lower() == "accept-encoding"
        compressed = compressed or accepts
        # A name that is none could be `@file`, which curl would read.
        if _NAME.match(name) and (name.lower() not in _LEFT_OUT or (exact and accepts)):
            yield f"--header {quoted(f'{name}: {value}' if value else f'{name};')}"
    if compressed and not exact:
        yield "--compressed"


def quoted(text: str) -> str:
    """Return the text as one word of a shell, whatever is in it."""
    if text.isprintable():
        return quote(text)
    return f"$'{''.join(map(_escaped, text))}'"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    if "\udc80" <= character <= "\udcff":
        # A byte that was no UTF-8, as `surrogateescape` holds it.
        return f"\\x{ord(character) & 0xFF:02x}"
    data = character.encode("utf-8", "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in data)


def _parts(text: str) -> Iterator[Part]:
    pieces: Sequence[str] = text.split(MASK)
    for at, piece in enumerate(pieces):
        if at:
            yield Part(MASK, masked=True)
        if piece:
            yield Part(piece)
