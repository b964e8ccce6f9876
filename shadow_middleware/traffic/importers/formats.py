"""The formats that can be imported, by name, and which of them a file is in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.traffic.importers import (
    alb,
    apache,
    goreplay,
    haproxy,
    har,
    nginx,
    otlp,
    tshark,
)
from shadow_middleware.traffic.importers.access import check, read_lines
from shadow_middleware.traffic.importers.layout import Layout, Parse
from shadow_middleware.traffic.importers.options import Options, Read, Unreadable
from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = ["ABOUT", "detected", "reader_of"]

ABOUT: Final = {
    "common": "the common log format of Apache and others",
    "combined": "the combined log format, which nginx and Apache write by default",
    "vhost_combined": "the combined format behind the name of the virtual host",
    "nginx": "a log_format of nginx; without --log-format the one we recommend",
    "apache": "a LogFormat of Apache; without --log-format the one we recommend",
    "haproxy": "HAProxy with option httplog",
    "alb": "AWS Application Load Balancer",
    "har": "HTTP Archive",
    "tshark": "packets, exported by tshark",
    "goreplay": "GoReplay's files",
    "otlp": "OpenTelemetry logs and server spans as lines of JSON",
}
"""Each format's name, and what it is in a few words."""

_FORMATS: Final = {
    "common": apache.COMMON,
    "combined": apache.COMBINED,
    "vhost_combined": apache.VHOST_COMBINED,
}
_OTHERS: Final[dict[str, Read]] = {
    "haproxy": haproxy.read,
    "alb": alb.read,
    "har": har.read,
    "tshark": tshark.read,
    "goreplay": goreplay.read,
    "otlp": otlp.read,
}
_SURE: Final = 0.8
"""The share of lines that a format has to fit to be taken for it."""
_LOOKED_AT: Final = 200
"""Lines that are looked at."""
_SIGNS: Final[tuple[tuple[str, Callable[[bytes], bool]], ...]] = (
    ("goreplay", lambda head: goreplay.SEPARATOR.strip() in head[:65536]),
    ("otlp", lambda head: head[:1] == b"{" and _has(head, b"resourceLogs")),
    ("otlp", lambda head: head[:1] == b"{" and _has(head, b"resourceSpans")),
    ("tshark", lambda head: head[:1] in b"{[" and b'"packets-' in head[:4096]),
    ("har", lambda head: head[:1] == b"{" and _has(head, b"log")),
)


def reader_of(name: str, options: Options) -> Read:
    """
    Return the importer of a format.

    Raises:
        ConfigurationError: there is none of this name, or the log format that the
            options give cannot be read.
    """
    if name in _OTHERS:
        return _OTHERS[name]
    if name not in ABOUT:
        raise ConfigurationError(
            f"{name!r} is no format; there are: auto, {', '.join(ABOUT)}"
        )
    parse = layout_of(name, options.log_format)
    what = f"the {name} format" if name in _FORMATS else f"the log format of {name}"

    def read(chunks: Iterable[bytes], given: Options) -> Iterator[Recorded | BadRecord]:
        return read_lines(chunks, given, parse, what)

    return read


@lru_cache(maxsize=32)
def layout_of(name: str, log_format: str) -> Layout:
    """
    Return what takes the lines of a format apart.

    Raises:
        ConfigurationError: the log format cannot be read.
    """
    if name == "nginx":
        return check(nginx.layout_of(log_format or nginx.RECOMMENDED))
    return check(
        apache.layout_of(_FORMATS.get(name) or log_format or apache.RECOMMENDED)
    )


def detected(head: bytes, *, whole: bool, options: Options) -> str:
    """
    Return the name of the format that a file is in.

    Args:
        head: How the file begins, at least a few lines.
        whole: Whether that is all of it.

    Raises:
        ConfigurationError: it is in none that is known, or it is not sure in which.
    """
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ConfigurationError(
            "it is UTF-16; give it as UTF-8: iconv -f UTF-16 -t UTF-8"
        )
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        raise ConfigurationError("it is empty")
    if head.startswith(b'{"capture":'):
        raise ConfigurationError("it is a capture file already; see: capture merge")
    for name, shows in _SIGNS:
        if shows(head):
            return name
    found = head.split(b"\n")
    lines = [line.rstrip(b"\r") for line in (found if whole else found[:-1] or found)]
    lines = [line for line in lines if line][:_LOOKED_AT]
    shares = {
        name: sum(map(fits, lines)) / len(lines)
        for name, fits in _line_formats(options).items()
    }
    sure = [name for name, share in shares.items() if share >= _SURE]
    if sure == ["combined", "vhost_combined"]:
        # A host and a blank more could be a client and a user with a blank; it is not.
        return sure[1]
    if len(sure) == 1:
        return sure[0]
    raise ConfigurationError(_unsure(shares, lines))


def _line_formats(options: Options) -> dict[str, Callable[[bytes], bool]]:
    parses: dict[str, Parse] = {
        name: layout_of(name, "") for name in (*_FORMATS, "nginx", "apache")
    }
    parses["haproxy"] = haproxy.Lines(options)
    parses["alb"] = alb.parse
    return {name: _Fits(parse) for name, parse in parses.items()}


class _Fits:
    """Whether a line fits a format."""

    def __init__(self, parse: Parse) -> None:
        self._parse = parse

    def __call__(self, line: bytes) -> bool:
        try:
            return self._parse(line) is not None
        except Unreadable:
            return True


def _has(head: bytes, key: bytes) -> bool:
    """Whether an object begins with this member, or has it soon."""
    return b'"' + key + b'"' in head[:4096]


def _unsure(shares: dict[str, float], lines: list[bytes]) -> str:
    some = {name: share for name, share in shares.items() if share > 0}
    if some:
        seen = ", ".join(f"{name} {share:.0%}" for name, share in some.items())
        why = f"its first {len(lines)} lines fit more than one or too few: {seen}"
    else:
        why = "its first lines fit none that is known"
    return (
        f"the format is not sure: {why}. Say --format NAME, or --format nginx or apache "
        "with --log-format and the server's own format"
    )
