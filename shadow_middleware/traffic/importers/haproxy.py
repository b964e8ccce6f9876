"""
HAProxy's HTTP log, `option httplog`, with or without the head that syslog writes.

https://docs.haproxy.org/2.8/configuration.html#8.2.3. Captured headers stand in braces
without their names, so that the options have to name them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from shadow_middleware.traffic.importers.access import Fields, read_lines
from shadow_middleware.traffic.importers.options import Options, Unreadable
from shadow_middleware.traffic.importers.patterns import linear
from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = ["Lines", "read"]

_LINE: Final = linear(
    rb"(?s)(?:.*? )?"
    rb"([0-9A-Fa-f.:]+):[0-9]+ "  # client
    rb"\[([0-9]{1,2}/[A-Za-z]{3}/[0-9]{4}:[0-9:]{8}\.[0-9]{1,6})\] "  # accepted
    rb"[^ ]+ [^ ]+/[^ ]+ "  # frontend, backend and server
    rb"(-?[0-9]+)/(-?[0-9]+)/(-?[0-9]+)/(-?[0-9]+)/\+?(-?[0-9]+) "  # timers
    rb"(-?[0-9]+) \+?[0-9]+ [^ ]+ [^ ]+ [^ ]{2,4} "  # status, bytes, cookies, end
    rb"[0-9/+-]+ [0-9]+/[0-9]+ "  # connections and queues
    rb"(?:\{([^}]*)\} )?(?:\{([^}]*)\} )?"  # captured headers
    rb"\"([^\"]*)\"?(?: .*)?"  # request; what httpslog adds
)
_ENDED: Final = re.compile(rb" HTTP/[0-9.]+\Z")
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")


def read(chunks: Iterable[bytes], options: Options) -> Iterator[Recorded | BadRecord]:
    """Return the exchanges of a log of HAProxy."""
    yield from read_lines(chunks, options, Lines(options), "HAProxy's HTTP log")


class Lines:
    """Takes lines apart. Call it with one."""

    def __init__(self, options: Options) -> None:
        self._asking = [name.lower() for name in options.request_headers]
        self._answering = [name.lower() for name in options.response_headers]

    def __call__(self, line: bytes) -> Fields | None:
        """
        Return the fields of a line; None where it is none of HAProxy's.

        Raises:
            Unreadable: the request was too long for the log.
        """
        found = _LINE.fullmatch(line)
        if found is None:
            return None
        client, begin, *timers, status, first, second, request = found.groups()
        fields = {
            "client": client,
            "begin.clf": begin,
            "status": status,
            "request": _whole(_plain(request)),
        }
        _add_timers(fields, [int(timer) for timer in timers])
        if second is None and not self._asking:
            first, second = None, first
        self._capture(fields, "h:", self._asking, first)
        self._capture(fields, "r:", self._answering, second)
        return fields

    def _capture(
        self, fields: Fields, mark: str, names: list[str], values: bytes | None
    ) -> None:
        if values is None:
            return
        for name, value in zip(names, values.split(b"|"), strict=False):
            if value:
                fields[mark + name] = _plain(value)


def _add_timers(fields: Fields, timers: list[int]) -> None:
    """Set how long it took: milliseconds, -1 where a stage was never reached."""
    if timers[-1] >= 0:
        fields["took.ms"] = b"%d" % timers[-1]
    if min(timers[:-1]) >= 0:
        fields["first.ms"] = b"%d" % sum(timers[:-1])


def _whole(request: bytes) -> bytes:
    """Return the request line, unless HAProxy cut it: it would ask for something else."""
    if b" /" in request and not _ENDED.search(request):
        raise Unreadable(
            "the request line was cut: raise tune.http.logurilen, which is 1024"
        )
    return request


def _plain(value: bytes) -> bytes:
    """Return the value without the `#22` that HAProxy writes for a quote."""
    if b"#" not in value:
        return value
    return _ESCAPED.sub(lambda found: bytes((int(found[1], 16),)), value)
