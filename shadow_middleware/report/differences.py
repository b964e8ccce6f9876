"""
Differences in groups: what a person reads instead of a thousand single ones.

Two differences belong together when they share route, part, path shape and kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from shadow_middleware.evidence import DivergenceRecord
from shadow_middleware.exchange import Difference, Kind

__all__ = ["DifferenceGroup", "described", "path_shape", "top_differences"]

_LONGEST = 200
"""Characters of a value on a line."""


class DifferenceGroup(msgspec.Struct, frozen=True):
    """Differences of one shape on one route, and how often they were seen."""

    target: str
    route: str
    part: str
    """`status`, `header`, `body` or `latency`."""
    path: str
    """Its shape: list positions stand as `*`; '' for the whole part."""
    kind: str
    """`missing`, `added`, `changed`, `type` or `order`."""
    divergences: int
    """Divergences with at least one of them."""
    example: str
    """The exchange id of the newest one, for `divergences show`."""


def described(difference: Difference) -> str:
    """Return one difference on a line: `body /price changed: 19.9 → 21`."""
    where = f"{difference.part.value} {difference.path}".rstrip()
    live, shadow = _short(difference.live), _short(difference.shadow)
    match difference.kind:
        case Kind.MISSING:
            change = f"live has {live}"
        case Kind.ADDED:
            change = f"shadow has {shadow}"
        case _:
            change = f"{live} → {shadow}"
    return f"{where} {difference.kind.value}: {change}"


def _short(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def path_shape(path: str) -> str:
    """Return a JSON-pointer path with every list position as `*`."""
    if not any(c.isdigit() for c in path):
        return path
    return "/".join("*" if part.isdecimal() else part for part in path.split("/"))


def top_differences(
    records: Iterable[DivergenceRecord],
) -> list[DifferenceGroup]:
    """
    Return all groups, those that most divergences show first.

    Args:
        records: The newest first.
    """
    seen: Counter[tuple[str, str, str, str, str]] = Counter()
    examples: dict[tuple[str, str, str, str, str], str] = {}
    for record in records:
        for key in {_key(record, one) for one in record.differences}:
            seen[key] += 1
            examples.setdefault(key, record.exchange_id)
    ranked = sorted(seen, key=lambda key: (-seen[key], key))
    return [DifferenceGroup(*key, seen[key], examples[key]) for key in ranked]


def _key(
    record: DivergenceRecord, difference: Difference
) -> tuple[str, str, str, str, str]:
    shape = path_shape(difference.path)
    part, kind = difference.part.value, difference.kind.value
    return (record.target, record.route, part, shape, kind)
