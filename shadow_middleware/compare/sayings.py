"""What is said of a difference beside where it is: shapes, size, likeness."""

from __future__ import annotations

from typing import Any, NamedTuple

from shadow_middleware.compare.likeness import HOST_MARK, Likeness
from shadow_middleware.compare.spans import (
    Span,
    label_of,
    label_of_line,
    name_before,
    spans_of,
)
from shadow_middleware.compare.value_shapes import shape_of, shapes_of, size_of
from shadow_middleware.exchange import Kind

__all__ = ["Saying", "say"]

SHORTEST = 9
"""Characters below which a text is not looked into."""


MAX_PLACES = 3
"""Places of one line, none of them explained, beyond which it is another text."""


class Saying(NamedTuple):
    """What is said of a difference, or of one of the places that it is made of."""

    live_is: str = ""
    shadow_is: str = ""
    size: str = ""
    alike: str = ""
    label: str = ""
    """What names the place within a line of text."""
    at: tuple[int, int] = (0, 0)
    """Where the place begins, on each side."""


def say(
    kind: Kind, live: Any, shadow: Any, name: str, likeness: Likeness, *, line: bool
) -> list[Saying]:
    """
    Return what is to be said, once for each likeness within a text.

    `name` is that of the field, `line` whether the values are lines of a text.
    """
    if kind is Kind.CHANGED and isinstance(live, str) and isinstance(shadow, str):
        return _of_texts(live, shadow, name, likeness, line)
    ours = "" if kind is Kind.ADDED else shape_of(live, name)
    theirs = "" if kind is Kind.MISSING else shape_of(shadow, name)
    if kind is Kind.CHANGED:
        alike = likeness.of(live, shadow, name)
        return [Saying(ours, theirs, size_of(live, shadow), alike)]
    shown = shadow if kind is Kind.ADDED else live
    label = label_of_line(shown) if line and shown else ""
    return [Saying(ours, theirs, label=label)]


def _of_texts(
    live: str, shadow: str, name: str, likeness: Likeness, line: bool
) -> list[Saying]:
    alike = likeness.of(live, shadow, name)
    whole = Saying(
        *shapes_of(live, shadow, name),
        _size(live, shadow, alike, likeness),
        alike,
        label_of_line(live) if line else "",
    )
    if whole.alike or min(len(live), len(shadow)) < SHORTEST:
        return [whole]
    places = _places(live, shadow, name, likeness, line)
    return _folded(places, whole, line) if places else [whole]


def _places(
    live: str, shadow: str, name: str, likeness: Likeness, line: bool
) -> list[Saying]:
    bare = likeness.without_hosts(live, shadow)
    hosts = bare[0] != live and bare[1] != shadow
    found = []
    if hosts:
        at = bare[0].find(HOST_MARK)
        label = label_of(bare[0], at) if line else ""
        found.append(Saying("url", "url", alike="host", label=label))
    for span in spans_of(*bare):
        found += _of_span(span, bare[0], name, likeness, line)
    return found


def _of_span(
    span: Span, text: str, name: str, likeness: Likeness, line: bool
) -> list[Saying]:
    whole = _of_piece(span, text, name, likeness, line)
    if whole.alike or min(len(span.live), len(span.shadow)) < SHORTEST:
        return [whole]
    inner = spans_of(span.live, span.shadow, within=True)
    moved = [Span(a, b, span.live_at + c, span.shadow_at + d) for a, b, c, d in inner]
    found = [_of_piece(piece, text, name, likeness, line) for piece in moved]
    return found or [whole]


def _of_piece(
    span: Span, text: str, name: str, likeness: Likeness, line: bool
) -> Saying:
    nearer = name_before(text, span.live_at) or name
    alike = likeness.of(span.live, span.shadow, nearer)
    return Saying(
        *shapes_of(span.live, span.shadow, nearer),
        _size(span.live, span.shadow, alike, likeness),
        alike,
        label_of(text, span.live_at) if line else "",
        (span.live_at, span.shadow_at),
    )


def _folded(places: list[Saying], whole: Saying, line: bool) -> list[Saying]:
    """
    Return each explained place, and what is not explained.

    Within a field one saying stands for all places of a likeness; in a line each
    label has its own. Without any likeness the field as a whole is what differs.
    """
    if not line and not any(place.alike for place in places):
        return [whole]
    kept: dict[tuple[str, str], Saying] = {}
    unexplained: dict[tuple[str, str], list[Saying]] = {}
    for place in places:
        key = (place.alike, place.label)
        kept.setdefault(key, place)
        if not place.alike:
            unexplained.setdefault(key, []).append(place)
    for key, group in unexplained.items():
        if len({(p.live_is, p.shadow_is) for p in group}) > 1:
            kept[key] = group[0]._replace(live_is="text", shadow_is="text", size="")
    if len(places) > MAX_PLACES and not any(place.alike for place in places):
        return [whole._replace(label=whole.label or places[0].label)]
    return list(kept.values())


def _size(live: str, shadow: str, alike: str, likeness: Likeness) -> str:
    """Return the size of a step; of times, too, that do not follow their requests."""
    return size_of(live, shadow) or ("" if alike else likeness.apart(live, shadow))
