"""
Globs over paths, as a machine that reads one segment at a time.

All patterns of one kind run together: a state is the set of places that they have
reached, states are built when first met and kept, so a step costs one look-up
whatever the number of patterns. Work is linear in the path; nothing backtracks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

import re2

__all__ = ["PathMatcher", "State", "compile_name", "split_pointer"]

T = TypeVar("T")

ANY = "*"
DEEP = "**"
MAX_KEPT = 1024
"""Steps kept for one state, and states kept for one matcher."""


def compile_name(pattern: str) -> Any:
    """Return a compiled RE2 for a glob in which `*` is any run of characters."""
    text = ".*".join(re2.escape(piece) for piece in pattern.split("*"))
    return re2.compile(f"(?s){text}")


def split_pointer(pointer: str) -> list[str]:
    """Return the segments of a JSON pointer or of a path."""
    pieces = pointer.removeprefix("/").split("/") if pointer.strip("/") else []
    return [piece.replace("~1", "/").replace("~0", "~") for piece in pieces]


class _Segment:
    """One segment of a pattern: a literal, any one, any number, or a partial glob."""

    __slots__ = ("_literal", "_partial", "any", "deep")

    def __init__(self, text: str) -> None:
        self.deep = text == DEEP
        self.any = text in (ANY, DEEP)
        self._literal = text
        self._partial = compile_name(text) if "*" in text and not self.any else None

    def fits(self, key: str) -> bool:
        if self.any:
            return True
        if self._partial is None:
            return key == self._literal
        return self._partial.fullmatch(_encodable(key)) is not None

    @property
    def literal(self) -> str | None:
        """The one key that it fits, if it is not a glob."""
        return None if self.any or self._partial is not None else self._literal

    @property
    def partial(self) -> bool:
        """Whether it has to be run on a key to be known."""
        return self._partial is not None


class State(Generic[T]):
    """What all patterns have reached after some segments."""

    __slots__ = (
        "accepts",
        "alive",
        "literals",
        "only_literals",
        "others",
        "partial",
        "places",
        "steps",
    )

    def __init__(
        self,
        places: frozenset[tuple[int, int]],
        accepts: tuple[T, ...],
        expected: Sequence[_Segment],
    ) -> None:
        self.places = places
        self.alive = bool(places)
        self.accepts = accepts
        self.literals = {s.literal for s in expected if s.literal is not None}
        self.partial = any(segment.partial for segment in expected)
        self.only_literals = all(s.literal is not None for s in expected)
        self.steps: dict[str, State[T]] = {}
        self.others: State[T] | None = None
        """Where every key leads that is no literal, unless some have to be run."""


class PathMatcher(Generic[T]):
    """
    Matches paths against many patterns at once.

    Start at `start`, go one segment further with `step` or `step_index`, and read
    `accepts` of the state: what was given beside each pattern that fits so far.
    """

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        pairs = list(entries)
        self._patterns: Sequence[list[_Segment]] = [
            [_Segment(text) for text in split_pointer(pattern)] for pattern, _ in pairs
        ]
        self._payloads = [payload for _, payload in pairs]
        self._states: dict[frozenset[tuple[int, int]], State[T]] = {}
        self.start = self._state({(number, 0) for number in range(len(pairs))})

    def step(self, state: State[T], key: str) -> State[T]:
        """Return the state after one more segment."""
        reached = state.steps.get(key)
        if reached is not None:
            return reached
        if not state.partial and key not in state.literals:
            if state.others is None:
                state.others = self._advance(state, key)
            return state.others
        reached = self._advance(state, key)
        if len(state.steps) < MAX_KEPT:
            state.steps[key] = reached
        return reached

    def step_index(self, state: State[T], index: int) -> State[T]:
        """Return the state after a list index."""
        if state.others is not None and not state.literals:
            return state.others
        return self.step(state, str(index))

    def find(self, path: str) -> tuple[T, ...]:
        """Return what was given beside each pattern that fits `path`."""
        state = self.start
        for segment in split_pointer(path):
            state = self.step(state, segment)
        return state.accepts

    def _advance(self, state: State[T], key: str) -> State[T]:
        places = set()
        for number, place in state.places:
            segments = self._patterns[number]
            if place < len(segments) and segments[place].fits(key):
                places.add((number, place if segments[place].deep else place + 1))
        return self._state(places)

    def _state(self, places: set[tuple[int, int]]) -> State[T]:
        closed = frozenset(self._closure(places))
        known = self._states.get(closed)
        if known is not None:
            return known
        ends = [n for n, place in sorted(closed) if place == len(self._patterns[n])]
        expected = [
            self._patterns[n][i] for n, i in closed if i < len(self._patterns[n])
        ]
        made = State(closed, tuple(self._payloads[n] for n in ends), expected)
        if len(self._states) < MAX_KEPT:
            self._states[closed] = made
        return made

    def _closure(self, places: set[tuple[int, int]]) -> Iterable[tuple[int, int]]:
        for number, place in places:
            segments = self._patterns[number]
            yield number, place
            while place < len(segments) and segments[place].deep:
                place += 1
                yield number, place


def _encodable(key: str) -> str:
    # RE2 reads UTF-8, in which a lone surrogate cannot be written.
    return key if key.isascii() else key.encode("utf-8", "replace").decode("utf-8")
