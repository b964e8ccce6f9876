"""
What one comparison has found so far, and how much longer it may look.

Every stage of the comparison writes into one `Findings`; it alone knows the bounds
on time and on entries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from shadow_middleware.compare.compiled_rule import CompiledRule
from shadow_middleware.compare.likeness import Likeness
from shadow_middleware.compare.path_shape import (
    key_shape,
    name_of,
    shape_of_place,
)
from shadow_middleware.compare.place import Place
from shadow_middleware.compare.render import shown_pair
from shadow_middleware.compare.sayings import Saying, say
from shadow_middleware.compare.shelf import Shelf
from shadow_middleware.compare.value_shapes import json_type
from shadow_middleware.exchange import Difference, Kind, Part
from shadow_middleware.settings import Settings

__all__ = ["BudgetSpent", "Findings", "Judging", "hidden"]


EVERY = 64
"""Differences between two looks at the clock."""


class BudgetSpent(Exception):
    """The time or the entries of one comparison are used up. Never leaves compare."""


class Judging(Protocol):
    """Rules that judge a difference once it is found."""

    def explaining(
        self, part: Part, path: str, kind: Kind, values: tuple[Any, Any], said: Saying
    ) -> CompiledRule | None:
        """Return a rule that explains the difference, if there is one."""
        ...


class Findings:
    """
    Collects differences and the names that explain others, within a budget.

    Args:
        settings: For the bounds on time and entries, and for what may be alike.
        clock: What the time is read from, in seconds.
        likeness: Tells what two values both are.
        judging: Rules that look at what was found; None where there are none.
    """

    __slots__ = (
        "_clock",
        "_deadline",
        "_hits",
        "_judging",
        "_likeness",
        "_named",
        "_shapes",
        "_shelf",
        "cut",
        "hint",
        "noted",
        "undecided",
    )

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float],
        likeness: Likeness,
        judging: Judging | None = None,
    ) -> None:
        self.cut = False
        self.noted = 0
        self.undecided = False
        self.hint = ""
        self._named: dict[str, None] = {}
        self._hits: dict[tuple[str, str], None] = {}
        self._shelf = Shelf(settings.max_differences)
        self._shapes = frozenset(settings.value_shapes)
        self._likeness = likeness
        self._judging = judging
        self._clock = clock
        self._deadline = clock() + settings.compare_budget

    @property
    def explained(self) -> tuple[str, ...]:
        """Names of rules and normalisers, in the order in which they were needed."""
        return tuple(self._named)

    @property
    def hits(self) -> tuple[tuple[str, str], ...]:
        """Each rule that took a difference away, with the sort of difference."""
        return tuple(self._hits)

    @property
    def found(self) -> int:
        """How many differences there are, described or not."""
        return self._shelf.found

    def differences(self) -> tuple[Difference, ...]:
        """Return those that are described, in the order in which they were found."""
        return self._shelf.described()

    def explain(self, name: str) -> None:
        """Note that the rule or normaliser `name` was needed."""
        self.noted += 1
        self._named[name] = None

    def hit(self, rule: str, hid: str) -> None:
        """Note that a rule was needed, and what sort of difference it took away."""
        self.noted += 1
        self._named[rule] = None
        self._hits[rule, hid] = None

    def add(
        self,
        part: Part,
        path: str,
        kind: Kind,
        live: Any = None,
        shadow: Any = None,
        note: str = "",
        *,
        said: Saying,
        shape: str | None = None,
    ) -> None:
        """
        Note a difference; `shape` is that of the path, where it is another.

        Raises:
            BudgetSpent: there is no room for another one.
        """
        if self._is_explained(part, path, kind, (live, shadow), said):
            return
        self.noted += 1
        if self._shelf.found % EVERY == EVERY - 1:
            self.tick()
        alike = said.alike if said.alike in self._shapes else ""
        at = path if shape is None else shape
        cell = (part, at, kind, said.live_is, said.shadow_is, said.size, alike)
        if not self._shelf.wants(cell, alike):
            return
        if self._shelf.full:
            self.cut = True
            raise BudgetSpent
        shown = shown_pair(live, shadow, said.at)
        self._shelf.put(
            cell,
            Difference(
                part,
                path,
                kind,
                *shown,
                note,
                shape=at,
                live_is=said.live_is,
                shadow_is=said.shadow_is,
                size=said.size,
                alike=alike,
            ),
        )

    def add_status(self, kind: Kind, live: int, shadow: int, note: str = "") -> None:
        """As `add`, of the status; there each number is a shape of its own."""
        said = Saying(str(live), str(shadow))
        self.add(Part.STATUS, "", kind, live, shadow, note, said=said)

    def add_header(
        self, name: str, kind: Kind, live: str | None, shadow: str | None, note: str
    ) -> None:
        """As `add`, of a header; an ETag is opaque by definition (RFC 9110)."""
        bare = _bare(name, live), _bare(name, shadow)
        section, mark, rest = name.rpartition("/")
        shape = f"{section}{mark}{key_shape(rest)}"
        absent = live is None and shadow is None
        for said in [Saying()] if absent else self._say(kind, *bare, name, False):
            if name == "etag" and kind is Kind.CHANGED:
                said = _of_etag(live or "", shadow or "")
            self.add(
                Part.HEADER, name, kind, live, shadow, note, said=said, shape=shape
            )

    def add_cookie(
        self,
        path: str,
        kind: Kind,
        shown: tuple[str | None, str | None],
        told: tuple[str, str],
        *,
        by_value: bool = False,
    ) -> None:
        """As `add`, of a cookie; `told` are both values, or what their forms are."""
        name = path.partition("/")[2]
        plain = Saying(told[0], told[1])
        said = self._say(kind, *told, name, False)[0] if by_value else plain
        shape = f"set-cookie/{key_shape(name)}"
        self.add(Part.HEADER, path, kind, *shown, said=said, shape=shape)

    def add_in_body(
        self,
        kind: Kind,
        place: Place,
        live: Any,
        shadow: Any,
        note: str = "",
        *,
        line: bool = False,
        alike: str = "",
        absent: bool = False,
    ) -> None:
        """
        As `add`, at a place in a parsed body.

        `line` says that the body is a text, `absent` that neither side has a value.
        """
        shape, name = shape_of_place(place), name_of(place)
        is_line = line and isinstance(shadow if live is None else live, str)
        said = (
            self._say(kind, live, shadow, name, is_line) if not absent else [Saying()]
        )
        notes = "; ".join(filter(None, (note, place.note())))
        path = place.pointer()
        for one in said:
            at = f"{shape} {one.label}" if one.label else shape
            one = one if not alike else one._replace(alike=alike)
            self.add(Part.BODY, path, kind, live, shadow, notes, said=one, shape=at)

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(self._deadline - self._clock(), 0.0)

    def tick(self) -> None:
        """
        Look at the clock.

        Raises:
            BudgetSpent: the time is used up.
        """
        if self._clock() > self._deadline:
            self.cut = True
            raise BudgetSpent

    def _say(
        self, kind: Kind, live: Any, shadow: Any, name: str, line: bool
    ) -> list[Saying]:
        return say(kind, live, shadow, name, self._likeness, line=line)

    def _is_explained(
        self,
        part: Part,
        path: str,
        kind: Kind,
        values: tuple[Any, Any],
        said: Saying,
    ) -> bool:
        if self._judging is None:
            return False
        rule = self._judging.explaining(part, path, kind, values, said)
        if rule is None:
            return False
        self.hit(rule.name, "expected" if rule.expects else hidden(kind, *values))
        return True


def hidden(kind: Kind, live: Any, shadow: Any) -> str:
    """Return in a word or three what sort of difference it is."""
    ours, theirs = json_type(live), json_type(shadow)
    return f"type: {ours} → {theirs}" if kind is Kind.TYPE else str(kind)


def _bare(name: str, value: str | None) -> str | None:
    if name != "etag" or value is None:
        return value
    return value.removeprefix("W/").strip('"')


def _of_etag(live: str, shadow: str) -> Saying:
    sorts = _tag_sort(live), _tag_sort(shadow)
    alike = "token" if sorts[0] == sorts[1] and live and shadow else ""
    return Saying(*sorts, alike=alike)


def _tag_sort(tag: str) -> str:
    bare = tag.removeprefix("W/")
    if len(bare) < 2 or not (bare[0] == bare[-1] == '"'):
        return "unquoted-tag"
    return "tag" if bare == tag else "weak-tag"
