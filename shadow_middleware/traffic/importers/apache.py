"""Apache's `LogFormat`: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html."""

from __future__ import annotations

import re
from typing import Final

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.traffic.importers.layout import Layout
from shadow_middleware.traffic.importers.patterns import Escape, Field, Kind, Piece

__all__ = [
    "COMBINED",
    "COMMON",
    "RECOMMENDED",
    "VHOST_COMBINED",
    "layout_of",
    "pieces_of",
]

COMMON: Final = '%h %l %u %t "%r" %>s %b'
COMBINED: Final = COMMON + ' "%{Referer}i" "%{User-Agent}i"'
VHOST_COMBINED: Final = "%v:%p " + COMBINED
RECOMMENDED: Final = (
    r'LogFormat "%{begin:usec}t %D %a %u %>s %B \"%r\" \"%{Host}i\" \"%{Accept}i\"'
    r" \"%{Accept-Language}i\" \"%{Accept-Encoding}i\" \"%{Content-Type}i\""
    r" \"%{Content-Length}i\" \"%{User-Agent}i\" \"%{Referer}i\""
    r" \"%{If-None-Match}i\" \"%{Range}i\" \"%{X-Requested-With}i\" \"%{Origin}i\""
    r' \"%{Content-Type}o\" \"%{Location}o\" \"%{ETag}o\" \"%{Content-Length}o\"" shadow'
)
"""The most faithful format without credentials; Apache logs no bodies."""

_TOLD: Final = {
    "a": ("client", Kind.WORD),
    "h": ("client", Kind.WORD),
    "A": ("", Kind.WORD),
    "B": ("sent", Kind.NUMBER),
    "b": ("sent", Kind.NUMBER),
    "D": ("took.us", Kind.NUMBER),
    "H": ("protocol", Kind.WORD),
    "I": ("", Kind.NUMBER),
    "k": ("", Kind.NUMBER),
    "l": ("", Kind.WORD),
    "m": ("method", Kind.WORD),
    "O": ("", Kind.NUMBER),
    "p": ("", Kind.NUMBER),
    "P": ("", Kind.WORD),
    "q": ("?query", Kind.QUERY),
    "r": ("request", Kind.TEXT),
    "S": ("", Kind.NUMBER),
    "s": ("status", Kind.NUMBER),
    "T": ("took.s", Kind.NUMBER),
    "u": ("user", Kind.TEXT),
    "U": ("decoded", Kind.PATH),
    "v": ("server", Kind.HOST),
    "V": ("server", Kind.HOST),
    "X": ("", Kind.WORD),
}
_NAMED: Final = {"i": "h:", "o": "r:", "C": "c:"}
_UNITS: Final = {"s": "took.s", "ms": "took.ms", "us": "took.us"}
_CLOCKS: Final = {"sec": "s", "msec": "ms", "usec": "us"}
_PARTS: Final = {"msec_frac": "part.ms", "usec_frac": "part.us"}
_DIRECTIVE: Final = re.compile(
    r'\s*LogFormat\s+"(?P<text>(?:[^"\\]|\\.)*)"(?:\s+(?P<name>\S+))?\s*\Z'
)
_PERCENT: Final = re.compile(
    r"%(?:%|(?P<when>[<>]|!?[0-9]{3}(?:,[0-9]{3})*)*"
    r"(?:\{(?P<what>[^}]*)\})?(?P<letter>\^[A-Za-z]{2}|[A-Za-z]))"
)


def layout_of(text: str) -> Layout:
    """
    Return the parser of a format, given alone or as the whole `LogFormat` directive.

    Raises:
        ConfigurationError: it is none that lines could be read by.
    """
    return Layout(pieces_of(text), Escape.BACKSLASH)


def pieces_of(text: str) -> list[Piece]:
    """
    Return the literal text and the fields of a format, in order.

    Raises:
        ConfigurationError: it is no format.
    """
    if text.lstrip().startswith("LogFormat"):
        found = _DIRECTIVE.match(text)
        if found is None:
            raise ConfigurationError(
                'this is no LogFormat directive of Apache; write: LogFormat "..." NAME'
            )
        text = found["text"]
    return _pieces(_unquoted(text))


def _unquoted(text: str) -> str:
    written = {r"\n": "\n", r"\t": "\t"}
    return re.sub(r"\\.", lambda each: written.get(each[0], each[0][1]), text)


def _pieces(text: str) -> list[Piece]:
    made: list[Piece] = []
    end = 0
    for found in _PERCENT.finditer(text):
        literal = text[end : found.start()]
        end = found.end()
        letter = found["letter"]
        if letter is None:
            literal += "%"
        if literal:
            made.append(literal.encode())
        if letter is not None:
            made += _fields(letter, found["what"], found[0])
    if end < len(text):
        made.append(text[end:].encode())
    return made


def _fields(letter: str, what: str | None, written: str) -> list[Piece]:
    if letter == "t":
        return _time(what, written)
    if letter in _NAMED and what:
        name = what if letter == "C" else what.lower()
        return [Field(_NAMED[letter] + name, written)]
    if letter == "T" and what:
        return [Field(_UNITS.get(what.lower(), ""), written, Kind.NUMBER)]
    if letter not in _TOLD:
        return [Field("", written)]
    told, kind = _TOLD[letter]
    if letter == "b":
        return [Field(told, written, kind, absent=b"0")]
    # `%{c}a` is the peer of the connection, which may be a proxy; `%{remote}p` a port.
    return [Field("" if what and letter in "ap" else told, written, kind)]


def _time(what: str | None, written: str) -> list[Piece]:
    if not what:
        return [b"[", Field("begin.clf", written, Kind.CLF_TIME), b"]"]
    when, colon, form = what.partition(":")
    if not (colon and when in ("begin", "end")):
        when, form = "begin", what
    if form in _CLOCKS:
        return [Field(f"{when}.{_CLOCKS[form]}", written, Kind.NUMBER)]
    if form in _PARTS:
        return [Field(f"{when}.{_PARTS[form]}", written, Kind.NUMBER)]
    return [Field(f"{when}.as:{form}", written)]
