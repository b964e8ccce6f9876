"""
One walk over two parsed bodies that finds every place where they differ.

Equal subtrees are passed over in C; only pairs that differ are opened. The walk keeps
its own stack, so no nesting is too deep for it, and looks at the clock as it goes.
"""

from __future__ import annotations

from typing import Any

from shadow_middleware.compare.compiled_rule import CompiledRule
from shadow_middleware.compare.findings import Findings
from shadow_middleware.compare.globs import PathMatcher, State
from shadow_middleware.compare.lists import ListWalk
from shadow_middleware.compare.parse import unlike
from shadow_middleware.compare.path_shape import is_map
from shadow_middleware.compare.place import ROOT, Place, below
from shadow_middleware.compare.prune import Ignored
from shadow_middleware.compare.sameness import same
from shadow_middleware.exchange import Kind

__all__ = ["MAX_DEPTH", "walk"]

MAX_DEPTH = 200
TICK = 1024

Tolerances = PathMatcher[CompiledRule]
Standing = State[CompiledRule] | None
Pair = tuple[Any, Any, Place, Standing]
Where = tuple[Place, Any, int, bool]

_ABSENT = object()


def walk(
    live: Any,
    shadow: Any,
    tolerances: Tolerances | None,
    findings: Findings,
    *,
    lines: bool = False,
) -> None:
    """
    Write every difference between two parsed bodies into `findings`.

    `lines` says that they are lists of the lines of a text.

    Raises:
        BudgetSpent: time or entries ran out.
    """
    _Walk(tolerances, findings, lines).run(live, shadow)


class _Walk:
    def __init__(
        self, tolerances: Tolerances | None, findings: Findings, lines: bool
    ) -> None:
        self.findings = findings
        self._lines = lines
        self._tolerances = tolerances
        self._stack: list[Pair] = []
        self._lists = ListWalk(self)

    def run(self, live: Any, shadow: Any) -> None:
        start = self._tolerances.start if self._tolerances else None
        self._stack.append((live, shadow, ROOT, start))
        while self._stack:
            self.findings.tick()
            self._pair(*self._stack.pop())

    def open(
        self,
        live: Any,
        shadow: Any,
        where: Where,
        state: Standing,
        pairs: list[Pair],
    ) -> None:
        """Compare two children at once if they are leaves, else add them to `pairs`."""
        inner = isinstance(live, dict | list) and isinstance(shadow, dict | list)
        # Long lists of 1 against 1.0 are common; spare them the bookkeeping.
        if not inner and live == shadow and not unlike(live, shadow):
            self.findings.explain("number-form")
            return
        here, reached = below(*where), self.step(state, where[1])
        if inner:
            pairs.append((live, shadow, here, reached))
        else:
            self._leaf(live, shadow, here, reached)

    def push(self, pairs: list[Pair]) -> None:
        """Have these pairs walked next, in this order."""
        self._stack.extend(reversed(pairs))

    def one_sided(self, kind: Kind, place: Place, value: Any) -> None:
        """Note what only one side has, unless a rule took it out."""
        if isinstance(value, Ignored) and not value.conditional:
            self.findings.hit(value.name, str(kind))
            return
        shown = _unwrapped(value)
        live, shadow = (shown, None) if kind is Kind.MISSING else (None, shown)
        self.add(kind, place, live, shadow)

    def add(
        self,
        kind: Kind,
        place: Place,
        live: Any,
        shadow: Any,
        note: str = "",
        alike: str = "",
    ) -> None:
        """Note a difference at `place`."""
        # Lines of a text are no set, whatever is in them.
        alike = "" if self._lines else alike
        self.findings.add_in_body(
            kind, place, live, shadow, note, line=self._lines, alike=alike
        )

    def step(self, state: Standing, key: Any) -> Standing:
        """Return what tolerances have reached one member further."""
        if self._tolerances is None or state is None:
            return None
        if isinstance(key, int):
            return self._tolerances.step_index(state, key)
        return self._tolerances.step(state, str(key))

    def _pair(self, live: Any, shadow: Any, place: Place, state: Standing) -> None:
        if place.depth > MAX_DEPTH:
            self._too_deep(place, live, shadow)
        elif isinstance(live, dict) and isinstance(shadow, dict):
            self._objects(live, shadow, place, state)
        elif isinstance(live, list) and isinstance(shadow, list):
            self._lists.compare(live, shadow, place, state)
        else:
            self._leaf(live, shadow, place, state)

    def _too_deep(self, place: Place, live: Any, shadow: Any) -> None:
        self.findings.cut = True
        note = f"not compared below {MAX_DEPTH} levels"
        self.add(Kind.CHANGED, place, live, shadow, note)

    def _objects(
        self,
        live: dict[Any, Any],
        shadow: dict[Any, Any],
        place: Place,
        state: Standing,
    ) -> None:
        pairs: list[Pair] = []
        in_map = is_map(live)
        for number, (key, value) in enumerate(live.items()):
            if number % TICK == TICK - 1:
                self.findings.tick()
            other = shadow.get(key, _ABSENT)
            if other is _ABSENT:
                here = below(place, key, -1, in_map)
                self.one_sided(Kind.MISSING, here, value)
            elif not same(value, other):
                self.open(value, other, (place, key, -1, in_map), state, pairs)
        for key in [key for key in shadow if key not in live]:
            here = below(place, key, -1, in_map)
            self.one_sided(Kind.ADDED, here, shadow[key])
        self.push(pairs)

    def _leaf(self, live: Any, shadow: Any, place: Place, state: Standing) -> None:
        if unlike(live, shadow):
            kind = Kind.TYPE if not _is_marked(live, shadow) else Kind.CHANGED
            self.add(kind, place, _unwrapped(live), _unwrapped(shadow))
        elif live == shadow:
            if type(live) is not type(shadow):
                self.findings.explain("number-form")
        elif not self._is_tolerated(live, shadow, state):
            self.add(Kind.CHANGED, place, _unwrapped(live), _unwrapped(shadow))

    def _is_tolerated(self, live: Any, shadow: Any, state: Standing) -> bool:
        if state is None or not (_is_number(live) and _is_number(shadow)):
            return False
        for rule in state.accepts:
            if rule.fits(live) and rule.fits(shadow) and rule.close(live, shadow):
                self.findings.hit(rule.name, "changed")
                return True
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_marked(live: Any, shadow: Any) -> bool:
    return isinstance(live, Ignored) or isinstance(shadow, Ignored)


def _unwrapped(value: Any) -> Any:
    return value.value if isinstance(value, Ignored) else value
