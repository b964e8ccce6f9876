"""
A divergence as it will rest: redacted first, then bounded.

Redaction comes before any cut, because a cut JSON document cannot be parsed, and
what cannot be parsed cannot be redacted by path.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from shadow_middleware.compare.decode import decode
from shadow_middleware.evidence import DivergenceRecord
from shadow_middleware.exchange import (
    Body,
    Difference,
    Headers,
    Replay,
    header_values,
)
from shadow_middleware.observe.marks import unexplained
from shadow_middleware.observe.whole import (
    END_OF_CUT,
    LEFT_OUT,
    is_comparable,
    is_replayable,
)

__all__ = [
    "Redacts",
    "bounded_text",
    "bounded_value",
    "divergence_record",
    "redacted_route",
]

_MAX_HEADERS = 100
_MAX_PATH = 2_000
_MAX_VALUE = 2_000
_MAX_NOTE = 500
_MARGIN = 8_192
"""Bytes decoded beyond what is kept, so that a redactor sees a secret there whole."""


def _every_header(name: bytes) -> bool:
    return True


class Redacts(Protocol):
    """Takes secrets out of what is about to be stored, logged or signalled."""

    def headers(self, headers: Headers) -> list[tuple[str, str]]:
        """Return the fields as text, with the values of secret ones masked."""
        ...

    def path(self, path: bytes, query: bytes = b"") -> str:
        """Return path and query as one text, with secrets masked."""
        ...

    def body(self, data: bytes, content_type: bytes | str = "") -> str:
        """Return a body, codings taken off, as bounded text with secrets masked."""
        ...

    def difference(self, difference: Difference) -> Difference:
        """Return the difference with both values masked where they are secret."""
        ...


def divergence_record(
    replay: Replay,
    route: str,
    redactor: Redacts,
    max_body: int,
    *,
    with_bodies: bool = True,
    is_sent: Callable[[bytes], bool] = _every_header,
) -> DivergenceRecord:
    """
    Return what is kept of a divergence.

    Args:
        replay: As the pipeline judged it.
        route: The name that it is counted under.
        redactor: Takes out secrets.
        max_body: Bytes kept of each body.
        with_bodies: False leaves bodies out, which cost most of the work.
        is_sent: Whether the target gets a header of that lower-case name.
    """
    exchange, request = replay.exchange, replay.exchange.request
    live, shadow = exchange.response, replay.response
    no_headers: Headers = ()
    live_headers = live.headers if live else no_headers
    shadow_headers = shadow.headers if shadow else no_headers

    def body(of: Body | None, headers: Headers) -> str:
        if of is None or not of.length:
            return ""
        if not with_bodies:
            return LEFT_OUT
        return _body_text(of, headers, redactor, max_body)

    record = DivergenceRecord(
        exchange_id=exchange.id,
        target=replay.target,
        at=exchange.at,
        route=bounded_text(route, _MAX_PATH),
        method=request.method,
        path=bounded_text(redactor.path(request.path, request.query), _MAX_PATH),
        live_status=live.status if live else None,
        shadow_status=shadow.status if shadow else None,
        live_ms=exchange.timing.total_ms,
        shadow_ms=replay.timing.total_ms if replay.timing else None,
        differences=tuple(
            _bounded_difference(redactor.difference(one)) for one in replay.differences
        ),
        cut=replay.cut,
        hint=replay.hint,
        after_drop=exchange.after_drop,
        request_headers=_bounded_headers(redactor.headers(request.headers)),
        request_body=body(request.body, request.headers),
        live_headers=_bounded_headers(redactor.headers(live_headers)),
        live_body=body(live.body if live else None, live_headers),
        shadow_headers=_bounded_headers(redactor.headers(shadow_headers)),
        shadow_body=body(shadow.body if shadow else None, shadow_headers),
        groups=groups_of(replay),
        version=replay.version,
    )
    return msgspec.structs.replace(
        record,
        replayable=is_replayable(record, request, is_sent),
        comparable=is_comparable(record, live, max_body),
    )


def groups_of(replay: Replay) -> tuple[str, ...]:
    """Return the fingerprints of the groups that a divergence belongs to."""
    return tuple(sorted({d.group for d in unexplained(replay.differences) if d.group}))


def _body_text(body: Body, headers: Headers, redactor: Redacts, limit: int) -> str:
    """Return the beginning of the body as text; where it was cut, it says so."""
    listed = b",".join(header_values(headers, b"content-encoding")).decode("latin-1")
    codings = [name.strip().lower() for name in listed.split(",") if name.strip()]
    data = (
        decode(body.data, codings, 2 * limit + _MARGIN).data if codings else body.data
    )
    content_type = b"".join(header_values(headers, b"content-type")[:1])
    text = bounded_text(redactor.body(data, content_type), limit)
    cut = not body.complete or len(data) > limit
    if cut and not text.endswith(END_OF_CUT):
        text += f"… ({body.length:,}{END_OF_CUT}"
    return text


def redacted_route(route: str, redactor: Redacts) -> str:
    """
    Return `METHOD /path` with the secrets in its path masked.

    Another name, such as `-`, holds none. Raises whatever the redactor does.
    """
    method, space, path = route.partition(" ")
    return f"{method} {redactor.path(path.encode())}" if space else route


def bounded_text(text: str, limit: int) -> str:
    """Return the text, cut to `limit` bytes of UTF-8 and marked where it is longer."""
    if len(text) * 4 <= limit:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return text
    return f"{data[:limit].decode('utf-8', 'ignore')}… ({len(data):,}{END_OF_CUT}"


def bounded_value(value: Any) -> Any:
    """Return a JSON value as it is if it is small, else the beginning of its text."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return bounded_text(value, _MAX_VALUE)
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return value if len(text) <= _MAX_VALUE else bounded_text(text, _MAX_VALUE)


def _bounded_difference(difference: Difference) -> Difference:
    return msgspec.structs.replace(
        difference,
        path=bounded_text(difference.path, _MAX_PATH),
        live=bounded_value(difference.live),
        shadow=bounded_value(difference.shadow),
        note=bounded_text(difference.note, _MAX_NOTE),
    )


def _bounded_headers(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    kept = [
        (bounded_text(name, _MAX_VALUE), bounded_text(value, _MAX_VALUE))
        for name, value in headers[:_MAX_HEADERS]
    ]
    if len(headers) > len(kept):
        kept.append(("…", f"{len(headers) - len(kept)} more fields"))
    return kept
