"""
Recorded exchanges as `curl` commands that send the same bytes again.

For bash and zsh: bytes that cannot be seen stand as `$'\\x00'` does. A body that no
argument can hold, with a zero byte or very long, goes through a pipe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from shadow_middleware.exchange import Exchange, Headers, Request
from shadow_middleware.report.curl import quoted, spoken
from shadow_middleware.report.figures import printable
from shadow_middleware.traffic.recorded import Missing, Recorded

__all__ = ["exported"]

_LONGEST: Final = 64 * 1024
"""Bytes of a body that stand in an argument; Linux takes 128 KiB."""
_INTO_A_PIPE: Final = [
    chr(byte) if 0x20 <= byte < 0x7F and byte not in b"'%\\" else f"\\{byte:03o}"
    for byte in range(256)
]
_CANNOT: Final = {
    Missing.REQUEST_BODY: "the body is not known",
    Missing.REQUEST_HEADERS: "some headers are not known",
    Missing.EXACT_TARGET: "path and query were decoded",
}


def exported(records: Iterable[Recorded], address: str = "") -> Iterator[str]:
    """
    Return a comment and a command for each exchange.

    Args:
        address: Where to send them, as `http://127.0.0.1:8000`; left out: to the host
            that they name.
    """
    for recorded in records:
        yield f"# {_comment(recorded)}\n{_command(recorded.exchange, address)}\n\n"


def _comment(recorded: Recorded) -> str:
    exchange = recorded.exchange
    moment = datetime.fromtimestamp(exchange.at, UTC).isoformat(" ", "milliseconds")
    status = exchange.response.status if exchange.response else "no answer recorded"
    warnings = [text for lack, text in _CANNOT.items() if lack in recorded.missing]
    warnings += [f"masked: {place}" for place in recorded.masked]
    if exchange.withheld:
        warnings.append(f"left out: {', '.join(exchange.withheld)}")
    told = [f"{recorded.place or exchange.id}  {moment}  -> {status}", *warnings]
    return printable("; ".join(told)).replace("\n", " ")


def _command(exchange: Exchange, address: str) -> str:
    request = exchange.request
    data = request.body.data
    words = list(
        spoken(
            request.method,
            _url(request, address.rstrip("/")),
            [(_text(name), _text(value)) for name, value in request.headers],
            has_body=bool(data),
            exact=True,
        )
    )
    if not data:
        return " \\\n  ".join(words)
    if b"\x00" not in data and len(data) <= _LONGEST:
        return " \\\n  ".join([*words, f"--data-raw {quoted(_text(data))}"])
    piped = "".join(map(_INTO_A_PIPE.__getitem__, data))
    return f"printf '{piped}' | " + " \\\n  ".join([*words, "--data-binary @-"])


def _url(request: Request, address: str) -> str:
    target = _text(request.path_and_query)
    if not target.startswith("/"):
        target = f"/{target}"
    return (address or f"{request.scheme}://{_host(request.headers)}") + target


def _host(headers: Headers) -> str:
    found = (_text(value) for name, value in headers if name.lower() == b"host")
    return next(found, "") or "live.invalid"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
