"""Values as a person can read them: JSON-safe, and never longer than a few lines."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["MAX_TEXT", "clip", "shown", "shown_pair"]

MAX_TEXT = 240
"""Characters of one shown value."""
MAX_MEMBERS = 40
MAX_ENCODED = 600
MAX_LEVELS = 8
LARGEST_INT = 2**63 - 1
LEAD = 40
"""Characters shown before the first one that differs."""


def clip(text: str, start: int = 0) -> str:
    """Return at most `MAX_TEXT` characters of `text` from `start`, marked as cut."""
    if start <= 0 and len(text) <= MAX_TEXT:
        return text
    start = max(start, 0)
    cut = text[start : start + MAX_TEXT]
    tail = f"… ({len(text)} characters)" if start + MAX_TEXT < len(text) else ""
    return f"{'…' if start else ''}{cut}{tail}"


def shown(value: Any) -> Any:
    """Return `value`, or a short description where it is long or cannot be JSON."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -LARGEST_INT <= value <= LARGEST_INT else clip(_digits(value))
    if isinstance(value, str):
        return _safe(clip(value))
    if isinstance(value, dict | list):
        return _shown_container(value)
    return _safe(clip(str(value)))


def shown_pair(live: Any, shadow: Any, at: tuple[int, int] = (0, 0)) -> tuple[Any, Any]:
    """
    Return both as `shown`, long texts clipped around where they first differ.

    Or around `at`, where that is said.
    """
    if not (isinstance(live, str) and isinstance(shadow, str)):
        return shown(live), shown(shadow)
    if len(live) <= MAX_TEXT and len(shadow) <= MAX_TEXT:
        return _safe(live), _safe(shadow)
    if any(at):
        return _safe(clip(live, at[0] - LEAD)), _safe(clip(shadow, at[1] - LEAD))
    start = first_difference(live, shadow) - LEAD
    return _safe(clip(live, start)), _safe(clip(shadow, start))


def first_difference(live: Any, shadow: Any) -> int:
    """
    Return the first index at which two texts, or two bytes, differ.

    By halves, so that the work is done in C.
    """
    low, high = 0, min(len(live), len(shadow))
    if live[:high] == shadow[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if live[low:middle] == shadow[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _shown_container(value: dict[str, Any] | list[Any]) -> Any:
    if len(value) <= MAX_MEMBERS:
        try:
            encoded = msgspec.json.encode(value)
        except (TypeError, ValueError, OverflowError, RecursionError):
            return _safe(clip(_outline(value)))
        if len(encoded) <= MAX_ENCODED and _is_plain(value):
            return value
    return _safe(clip(_outline(value)))


def _is_plain(value: Any, levels: int = MAX_LEVELS) -> bool:
    if isinstance(value, dict):
        return levels > 0 and all(_is_plain(v, levels - 1) for v in value.values())
    if isinstance(value, list):
        return levels > 0 and all(_is_plain(item, levels - 1) for item in value)
    return not isinstance(value, int) or -LARGEST_INT <= value <= LARGEST_INT


def _outline(value: dict[str, Any] | list[Any]) -> str:
    if isinstance(value, list):
        return f"list of {len(value)} items"
    names = ", ".join(str(name) for name, _ in zip(value, range(8), strict=False))
    return f"object with {len(value)} members: {names}{', …' if len(value) > 8 else ''}"


def _digits(value: int) -> str:
    # str() of an int over 4,300 digits raises ValueError; the bit length is cheap.
    if value.bit_length() > 4096:
        return f"integer of {value.bit_length()} bits"
    return str(value)


def _safe(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
