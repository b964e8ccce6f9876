"""
Which rule speaks of which finding, told from its key alone.

The comparison asks the same of real values; here only shapes are known. So there are
two answers: whether a rule is sure to explain a finding, and whether it might.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from shadow_middleware.compare.globs import (
    PathMatcher,
    compile_name,
    split_pointer,
)
from shadow_middleware.compare.value_shapes import family
from shadow_middleware.exchange import Kind, Part
from shadow_middleware.knowledge import MANY, GroupKey
from shadow_middleware.report.wording import SIZES
from shadow_middleware.rule import VALUE_SHAPES, Rule

__all__ = ["WITHIN", "Cell", "explains", "may_hide", "named_path"]

WITHIN = {"tiny": 1e-9, "slight": 0.01, "some": 0.5}
"""For each size of a step the share of the larger number that it stays within."""

_DEEP = "**"
_NUMBERS = frozenset(("integer", "number"))
_NUMERALS = frozenset(("digits", "decimal"))
"""What numbers are in a header, where all is text."""


class Cell(msgspec.Struct, frozen=True):
    """A finding at one size: what a rule can speak of."""

    key: GroupKey
    size: str = ""
    """For numbers, how far they are apart."""
    alike: str = ""
    """What both values are, where that may explain that they differ."""

    @classmethod
    def of(cls, key: GroupKey, name: str) -> Cell:
        """Return the cell that noise is counted under as `name`: `uuid`, `float tiny`."""
        words = name.split()
        size = words.pop() if words and words[-1] in SIZES else ""
        return cls(key, size, " ".join(words))

    @property
    def shapes(self) -> tuple[str, ...]:
        """What both values are, of what a rule can name, the surest first."""
        key = self.key
        same = family(key.live) if key.live == key.shadow else ""
        return tuple(shape for shape in (self.alike, same) if shape in VALUE_SHAPES)


def explains(rule: Rule, cell: Cell) -> bool:
    """Whether the rule is sure to take away all that the cell stands for."""
    if rule.action == "expect" or rule.matches or rule.keyed_by:
        return False
    if cell.key.path == MANY and rule.path != _DEEP:
        return False
    return (
        _concerns(rule, cell.key)
        and _path_fits(rule, cell.key)
        and _takes_away(rule, cell)
    )


def may_hide(rule: Rule, cell: Cell) -> bool:
    """Whether the rule could take away something that the cell stands for."""
    key = cell.key
    if rule.action == "expect" or not _concerns(rule, key, perhaps=True):
        return False
    if key.path != MANY and not _path_overlaps(rule, key):
        return False
    if rule.matches or rule.keyed_by:
        return True
    unknown = rule.relative > 0 and key.kind is Kind.CHANGED and not cell.size
    return unknown or _takes_away(rule, cell)


def _concerns(rule: Rule, key: GroupKey, *, perhaps: bool = False) -> bool:
    """Whether target, part and route fit; `perhaps` counts what cannot be told."""
    if rule.part != key.part.value or not _name_fits(rule.target, key.target):
        return False
    if key.route == MANY:
        return perhaps or rule.route == _DEEP
    method, _, route = rule.route.rpartition(" ")
    called, _, place = key.route.rpartition(" ")
    if method.strip().upper() not in ("", "*", called):
        return False
    return _fits(route, place)


def _takes_away(rule: Rule, cell: Cell) -> bool:
    key = cell.key
    if rule.kind and rule.kind != key.kind.value:
        return False
    if rule.shape and rule.shape not in cell.shapes:
        return False
    if rule.action == "ignore":
        return key.kind is not Kind.UNCHANGED
    if rule.statuses:
        return {key.live, key.shadow} <= {str(status) for status in rule.statuses}
    if rule.unordered:
        return key.kind is Kind.ORDER
    within = rule.relative >= WITHIN.get(cell.size, 2.0)
    return key.kind is Kind.CHANGED and within and _is_measured(key)


def _is_measured(key: GroupKey) -> bool:
    """Whether both are numbers: a body's texts are never measured, however they look."""
    kinds = _NUMERALS if key.part is Part.HEADER else _NUMBERS
    both = {key.live, key.shadow}
    return all(one in kinds or one.startswith("timestamp epoch") for one in both)


def named_path(key: GroupKey) -> str:
    """
    Return the path that a rule can name to speak of the key's place.

    That is all of a header where the key means one cookie, and a whole line of a text
    where it means what stands behind a label.
    """
    if key.part is Part.HEADER:
        return key.path.partition("/")[0]
    return key.path.partition(" ")[0]


def _path_fits(rule: Rule, key: GroupKey) -> bool:
    if key.part is Part.STATUS:
        return True
    place = named_path(key)
    if key.part is Part.HEADER:
        return _name_fits(_header_glob(rule.path), place)
    return any(_fits(rule.path, path) for path in _reached(rule, place))


def _path_overlaps(rule: Rule, key: GroupKey) -> bool:
    if key.part is not Part.BODY:
        return _path_fits(rule, key)
    pattern = tuple(split_pointer(rule.path))
    return any(
        _overlap(pattern, tuple(split_pointer(path)))
        for path in _reached(rule, named_path(key))
    )


def _reached(rule: Rule, path: str) -> list[str]:
    """Return the places at which the rule can stand to reach the path."""
    if rule.action != "ignore":
        return [path]
    # What is ignored is ignored with all that is in it.
    segments = path.split("/")
    return ["/".join(segments[:end]) for end in range(1, len(segments) + 1)]


@lru_cache(maxsize=4096)
def _overlap(pattern: tuple[str, ...], shape: tuple[str, ...]) -> bool:
    """Whether some path fits both the pattern and the shape, globs the one as the other."""
    if not pattern or not shape:
        # What is left of the other must be able to be nothing at all.
        return {*pattern, *shape} <= {_DEEP}
    first, rest = pattern[0], pattern[1:]
    if first == _DEEP:
        return _overlap(rest, shape) or _overlap(pattern, shape[1:])
    if shape[0] == _DEEP:
        return _overlap(pattern, shape[1:]) or _overlap(rest, shape)
    meets = first == "*" or shape[0] == "*" or _name_fits(first, shape[0])
    return meets and _overlap(rest, shape[1:])


@lru_cache(maxsize=4096)
def _matcher(pattern: str) -> PathMatcher[bool]:
    return PathMatcher([(pattern, True)])


@lru_cache(maxsize=16_384)
def _fits(pattern: str, path: str) -> bool:
    return bool(_matcher(pattern).find(path))


@lru_cache(maxsize=4096)
def _name_fits(pattern: str, name: str) -> bool:
    return compile_name(pattern).fullmatch(name) is not None


def _header_glob(path: str) -> str:
    return path.lower().replace("**", "*")
