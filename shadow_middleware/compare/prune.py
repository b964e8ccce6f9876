"""
Takes out of a parsed body what rules ignore, before anything is compared.

Members go; list items and values that an ignore rule fits by pattern leave a marker,
so that indexes stay and rows that differ only there are the same row.
"""

from __future__ import annotations

from typing import Any

from shadow_middleware.compare.compiled_rule import CompiledRule
from shadow_middleware.compare.findings import Findings
from shadow_middleware.compare.globs import PathMatcher, State
from shadow_middleware.compare.hidden import Removed, Way

__all__ = ["Ignored", "ignored_whole", "prune"]

TICK = 1024


class Ignored:
    """Stands where a value was; equal to any other left by the same rule."""

    __slots__ = ("conditional", "name", "value")

    def __init__(self, rule: CompiledRule, value: Any) -> None:
        self.name = rule.name
        self.conditional = rule.conditional
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ignored) and other.name == self.name

    def __repr__(self) -> str:
        return f"<ignored by {self.name}>"

    __str__ = __repr__


def ignored_whole(matcher: PathMatcher[CompiledRule] | None) -> str:
    """Return the name of a rule that ignores the body as a whole, or ''."""
    if matcher is None:
        return ""
    names = [rule.name for rule in matcher.start.accepts if not rule.conditional]
    return names[0] if names else ""


def prune(
    value: Any, matcher: PathMatcher[CompiledRule], findings: Findings
) -> tuple[Any, Removed]:
    """
    Return the value without what is ignored, and what that was. Changes `value`.

    Raises:
        BudgetSpent: it took too long.
    """
    pruning = _Pruning(matcher, findings)
    return pruning.run(value), pruning.removed


class _Pruning:
    def __init__(self, matcher: PathMatcher[CompiledRule], findings: Findings) -> None:
        self.removed: dict[str, list[tuple[Way, Any]]] = {}
        self._matcher = matcher
        self._findings = findings
        self._stack: list[tuple[Any, State[CompiledRule], Way]] = []
        self._visited = 0

    def run(self, value: Any) -> Any:
        root = self._visit(value, self._matcher.start, None)
        while self._stack:
            node, state, way = self._stack.pop()
            self._visited += len(node) + 1
            if self._visited > TICK:
                self._visited = 0
                self._findings.tick()
            if isinstance(node, dict):
                self._members(node, state, way)
            else:
                self._items(node, state, way)
        return root

    def _members(
        self, node: dict[Any, Any], state: State[CompiledRule], way: Way
    ) -> None:
        step = self._matcher.step
        # Where no wildcard is expected, only the members that are named matter.
        keys = state.literals.intersection(node) if state.only_literals else list(node)
        for key in keys:
            value = node[key]
            reached = step(state, key if type(key) is str else str(key))
            if not reached.accepts:
                self._open(value, reached, way, key)
                continue
            kept = self._visit(value, reached, (way, key))
            if kept is value:
                continue
            if kept.conditional:
                node[key] = kept
            else:
                del node[key]

    def _items(self, node: list[Any], state: State[CompiledRule], way: Way) -> None:
        for index, value in enumerate(node):
            reached = self._matcher.step_index(state, index)
            if reached.accepts:
                node[index] = self._visit(value, reached, (way, index))
            else:
                self._open(value, reached, way, index)

    def _visit(self, value: Any, state: State[CompiledRule], way: Way) -> Any:
        for rule in state.accepts:
            if rule.conditional:
                self._findings.tick()
            if not rule.conditional or rule.fits(value):
                self.removed.setdefault(rule.name, []).append((way, value))
                return Ignored(rule, value)
        self._push(value, state, way)
        return value

    def _open(self, value: Any, state: State[CompiledRule], way: Way, key: Any) -> None:
        kind = type(value)
        if kind is dict or kind is list:
            self._push(value, state, (way, key))

    def _push(self, value: Any, state: State[CompiledRule], way: Way) -> None:
        kind = type(value)
        if kind is not dict and kind is not list:
            return
        if kind is dict and state.only_literals and state.literals.isdisjoint(value):
            return
        self._stack.append((value, state, way))
