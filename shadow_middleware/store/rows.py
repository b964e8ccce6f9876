"""
Between the words of evidence and the rows of tables. Pure.

What no database can hold is made visible instead: NUL, lone surrogates, numbers
that JSON does not have. Keys have a greatest length, so that an index can hold them.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from shadow_middleware.errors import RefusedByStoreError
from shadow_middleware.evidence import Batch, DivergenceRecord, StoredDivergence
from shadow_middleware.exchange import Difference, Outcome
from shadow_middleware.store.merging import PROGRESS, Row, merged

__all__ = [
    "LONG",
    "ROW_WEIGHT",
    "UNSENT",
    "count_rows",
    "divergence_rows",
    "dump_json",
    "fit",
    "in_short",
    "latency_rows",
    "loss_rows",
    "progress_rows",
    "to_record",
    "visible",
    "weight_of",
]

K = TypeVar("K", bound=tuple[Any, ...])

LONGEST_ROUTE = 300
LONGEST_NAME = 100
"""Characters. Postgres refuses index entries beyond 2,704 bytes; these stay below."""

UNSENT = (Outcome.DROPPED, Outcome.SKIPPED, Outcome.LIVE_ERROR)
"""Outcomes of exchanges that no shadow ever saw."""

_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
_UNFIT = re.compile(r"\\u0000|\\ud[89a-f]")
_Headers = list[tuple[str, str]]


def visible(text: str) -> str:
    """Return the text with NUL and lone surrogates made visible."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\u2400").encode(errors="backslashreplace").decode()


def fit(text: str, longest: int = LONGEST_NAME) -> str:
    """Return the text as a key: visible, and cut with a digest where it is too long."""
    text = visible(text)
    if len(text) <= longest:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{text[: longest - 13]}…{digest}"


def fit_route(route: str) -> str:
    """Return the route as a key."""
    return fit(route, LONGEST_ROUTE)


def dump_json(value: Any) -> str:
    """Return the value as JSON that SQLite and Postgres both take."""
    try:
        text = _encode(value)
    except ValueError:
        return _encode(_safe(value))
    return _encode(_safe(value)) if _UNFIT.search(text) else text


def _safe(value: Any) -> Any:
    match value:
        case str():
            return visible(value)
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {visible(str(key)): _safe(item) for key, item in value.items()}
        case list() | tuple():
            return [_safe(item) for item in value]
        case _:
            return value


def count_rows(batch: Batch) -> list[Row]:
    """Return one row for each key, in the order of keys."""
    pairs = (
        (
            (
                one.minute,
                fit(one.target),
                fit_route(one.route),
                str(one.outcome),
                fit(one.reason),
                fit(one.version),
            ),
            one.count,
        )
        for one in batch.counts
    )
    names = ("minute", "target", "route", "outcome", "reason", "version")
    return _added_up(names, pairs)


def latency_rows(batch: Batch) -> list[Row]:
    """Return one row for each key, in the order of keys."""
    pairs = (
        (
            (
                one.window,
                fit(one.target),
                fit_route(one.route),
                one.leg,
                one.bucket,
                fit(one.version),
            ),
            one.count,
        )
        for one in batch.latencies
    )
    names = ("window", "target", "route", "leg", "bucket", "version")
    return _added_up(names, pairs)


def loss_rows(batch: Batch) -> list[Row]:
    """Return one row for each key, in the order of keys."""
    pairs = (
        ((one.minute, fit(one.target), fit(one.reason)), one.count)
        for one in batch.losses
    )
    return _added_up(("minute", "target", "reason"), pairs)


def progress_rows(batch: Batch) -> list[Row]:
    """Return one row for each session and target, in their order."""
    rows = (
        msgspec.structs.asdict(one)
        | {"session": fit(one.session), "target": fit(one.target)}
        for one in batch.progress
    )
    return merged(rows, PROGRESS)


def _added_up(names: tuple[str, ...], pairs: Iterable[tuple[K, int]]) -> list[Row]:
    """
    Return rows that name each key once, sorted; none for what adds up to nothing.

    Sorted, because two transactions that lock rows in different orders deadlock.
    """
    sums: dict[K, int] = {}
    for key, count in pairs:
        sums[key] = sums.get(key, 0) + count
    return [
        {**dict(zip(names, key, strict=True)), "count": sums[key]}
        for key in sorted(sums)
        if sums[key]
    ]


def divergence_rows(batch: Batch) -> list[Row]:
    """
    Return one row for each divergence, in the order of their unique keys.

    Raises:
        RefusedByStoreError: a record holds what has no form in a row.
    """
    rows = [_divergence_row(record) for record in batch.divergences]
    return sorted(rows, key=lambda row: (row["exchange_id"], row["target"]))


_TEXTS: dict[str, Callable[[str], str]] = {
    "exchange_id": fit,
    "target": fit,
    "route": fit_route,
    "method": visible,
    "path": visible,
    "hint": visible,
    "request_body": visible,
    "live_body": visible,
    "shadow_body": visible,
    "version": fit,
}


ROW_WEIGHT = 500
"""Bytes of a stored divergence besides its texts: names, numbers, places in indexes."""

LONG = (
    "request_headers",
    "request_body",
    "live_headers",
    "live_body",
    "shadow_headers",
    "shadow_body",
)
"""Columns that a list of divergences does without."""


def _divergence_row(record: DivergenceRecord) -> Row:
    try:
        row: Row = msgspec.structs.asdict(record)
        row["differences"] = msgspec.to_builtins(record.differences)
        for name, shown in _TEXTS.items():
            row[name] = shown(row[name])
        row["weight"] = weight_of(record)
    except (TypeError, ValueError, RecursionError) as error:
        raise RefusedByStoreError(
            f"the divergence of exchange {record.exchange_id!r} cannot be stored: {error}"
        ) from error
    return row


def weight_of(record: DivergenceRecord) -> int:
    """Return about how many bytes a divergence takes in the store."""
    bodies = (record.request_body, record.live_body, record.shadow_body)
    headers = (record.request_headers, record.live_headers, record.shadow_headers)
    differences = dump_json(msgspec.to_builtins(record.differences))
    return (
        ROW_WEIGHT
        + sum(map(len, bodies))
        + sum(8 + len(name) + len(value) for some in headers for name, value in some)
        + len(differences)
    )


def in_short(stored: StoredDivergence) -> StoredDivergence:
    """Return a divergence without its headers and bodies."""
    nothing = {name: [] if name.endswith("headers") else "" for name in LONG}
    record = msgspec.structs.replace(stored.record, **nothing)
    return StoredDivergence(stored.id, record)


def to_record(row: Mapping[str, Any]) -> DivergenceRecord:
    """Return the record that a row holds."""
    fields = {name: row[name] for name in DivergenceRecord.__struct_fields__}
    fields["differences"] = msgspec.convert(
        fields["differences"], tuple[Difference, ...]
    )
    for name in ("request_headers", "live_headers", "shadow_headers"):
        fields[name] = msgspec.convert(fields[name] or [], _Headers)
    fields["groups"] = tuple(fields["groups"])
    return DivergenceRecord(**fields)
