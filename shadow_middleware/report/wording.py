"""What changed, in words: from a group's key to a phrase that a newcomer understands."""

from __future__ import annotations

from collections.abc import Iterable

from shadow_middleware.exchange import Kind, Part
from shadow_middleware.knowledge import MANY, GroupKey

__all__ = ["SIZES", "change_of", "place_of", "shape_in_words", "what_changed"]

SIZES = {
    "tiny": "by next to nothing",
    "slight": "by up to 1 %",
    "some": "by up to 50 %",
    "large": "by more than 50 %",
}
"""How far two numbers are apart, from the least to the most."""


_SHAPES = {
    "array": "list",
    "decimal": "decimal in a text",
    "digits": "digits in a text",
    "empty": "empty text",
    "number": "decimal number",
    "string": "text",
    "timestamp epoch-ms": "timestamp in milliseconds",
    "timestamp epoch-ns": "timestamp in nanoseconds",
    "timestamp epoch-s": "timestamp in seconds",
    "timestamp epoch-s.f": "timestamp in seconds and their fractions",
    "timestamp epoch-us": "timestamp in microseconds",
}
"""Words for shapes that would not be understood by themselves."""
_OTHERS = {"bytes": "other bytes", "digits in a text": "other digits in a text"}
"""Of those that are many: how another of the same shape is called."""


def place_of(key: GroupKey) -> str:
    """Return where it is: `body /items/*/price`, `header etag`, `status`."""
    if key.path == MANY:
        return f"{key.part.value}, one of too many places to tell apart"
    if key.part is Part.HEADER:
        header, _, cookie = key.path.partition("/")
        return f"cookie {cookie}" if cookie else f"header {header}"
    path, _, label = key.path.partition(" ")
    place = f"{key.part.value} {path}".rstrip()
    # Only lines of a text have a label, and a line has no other name.
    return f'{key.part.value} line "{label}"' if label else place


def what_changed(key: GroupKey, sizes: Iterable[str] = ()) -> str:
    """
    Return place and change: `body /items/*/price: integer → decimal number`.

    Args:
        key: What the group is.
        sizes: How far numbers were apart, of all that was seen.
    """
    return f"{place_of(key)}: {change_of(key, sizes)}"


def change_of(key: GroupKey, sizes: Iterable[str] = ()) -> str:
    """Return the change alone: `integer → text`, `missing (live has a text)`."""
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


def shape_in_words(shape: str) -> str:
    """Return what a value is, in words: `list`, `UUID`, `decimal number`."""
    if shape == "text" or not shape:
        return shape
    if shape in ("jwt", "ulid", "url", "uuid"):
        return shape.upper()
    return _SHAPES.get(shape, shape)


def _values(key: GroupKey) -> str:
    live, shadow = shape_in_words(key.live), shape_in_words(key.shadow)
    if live != shadow:
        return f"{live or 'nothing'} → {shadow or 'nothing'}"
    return _OTHERS.get(live, f"another {live}") if live else "another value"


def _distance(sizes: Iterable[str]) -> str:
    """Return the widest of the distances, or that there are all sorts of them."""
    seen = [size for size in SIZES if size in set(sizes)]
    if not seen:
        return ""
    if seen[-1] == "large" and len(seen) > 1:
        return ", by little and by much"
    return f", {SIZES[seen[-1]]}"


def _inner(who: str, shape: str) -> str:
    words = shape_in_words(shape)
    if not words:
        return ""
    if words == "null":
        return f" ({who} null)"
    article = "an" if words[0] in "aeio" else "a"
    return f" ({who} {article} {words})"
