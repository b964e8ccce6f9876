"""
The access log of AWS Application Load Balancers.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from shadow_middleware.traffic.importers.access import Fields, read_lines
from shadow_middleware.traffic.importers.layout import unescaped
from shadow_middleware.traffic.importers.options import Options, Unreadable
from shadow_middleware.traffic.importers.patterns import linear
from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = ["parse", "read"]

_LINE: Final = linear(
    rb"(?s)(https?|h2|grpcs|wss?) ([0-9T:.Z-]+) [^ ]+ "  # kind, end, balancer
    rb"([^ ]+):[0-9]+ [^ ]+ "  # client and target
    rb"(-?[0-9.]+) (-?[0-9.]+) (-?[0-9.]+) "  # times
    rb"([0-9]{3}|-) [^ ]+ [0-9]+ [0-9]+ "  # status, bytes
    rb"\"((?:[^\"\\]|\\.)*)\" \"((?:[^\"\\]|\\.)*)\""  # request and user agent
    # Ciphers, target group, trace, domain, certificate, rule, and when it began.
    rb"(?: [^ ]+ [^ ]+ [^ ]+ \"[^\"]*\" \"[^\"]*\" \"[^\"]*\" [^ ]+ ([0-9T:.Z-]+))?"
    rb"(?: .*)?"
)
_PORTS: Final = ((b"http://", b":80/"), (b"https://", b":443/"))


def read(chunks: Iterable[bytes], options: Options) -> Iterator[Recorded | BadRecord]:
    """Return the exchanges of a log of a load balancer."""
    yield from read_lines(chunks, options, parse, "the log of an AWS ALB")


def parse(line: bytes) -> Fields | None:
    """
    Return the fields of a line; None where it is none of a load balancer's.

    Raises:
        Unreadable: it tells of a WebSocket.
    """
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    kind, end, client, *times, status, request, agent, begin = found.groups()
    if kind in (b"ws", b"wss"):
        raise Unreadable("a WebSocket is no request with an answer")
    fields = {
        "client": client.strip(b"[]"),
        "status": status if status != b"-" else b"0",
        "request": _portless(unescaped(request)),
    }
    if agent not in (b"", b"-"):
        fields["h:user-agent"] = unescaped(agent)
    fields["end.iso" if begin is None else "begin.iso"] = begin or end
    waited, served, written = map(float, times)
    if min(waited, served, written) >= 0:
        fields["took.s"] = b"%.6f" % (waited + served + written)
        fields["first.s"] = b"%.6f" % (waited + served)
    return fields


def _portless(request: bytes) -> bytes:
    """Return the request without the port that clients leave out of `Host`."""
    for scheme, port in _PORTS:
        head, found, rest = request.partition(port)
        if (
            found
            and head.partition(b" ")[2].startswith(scheme)
            and b"/" not in (head.partition(scheme)[2])
        ):
            return head + b"/" + rest
    return request
