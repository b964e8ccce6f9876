"""What changed, in words: from a group's key to a phrase that a newcomer understands."""

from __future__ import annotations

from collections.abc import Iterable

from shadow_middleware.exchange import Kind, Part
from shadow_middleware.knowledge import MANY, GroupKey

__all__ = ["SIZES", "change_of", "place_of", "what_changed"]

SIZES = {
    "tiny": "by next to nothing",
    "slight": "by up to 1 %",
    "some": "by up to 50 %",
    "large": "by more than 50 %",
}
"""How far two numbers are apart, from the least to the most."""


def place_of(key: GroupKey) -> str:
    """Return where it is: `body /items/*/price`, `header etag`, `status`."""
    if key.path == MANY:
        return f"{key.part.value} (further places, too many to tell apart)"
    return f"{key.part.value} {key.path}".rstrip()


def what_changed(key: GroupKey, sizes: Iterable[str] = ()) -> str:
    """
    Return place and change: `body /items/*/price: integer → number`.

    Args:
        key: What the group is.
        sizes: How far numbers were apart, of all that was seen.
    """
    return f"{place_of(key)}: {change_of(key, sizes)}"


def change_of(key: GroupKey, sizes: Iterable[str] = ()) -> str:
    """Return the change alone: `integer → number`, `missing (live has a string)`."""
    if key.part is Part.LATENCY:
        return "the shadow is slower"
    if key.kind is Kind.MISSING:
        return f"missing{_inner('live has', key.live)}"
    if key.kind is Kind.ADDED:
        return f"added{_inner('the shadow has', key.shadow)}"
    if key.kind is Kind.ORDER:
        return "same items, another order"
    if key.kind is Kind.UNCHANGED:
        return "the change that a rule expects did not come"
    return _values(key) + _distance(sizes)


def _values(key: GroupKey) -> str:
    live, shadow = key.live or "nothing", key.shadow or "nothing"
    if live != shadow:
        return f"{live} → {shadow}"
    return f"another {live}" if key.live else "another value"


def _distance(sizes: Iterable[str]) -> str:
    seen = {size for size in sizes if size in SIZES}
    known = [text for size, text in SIZES.items() if size in seen]
    return f" ({', '.join(known)})" if known else ""


def _inner(who: str, shape: str) -> str:
    if not shape:
        return ""
    if shape == "null":
        return f" ({who} null)"
    return f" ({who} {'an' if shape[0] in 'aeio' else 'a'} {shape})"
