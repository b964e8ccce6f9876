"""
Two lists that differ: by position, as multisets, or by a member that names rows.

Without a rule the order counts, but a row put in front is one row put in front: what
is the same on both sides is aligned first, and only the rest is compared.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable
from typing import Any, Protocol

from shadow_middleware.compare.align import Alignment, align, cancel
from shadow_middleware.compare.compiled_rule import CompiledRule
from shadow_middleware.compare.findings import Findings
from shadow_middleware.compare.globs import State
from shadow_middleware.compare.orders import is_set_order
from shadow_middleware.compare.pairing import by_likeness, by_member, naming_member
from shadow_middleware.compare.place import Place, below
from shadow_middleware.compare.sameness import fingerprint, same
from shadow_middleware.exchange import Kind

__all__ = ["ListWalk", "Walking"]

TICK = 256
FEW = 32
"""Rows between two looks at the clock where each may cost much."""
MAX_ALIGNED = 80_000
"""Items of both lists together that are aligned, which takes about a quarter of a
second; beyond, position alone counts."""
RUN = 64
"""Items that are compared at a time in looking for where two lists differ."""
MAX_SHOWN = 10
"""Indexes of moved items that a difference names."""

Pairs = list[tuple[int, int]]
Rest = tuple[list[int], list[int]]
Standing = State[CompiledRule] | None
Cut = Callable[[list[Any], int, int], list[Any]]


class Walking(Protocol):
    """The walk that the lists are met on."""

    @property
    def findings(self) -> Findings:
        """Where to write what was found."""
        ...

    def open(
        self,
        live: Any,
        shadow: Any,
        where: tuple[Place, Any, int, bool],
        state: Standing,
        pairs: list[tuple[Any, Any, Place, Standing]],
    ) -> None:
        """Compare two items at once if they are leaves, else add them to `pairs`."""
        ...

    def push(self, pairs: list[tuple[Any, Any, Place, Standing]]) -> None:
        """Have these pairs walked next, in this order."""
        ...

    def one_sided(self, kind: Kind, place: Place, value: Any) -> None:
        """Note what only one side has."""
        ...

    def add(
        self,
        kind: Kind,
        place: Place,
        live: Any,
        shadow: Any,
        note: str = "",
        alike: str = "",
    ) -> None:
        """Note a difference."""
        ...

    def step(self, state: Standing, key: Any) -> Standing:
        """Return what tolerances have reached one item further."""
        ...


class ListWalk:
    """The part of a walk that opens pairs of lists."""

    def __init__(self, walk: Walking) -> None:
        self._walk = walk

    def compare(
        self,
        live: list[Any],
        shadow: list[Any],
        place: Place,
        state: Standing,
    ) -> None:
        """Note what differs in the lists themselves; have paired items walked."""
        here = _Here(self._walk, live, shadow, place, state)
        for rule in state.accepts if state is not None else ():
            if rule.rule.unordered:
                here.as_multisets(rule)
                return
            if rule.rule.keyed_by:
                here.by_key(rule)
                return
        here.in_order()


class _Here:
    """One pair of lists at one place."""

    def __init__(
        self,
        walk: Walking,
        live: list[Any],
        shadow: list[Any],
        place: Place,
        state: Standing,
    ) -> None:
        self._walk = walk
        self._live = live
        self._shadow = shadow
        self._place = place
        self._state = state

    def in_order(self) -> None:
        if len(self._live) == len(self._shadow) and _is_loosely_equal(
            self._live, self._shadow
        ):
            self._by_position(0, len(self._live))
            return
        start, live_end, shadow_end = self._differing_span()
        if live_end + shadow_end - 2 * start > MAX_ALIGNED:
            self._by_position(start, min(live_end, shadow_end))
            self._finish(
                [],
                (
                    [*range(min(live_end, shadow_end), live_end)],
                    [*range(min(live_end, shadow_end), shadow_end)],
                ),
            )
            return
        found = align(
            self._fingerprints(self._live, start, live_end),
            self._fingerprints(self._shadow, start, shadow_end),
            self._walk.findings.tick,
        )
        found = _shifted(found, start)
        if found.moved:
            self._note_order(found)
        pairs, rest = self._pair_named(found.live_only, found.shadow_only)
        more, rest = _pair_in_gaps(found.kept, rest)
        self._finish(pairs + more, rest)

    def as_multisets(self, rule: CompiledRule) -> None:
        live = self._fingerprints(self._live, 0, len(self._live))
        shadow = self._fingerprints(self._shadow, 0, len(self._shadow))
        cancelled, live_only, shadow_only = cancel(
            live, shadow, self._walk.findings.tick
        )
        if any(left != right for left, right in cancelled):
            self._walk.findings.hit(rule.name, "order")
        pairs, rest = self._pair_named(live_only, shadow_only)
        more, rest = self._pair_unnamed(rest, rule)
        self._finish(pairs + more, rest)

    def by_key(self, rule: CompiledRule) -> None:
        everything = (range(len(self._live)), range(len(self._shadow)))
        pairs, live_left, shadow_left = by_member(
            self._live,
            self._shadow,
            everything,
            rule.rule.keyed_by,
            self._walk.findings.tick,
        )
        if any(left != right for left, right in pairs):
            self._walk.findings.hit(rule.name, "order")
        more, rest = self._pair_keyless((live_left, shadow_left), rule)
        self._finish(pairs + more, rest)

    def _by_position(self, start: int, end: int) -> None:
        """Compare item by item, passing over what is the same many at a time."""
        opened: list[tuple[Any, Any, Place, Standing]] = []
        for at in range(start, end, RUN):
            self._walk.findings.tick()
            stop = min(at + RUN, end)
            if same(self._live[at:stop], self._shadow[at:stop]):
                continue
            for index in range(at, stop):
                live, shadow = self._live[index], self._shadow[index]
                if not same(live, shadow):
                    where = (self._place, index, -1, False)
                    self._walk.open(live, shadow, where, self._state, opened)
        self._walk.push(opened)

    def _differing_span(self) -> tuple[int, int, int]:
        """Return where both lists start to differ, and where each stops to."""
        live, shadow = self._live, self._shadow
        shorter = min(len(live), len(shadow))
        start = self._equal_run(shorter, _from_start)
        end = self._equal_run(shorter - start, _from_end)
        return start, len(live) - end, len(shadow) - end

    def _equal_run(self, at_most: int, cut: Cut) -> int:
        """Return how many items are the same, looking at many at a time."""
        count, size = 0, RUN
        while count < at_most:
            self._walk.findings.tick()
            size = min(size, at_most - count)
            ours = cut(self._live, count, size)
            theirs = cut(self._shadow, count, size)
            if same(ours, theirs) or (size == 1 and _are_same(ours[0], theirs[0])):
                count += size
            elif size == 1:
                break
            else:
                size = max(size // 8, 1)
        return count

    def _fingerprints(self, items: list[Any], start: int, end: int) -> list[Hashable]:
        prints: list[Hashable] = []
        for chunk in range(start, end, FEW):
            self._walk.findings.tick()
            prints += map(fingerprint, items[chunk : min(chunk + FEW, end)])
        return prints

    def _note_order(self, found: Alignment) -> None:
        shown = found.moved[:MAX_SHOWN]
        self._walk.add(
            Kind.ORDER,
            self._place,
            [left for left, _ in shown],
            [right for _, right in shown],
            f"{len(found.moved)} of {len(self._live)} items moved; "
            f"these are indexes of the first {len(shown)} on each side",
            "set-order" if is_set_order(self._live, self._shadow) else "",
        )

    def _pair_named(
        self, live_only: list[int], shadow_only: list[int]
    ) -> tuple[Pairs, Rest]:
        of, tick = (live_only, shadow_only), self._walk.findings.tick
        member = naming_member(self._live, self._shadow, of, tick) if all(of) else ""
        if not member:
            return [], of
        pairs, live_left, shadow_left = by_member(
            self._live, self._shadow, of, member, tick
        )
        return pairs, (live_left, shadow_left)

    def _pair_unnamed(self, rest: Rest, rule: CompiledRule) -> tuple[Pairs, Rest]:
        if len(rest[0]) == len(rest[1]) == 1 or not all(rest):
            return _zipped(rest)
        if self._are_numbers(rest):
            by_size = (
                sorted(rest[0], key=self._live.__getitem__),
                sorted(rest[1], key=self._shadow.__getitem__),
            )
            self._walk.findings.hit(rule.name, "order")
            return _zipped(by_size)
        seconds = self._walk.findings.remaining()
        alike = by_likeness(self._live, self._shadow, rest, seconds)
        return alike, _without(rest, alike)

    def _pair_keyless(self, rest: Rest, rule: CompiledRule) -> tuple[Pairs, Rest]:
        """Pair in order the rows that lack the member; the others stand alone."""
        member = rule.rule.keyed_by
        keyless = (
            [i for i in rest[0] if _lacks(self._live[i], member)],
            [i for i in rest[1] if _lacks(self._shadow[i], member)],
        )
        pairs, _ = _zipped(keyless)
        return pairs, _without(rest, pairs)

    def _are_numbers(self, rest: Rest) -> bool:
        items = [self._live[i] for i in rest[0]] + [self._shadow[i] for i in rest[1]]
        return all(type(item) in (int, float) for item in items)

    def _finish(self, pairs: Pairs, rest: Rest) -> None:
        for index in rest[0]:
            place = below(self._place, index)
            self._walk.one_sided(Kind.MISSING, place, self._live[index])
        for index in rest[1]:
            place = below(self._place, index)
            self._walk.one_sided(Kind.ADDED, place, self._shadow[index])
        opened: list[tuple[Any, Any, Place, Standing]] = []
        for number, (left, right) in enumerate(sorted(pairs)):
            if number % TICK == 0:
                self._walk.findings.tick()
            live, shadow = self._live[left], self._shadow[right]
            if not same(live, shadow):
                where = (self._place, left, right, False)
                self._walk.open(live, shadow, where, self._state, opened)
        self._walk.push(opened)


def _is_loosely_equal(live: list[Any], shadow: list[Any]) -> bool:
    """Whether only `1 == 1.0 == True` can be between them."""
    try:
        return live == shadow
    except RecursionError:
        return False


def _are_same(live: Any, shadow: Any) -> bool:
    """As `same`, sure of what has integers of more than 64 bits as well."""
    return same(live, shadow) or fingerprint(live) == fingerprint(shadow)


def _from_start(items: list[Any], skip: int, size: int) -> list[Any]:
    return items[skip : skip + size]


def _from_end(items: list[Any], skip: int, size: int) -> list[Any]:
    end = len(items) - skip
    return items[end - size : end]


def _shifted(found: Alignment, by: int) -> Alignment:
    return Alignment(
        [(left + by, right + by) for left, right in found.kept],
        [(left + by, right + by) for left, right in found.moved],
        [index + by for index in found.live_only],
        [index + by for index in found.shadow_only],
    )


def _pair_in_gaps(kept: Pairs, rest: Rest) -> tuple[Pairs, Rest]:
    """Pair in order what lies between the same two kept items on both sides."""
    gaps: dict[int, Rest] = {}
    for side in (0, 1):
        fixed = [pair[side] for pair in kept]
        for index in rest[side]:
            gap = gaps.setdefault(bisect_left(fixed, index), ([], []))
            gap[side].append(index)
    pairs: Pairs = []
    left_over: Rest = ([], [])
    for _, gap in sorted(gaps.items()):
        more, (live_left, shadow_left) = _zipped(gap)
        pairs += more
        left_over[0].extend(live_left)
        left_over[1].extend(shadow_left)
    return pairs, left_over


def _zipped(rest: Rest) -> tuple[Pairs, Rest]:
    count = min(len(rest[0]), len(rest[1]))
    pairs = list(zip(rest[0], rest[1], strict=False))
    return pairs, (rest[0][count:], rest[1][count:])


def _without(rest: Rest, pairs: Pairs) -> Rest:
    left = {left for left, _ in pairs}
    right = {right for _, right in pairs}
    return (
        [index for index in rest[0] if index not in left],
        [index for index in rest[1] if index not in right],
    )


def _lacks(row: Any, member: str) -> bool:
    return not isinstance(row, dict) or not isinstance(
        row.get(member), str | int | float
    )
