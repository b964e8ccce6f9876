"""What rules hid that took values out before the comparison began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shadow_middleware.compare.findings import Findings, hidden
from shadow_middleware.compare.parse import unlike
from shadow_middleware.exchange import Kind

__all__ = ["Removed", "Way", "note_hidden", "way_keys"]

Way = tuple[Any, Any] | None
"""Where a value was: the key, below what, down to None for the body."""
Removed = Mapping[str, Sequence[tuple[Way, Any]]]
"""What was taken out of one body, by the name of the rule."""

MAX_LOOKED_AT = 2_000
"""Values of one rule that are told apart by what happened to them."""
_ABSENT = object()


def way_keys(way: Way) -> tuple[Any, ...]:
    """Return the keys from the root."""
    keys = []
    while way is not None:
        way, key = way
        keys.append(key)
    return tuple(reversed(keys))


def note_hidden(
    live: Any, shadow: Any, removed: tuple[Removed, Removed], findings: Findings
) -> None:
    """Note each rule that took out what differed, and what sorts of difference."""
    ours, theirs = removed
    for name in {**ours, **theirs}:
        left, right = ours.get(name, ()), theirs.get(name, ())
        if _differ([v for _, v in left], [v for _, v in right]):
            findings.tick()
            sorts = _sorts(live, shadow, left, right)
            for sort in sorted(sorts) or [str(Kind.CHANGED)]:
                findings.hit(name, sort)


def _sorts(
    live: Any,
    shadow: Any,
    left: Sequence[tuple[Way, Any]],
    right: Sequence[tuple[Way, Any]],
) -> set[str]:
    """Return what sorts of difference there are between what was at the same places."""
    ours = {way_keys(way): value for way, value in left[:MAX_LOOKED_AT]}
    theirs = {way_keys(way): value for way, value in right[:MAX_LOOKED_AT]}
    whole = len(left) <= MAX_LOOKED_AT and len(right) <= MAX_LOOKED_AT
    found = set()
    for keys in {**ours, **theirs}:
        one, other = ours.get(keys, _ABSENT), theirs.get(keys, _ABSENT)
        lost = one is _ABSENT or other is _ABSENT
        if (lost and not whole) or not _is_same_place(live, shadow, keys):
            continue
        if one is _ABSENT:
            found.add(str(Kind.ADDED))
        elif other is _ABSENT:
            found.add(str(Kind.MISSING))
        elif unlike(one, other):
            found.add(hidden(Kind.TYPE, one, other))
        elif _differ([one], [other]):
            found.add(str(Kind.CHANGED))
    return found


def _is_same_place(live: Any, shadow: Any, keys: tuple[Any, ...]) -> bool:
    """
    Whether keys lead to the same object in both bodies.

    Where a list on the way is longer on one side, an index means another row there.
    """
    for key in keys[:-1]:
        try:
            if isinstance(live, list) and len(live) != len(shadow):
                return False
            live, shadow = live[key], shadow[key]
        except (KeyError, IndexError, TypeError):
            return False
    if type(live) is not type(shadow):
        return False
    return not isinstance(live, list) or len(live) == len(shadow)


def _differ(ours: Sequence[Any], theirs: Sequence[Any]) -> bool:
    # As text, because 1 == True; the order of members may name a rule too often, and
    # so does what cannot be written.
    try:
        return repr(ours) != repr(theirs)
    except (ValueError, RecursionError):
        return True
