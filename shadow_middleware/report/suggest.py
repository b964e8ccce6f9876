"""
The smallest set of rules that explains the noise seen so far. Pure.

Greedy set cover (Chvátal 1979: within ln n of the smallest set): each noisy cell
offers rules from the narrowest to the widest, and whichever explains the most cells
that are still open is taken, the narrower one where two explain as many. A rule that
could hide a divergence which is no noise is never offered.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import msgspec

from shadow_middleware.compare.globs import split_pointer
from shadow_middleware.exchange import Kind, Part
from shadow_middleware.knowledge import MANY
from shadow_middleware.report.coverings import (
    WITHIN,
    Cell,
    explains,
    may_hide,
    named_path,
)
from shadow_middleware.report.wording import what_changed
from shadow_middleware.rule import Rule

__all__ = ["Left", "NoisyCell", "Proposal", "Suggestion", "suggest"]


_LONGEST = 200
"""Characters of a rule's name."""


class NoisyCell(msgspec.Struct, frozen=True):
    """A finding that is noise, and why."""

    cell: Cell
    why: str
    """`control`, `self-probe`, `uuid`: as a judgement says it."""
    count: float
    """Exchanges that showed it."""


class Proposal(msgspec.Struct, frozen=True):
    """A rule that is worth adding."""

    rule: Rule
    cells: tuple[NoisyCell, ...]
    """What it explains."""

    @property
    def count(self) -> float:
        """Exchanges that showed what it explains."""
        return sum(cell.count for cell in self.cells)


class Left(msgspec.Struct, frozen=True):
    """Noise that no rule can explain without harm."""

    noisy: NoisyCell
    reason: str


class Suggestion(msgspec.Struct, frozen=True):
    """What to add, and what stays for the learned profile alone."""

    proposals: tuple[Proposal, ...]
    left: tuple[Left, ...]
    already: int
    """Noisy cells that the rules of today explain."""


class _Candidate(msgspec.Struct, frozen=True):
    rule: Rule
    width: int
    """How many of its fields say `any`; and then by which."""


def suggest(
    noisy: Iterable[NoisyCell], signal: Iterable[Cell], rules: Iterable[Rule]
) -> Suggestion:
    """
    Return the fewest, narrowest rules that explain the noise.

    Args:
        noisy: Cells that are noise.
        signal: Cells that are not; no rule that is returned could hide one of them.
        rules: Those of today; what they explain needs no other.
    """
    today = tuple(rules)
    every = sorted(set(noisy), key=_order)
    needed = [one for one in every if not any(explains(r, one.cell) for r in today)]
    cover = _Cover(needed, tuple(signal))
    near = _Neighbours(needed)
    chosen = _without_needless([near.explained(rule) for rule in cover.choose()])
    names = {rule.name for rule in today}
    explained = {cell for proposal in chosen for cell in proposal.cells}
    return Suggestion(
        tuple(_named(proposal, names) for proposal in chosen),
        tuple(one for one in cover.left() if one.noisy not in explained),
        len(every) - len(needed),
    )


class _Cover:
    """One greedy choice after the other, over cells that offer their own rules."""

    def __init__(self, needed: Sequence[NoisyCell], signal: Sequence[Cell]) -> None:
        self._signal = _Signal(signal)
        self._needed = needed
        self._offers: dict[_Candidate, set[int]] = {}
        self._harmless: dict[Rule, bool] = {}
        self._open = set(range(len(needed)))
        for number, noisy in enumerate(needed):
            for candidate in _candidates(noisy.cell):
                self._offers.setdefault(candidate, set()).add(number)

    def choose(self) -> list[Rule]:
        """Return the rules in the order in which they were worth the most."""
        chosen: list[Rule] = []
        heap = [self._rank(candidate) for candidate in self._offers]
        heapq.heapify(heap)
        while heap and self._open:
            rank = heapq.heappop(heap)
            candidate = rank[-1]
            fresh = self._rank(candidate)
            if fresh[0] == 0 or not self._is_harmless(candidate.rule):
                continue
            if fresh[0] != rank[0]:  # others were faster: it is worth less by now
                heapq.heappush(heap, fresh)
                continue
            self._open -= self._offers[candidate]
            chosen.append(candidate.rule)
        return chosen

    def left(self) -> Iterator[Left]:
        """Return what none of the chosen explains, each with the reason."""
        for number in sorted(self._open):
            noisy = self._needed[number]
            yield Left(noisy, _why_left(noisy.cell))

    def _rank(self, candidate: _Candidate) -> tuple[int, int, str, _Candidate]:
        worth = len(self._offers[candidate] & self._open)
        return (-worth, candidate.width, repr(candidate.rule), candidate)

    def _is_harmless(self, rule: Rule) -> bool:
        known = self._harmless.get(rule)
        if known is None:
            cells = self._signal.near(rule)
            known = not any(may_hide(rule, cell) for cell in cells)
            self._harmless[rule] = known
        return known


def _candidates(cell: Cell) -> Iterator[_Candidate]:
    """Return the rules that explain the cell, the narrow and the wide."""
    ways = product(_actions(cell), _targets(cell), _routes(cell), _paths(cell))
    for (fields, loose), (target, far), (route, wide), (path, deep) in ways:
        fields |= {"part": cell.key.part.value}
        rule = Rule(target=target, route=route, path=path, **fields)
        if explains(rule, cell):
            yield _Candidate(rule, 8 * loose + 4 * wide + 2 * deep + far)


def _actions(cell: Cell) -> Iterator[tuple[dict[str, Any], int]]:
    """Return what a rule may do about the cell, the gentlest first."""
    key = cell.key
    if key.part is Part.LATENCY or key.kind is Kind.UNCHANGED:
        return
    if key.part is Part.STATUS:
        if key.live.isdecimal() and key.shadow.isdecimal():
            statuses = tuple(sorted((int(key.live), int(key.shadow))))
            yield {"action": "tolerate", "statuses": statuses}, 0
        return
    if key.kind is Kind.ORDER:
        yield {"action": "tolerate", "unordered": True}, 0
    shape = next(iter(cell.shapes), "") if key.kind is Kind.CHANGED else ""
    # Times and ids that are numbers are near each other by chance: no measure of them.
    measured = shape in ("", "float")
    if measured and key.kind is Kind.CHANGED and cell.size in WITHIN:
        yield {"action": "tolerate", "relative": WITHIN[cell.size]}, 0
    yield {"action": "ignore", "kind": key.kind.value, "shape": shape}, 1


def _targets(cell: Cell) -> list[tuple[str, int]]:
    return [(cell.key.target, 0), ("*", 1)]


def _routes(cell: Cell) -> list[tuple[str, int]]:
    narrow = [] if cell.key.route == MANY else [(cell.key.route, 0)]
    return [*narrow, ("**", 1)]


def _paths(cell: Cell) -> list[tuple[str, int]]:
    """Return the path itself, and `/**/name` where it has a name."""
    if cell.key.part is Part.STATUS:
        return [("**", 0)]
    if cell.key.path == MANY:
        return []
    path = named_path(cell.key)
    if cell.key.part is Part.HEADER:
        return [] if "*" in path else [(path, 0)]
    if not path:
        return []  # a rule for a body as a whole is one for all that is in it
    segments = split_pointer(path)
    named = [at for at, segment in enumerate(segments) if segment.strip("*")]
    if not named:
        return [(path, 0)]
    tail = "/".join(path.removeprefix("/").split("/")[named[-1] :])
    return [(path, 0), (f"/**/{tail}", 1)]


_Route = tuple[str, ...]


class _Signal:
    """Cells that are no noise, so that a rule need not be asked about them all."""

    def __init__(self, cells: Iterable[Cell]) -> None:
        self._every: dict[str, list[Cell]] = {}
        self._anywhere: dict[str, dict[Cell, None]] = {}
        self._by_route: dict[tuple[str, _Route], list[Cell]] = {}
        for cell in cells:
            part, route = cell.key.part.value, cell.key.route
            # To a rule for every route, cells that differ by their route are one.
            key = msgspec.structs.replace(cell.key, route=MANY)
            placeless = msgspec.structs.replace(cell, key=key)
            self._every.setdefault(part, []).append(cell)
            self._anywhere.setdefault(part, {})[placeless] = None
            self._by_route.setdefault((part, _route(route)), []).append(cell)

    def near(self, rule: Rule) -> Iterable[Cell]:
        """Return every cell that the rule may hide, and some more."""
        if rule.route == "**":
            return self._anywhere.get(rule.part, ())
        if "*" in rule.route:
            return self._every.get(rule.part, ())
        here, many = (
            self._by_route.get((rule.part, _route(route)), ())
            for route in (rule.route, MANY)
        )
        return (*here, *many)


def _route(route: str) -> _Route:
    """Return what one without globs must have in common with what it fits."""
    return tuple(split_pointer(route.rpartition(" ")[2]))


class _Neighbours:
    """Cells by route and steps of their path: a rule need not look at them all."""

    def __init__(self, cells: Iterable[NoisyCell]) -> None:
        self._cells: dict[str, list[NoisyCell]] = {}
        self._by_route: dict[_Route, list[NoisyCell]] = {}
        for cell in cells:
            self._by_route.setdefault(_route(cell.cell.key.route), []).append(cell)
            # A rule about something is about all that is in it.
            for end in {"*", *named_path(cell.cell.key).split("/")}:
                self._cells.setdefault(end, []).append(cell)

    def explained(self, rule: Rule) -> Proposal:
        """Return the rule with every cell that it explains."""
        end = rule.path.rpartition("/")[2]
        if "*" in rule.route:
            near = self._cells.get("*" if "*" in end else end, ())
        else:
            near = self._by_route.get(_route(rule.route), ())
        return Proposal(rule, tuple(one for one in near if explains(rule, one.cell)))


def _without_needless(chosen: list[Proposal]) -> list[Proposal]:
    """Return the proposals without those whose every cell another explains as well."""
    times = Counter(cell for one in chosen for cell in one.cells)
    needless = []
    for proposal in sorted(chosen, key=lambda one: len(one.cells)):
        if all(times[cell] > 1 for cell in proposal.cells):
            times.subtract(proposal.cells)
            needless.append(proposal)
    return [one for one in chosen if one not in needless]


def _named(proposal: Proposal, names: set[str]) -> Proposal:
    """Return the proposal with a name that no other rule has."""
    rule = proposal.rule
    why = sorted({cell.why for cell in proposal.cells})
    place = f"{rule.part} {rule.path}" if rule.part != "status" else rule.part
    where = place if rule.route == "**" else f"{rule.route} {place}"
    base = f"noise: {where} ({', '.join(why)})"[:_LONGEST]
    name = base
    number = 2
    while name in names:
        name = f"{base} {number}"
        number += 1
    names.add(name)
    return Proposal(msgspec.structs.replace(rule, name=name), proposal.cells)


def _why_left(cell: Cell) -> str:
    if next(_candidates(cell), None) is None:
        return "no rule can say this and no more"
    return "a rule for it would hide a divergence as well"


def _order(noisy: NoisyCell) -> tuple[object, ...]:
    key = noisy.cell.key
    return (key.target, key.route, what_changed(key), noisy.cell.size, noisy.why)
