"""One example of what a group stands for: two values, short enough for a line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.exchange import Difference, Kind, Part

__all__ = ["Example", "example_of"]

_LONGEST = 60
"""Characters of a value."""


class Example(msgspec.Struct, frozen=True):
    """What both sides said once, redacted as everything that is stored."""

    live: str | None
    """As JSON, cut where it is long; None where live has nothing there."""
    shadow: str | None
    """The same of the shadow."""


def example_of(samples: Iterable[StoredDivergence], fingerprint: str) -> Example | None:
    """
    Return what the first sample says of a group; None where none says anything.

    A status is in the words of its group, a latency has no values, and of a body that
    differs as a whole nothing is told but how long it is.
    """
    for sample in samples:
        for one in sample.record.differences:
            if one.group == fingerprint and _tells(one):
                return Example(
                    None if one.kind is Kind.ADDED else _short(one.live),
                    None if one.kind is Kind.MISSING else _short(one.shadow),
                )
    return None


def _tells(one: Difference) -> bool:
    return one.part in (Part.HEADER, Part.BODY) and bool(one.path)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
