"""
Expected changes that are not there.

A change that is there is found as a difference, which the rule then explains. Here is
looked for what is the same on both sides, though a rule says that it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from shadow_middleware.compare.align import align
from shadow_middleware.compare.compiled_rule import CompiledRule
from shadow_middleware.compare.findings import Findings
from shadow_middleware.compare.globs import PathMatcher, State, compile_name
from shadow_middleware.compare.pairing import by_member, naming_member
from shadow_middleware.compare.path_shape import is_map
from shadow_middleware.compare.place import ROOT, Place, below
from shadow_middleware.compare.rules import RuleSet
from shadow_middleware.compare.sameness import fingerprint, same
from shadow_middleware.exchange import Kind

__all__ = ["note_unchanged_body", "note_unchanged_headers", "note_unchanged_status"]

EVERY = 256
NOTE = "the rule {!r} expects a change"

Table = Mapping[str, str]
Standing = State[CompiledRule]


def note_unchanged_status(
    live: int, shadow: int, rules: RuleSet, findings: Findings
) -> None:
    """Note a status that is the same, though a rule expects another."""
    for rule in rules.statuses:
        if rule.expects and live == shadow and rule.concerns(live):
            findings.add_status(Kind.UNCHANGED, live, shadow, NOTE.format(rule.name))
            return


def note_unchanged_headers(
    live: Table, shadow: Table, rules: RuleSet, findings: Findings
) -> None:
    """Note headers that are the same, though a rule expects a change of them."""
    noted: set[str] = set()
    for rule in rules.header_expects:
        path = rule.path.lower()
        glob = compile_name(path.replace("**", "*"))
        names = [path] if rule.rule.kind == "added" else [*live]
        for name in names:
            if name in noted or glob.fullmatch(name) is None:
                continue
            if _is_unchanged(rule, live.get(name), shadow.get(name)):
                noted.add(name)
                findings.add_header(
                    name,
                    Kind.UNCHANGED,
                    live.get(name),
                    shadow.get(name),
                    NOTE.format(rule.name),
                )


def note_unchanged_body(
    live: Any, shadow: Any, matcher: PathMatcher[CompiledRule], findings: Findings
) -> None:
    """
    Note values of two parsed bodies that are the same, though a rule expects a change.

    Raises:
        BudgetSpent: time or entries ran out.
    """
    _Looking(matcher, findings).run(live, shadow)


def _is_unchanged(rule: CompiledRule, live: str | None, shadow: str | None) -> bool:
    if rule.rule.kind == "added":
        return live is None and shadow is None
    if live is None or shadow is None or not rule.concerns(live):
        return False
    return rule.rule.kind == "missing" or live == shadow


class _Looking:
    """One walk over two bodies, only where rules expect something."""

    def __init__(self, matcher: PathMatcher[CompiledRule], findings: Findings) -> None:
        self._matcher = matcher
        self._findings = findings
        self._stack: list[tuple[Any, Any, Place, Standing]] = []
        self._visited = 0

    def run(self, live: Any, shadow: Any) -> None:
        self._meet(live, shadow, ROOT, self._matcher.start)
        while self._stack:
            ours, theirs, place, state = self._stack.pop()
            if isinstance(ours, dict):
                self._members(ours, theirs, place, state)
            else:
                self._items(ours, theirs, place, state)

    def _meet(self, live: Any, shadow: Any, place: Place, state: Standing) -> None:
        """Judge what both sides have at one place, and see what is within it."""
        self._visited += 1
        if self._visited % EVERY == 0:
            self._findings.tick()
        for rule in state.accepts:
            if self._still(rule, live, shadow):
                self._note(rule, place, live, shadow)
                break
        if type(live) is type(shadow) and isinstance(live, dict | list):
            self._stack.append((live, shadow, place, state))

    def _still(self, rule: CompiledRule, live: Any, shadow: Any) -> bool:
        if rule.rule.kind == "added" or not rule.concerns(live):
            return False
        return rule.rule.kind == "missing" or same(live, shadow)

    def _members(
        self,
        live: dict[Any, Any],
        shadow: dict[Any, Any],
        place: Place,
        state: Standing,
    ) -> None:
        in_map = is_map(live)
        keys = state.literals.intersection(live) if state.only_literals else [*live]
        for key in keys:
            if key in shadow:
                reached = self._matcher.step(state, str(key))
                if reached.alive:
                    here = below(place, key, -1, in_map)
                    self._meet(live[key], shadow[key], here, reached)
        for key in state.literals:
            if key not in live and key not in shadow:
                self._lacking(key, place, self._matcher.step(state, key))

    def _lacking(self, key: str, place: Place, state: Standing) -> None:
        for rule in state.accepts:
            if rule.rule.kind == "added":
                self._note(rule, below(place, key), None, None)
                return

    def _items(
        self, live: list[Any], shadow: list[Any], place: Place, state: Standing
    ) -> None:
        for left, right in self._pairs(live, shadow):
            reached = self._matcher.step_index(state, left)
            if reached.alive:
                here = below(place, left, right)
                self._meet(live[left], shadow[right], here, reached)

    def _pairs(self, live: list[Any], shadow: list[Any]) -> Sequence[tuple[int, int]]:
        """Pair items by the member that names them, by position, or by what they are."""
        tick = self._findings.tick
        whole = range(len(live)), range(len(shadow))
        member = naming_member(live, shadow, whole, tick) if live and shadow else ""
        if member:
            return by_member(live, shadow, whole, member, tick)[0]
        if len(live) == len(shadow):
            return [(n, n) for n in range(len(live))]
        found = align(_prints(live, tick), _prints(shadow, tick), tick)
        return found.kept + found.moved

    def _note(self, rule: CompiledRule, place: Place, live: Any, shadow: Any) -> None:
        note = NOTE.format(rule.name)
        absent = rule.rule.kind == "added"
        self._findings.add_in_body(
            Kind.UNCHANGED, place, live, shadow, note, absent=absent
        )


def _prints(items: list[Any], tick: Callable[[], None]) -> list[Any]:
    return list(_printed(items, tick))


def _printed(items: list[Any], tick: Callable[[], None]) -> Iterator[Any]:
    for number, item in enumerate(items):
        if number % EVERY == 0:
            tick()
        yield fingerprint(item)
