"""
What is known of one session: which name of live's is which name of the shadow's.

Bounded in pairs and bytes. A pair holds in both directions: where live's `5` is the
shadow's `9`, no other name of live's is, and a second claim is a contradiction.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from shadow_middleware.transform.rebind.nouns import Role, is_opaque

__all__ = ["MAX_VALUE", "Ambiguous", "Binding", "Pair", "Table"]

MAX_VALUE: Final = 4096
"""Characters of a value that is kept; longer ones are no names."""
_OVERHEAD: Final = 400
"""Bytes that a pair takes besides its texts."""


class Pair(NamedTuple):
    """Two values that stand in the same place of two answers."""

    nouns: tuple[str, ...]
    """What they may be the name of, the likeliest first."""
    live: str
    shadow: str
    role: Role
    where: str
    """For people: `POST /items, body /id`."""
    issued: bool = False
    """Whether the shadow made the value up in this very answer, as far as one can see."""


class Binding(msgspec.Struct):
    """One name of live's, and what the shadow calls the same."""

    noun: str
    live: str
    shadow: str
    where: str
    known: bool
    """Whether it is sure enough to explain that two answers differ."""
    at: float
    """When it was learned or used last, on the clock of the session."""


class Ambiguous(NamedTuple):
    """A value that several things of the session are called, each by another name."""

    value: str
    nouns: tuple[str, ...]


class Table:
    """The bindings of one session with one target."""

    def __init__(self, max_pairs: int, max_bytes: int) -> None:
        self._max_pairs, self._max_bytes = max_pairs, max_bytes
        self._forth: OrderedDict[tuple[str, str], Binding] = OrderedDict()
        self._back: dict[tuple[str, str], str] = {}
        self._of_live: dict[str, dict[str, str]] = {}
        self._of_shadow: dict[str, dict[str, str]] = {}
        self.bytes = 0
        """What the pairs hold, about."""

    def __len__(self) -> int:
        return len(self._forth)

    # --- learning -------------------------------------------------------------------

    def learn(self, pair: Pair, at: float) -> bool:
        """
        Take in a pair; whether it is consistent with what was known.

        A token may get another value at any time. Any other name may not: the pair is
        refused, and what differs stays a difference.
        """
        if len(pair.live) > MAX_VALUE or len(pair.shadow) > MAX_VALUE:
            return False
        if pair.role == "plain" and not (is_opaque(pair.live) or self.confirms(pair)):
            return False  # a number like any other: it may be data
        first = True
        for noun in pair.nouns or ("",):
            accepted = self._learn(noun, pair, at)
            if first and not accepted:
                return False
            first = False
        return True

    def _learn(self, noun: str, pair: Pair, at: float) -> bool:
        held = self._forth.get((noun, pair.live))
        token = pair.role == "token"
        if held is not None and held.shadow == pair.shadow:
            held.at = at
            held.known = held.known or pair.issued or self.confirms(pair)
            self._forth.move_to_end((noun, pair.live))
            return True
        other = self._back.get((noun, pair.shadow))
        if not token and (held is not None or other not in (None, pair.live)):
            return False
        if held is not None:
            self._forget(held)
        known = pair.live == pair.shadow or pair.issued or self.confirms(pair)
        self._add(Binding(noun, pair.live, pair.shadow, pair.where, known, at))
        return True

    def confirms(self, pair: Pair) -> bool:
        """Whether the same two names are known of each other, of whatever thing."""
        return any(
            shadow == pair.shadow and self._forth[noun, pair.live].known
            for noun, shadow in self._of_live.get(pair.live, {}).items()
        )

    def trust(self, binding: Binding) -> None:
        """Take note that the shadow knew the name when it was asked by it."""
        binding.known = True

    def _add(self, binding: Binding) -> None:
        noun, live, shadow = binding.noun, binding.live, binding.shadow
        self._forth[noun, live] = binding
        self._back[noun, shadow] = live
        self._of_live.setdefault(live, {})[noun] = shadow
        self._of_shadow.setdefault(shadow, {})[noun] = live
        self.bytes += _size(binding)
        while len(self._forth) > self._max_pairs or self.bytes > self._max_bytes:
            self._forget(next(iter(self._forth.values())))

    def _forget(self, binding: Binding) -> None:
        noun, live, shadow = binding.noun, binding.live, binding.shadow
        del self._forth[noun, live]
        if self._back.get((noun, shadow)) == live:
            del self._back[noun, shadow]
        _drop(self._of_live, live, noun)
        if self._of_shadow.get(shadow, {}).get(noun) == live:
            _drop(self._of_shadow, shadow, noun)
        self.bytes -= _size(binding)

    def expire(self, before: float) -> None:
        """Forget what was neither learned nor used since `before`."""
        while self._forth:
            oldest = next(iter(self._forth.values()))
            if oldest.at >= before:
                return
            self._forget(oldest)

    # --- asking ---------------------------------------------------------------------

    def find(
        self, value: str, nouns: tuple[str, ...], role: Role, at: float
    ) -> Binding | Ambiguous | None:
        """
        Return what the shadow calls what live calls `value`, if that is known.

        First by what the place says that it names. A value too long and random to be
        another thing by chance is found by itself, and so is one that must name
        something, unless the session has several things of that name.
        """
        for noun in nouns:
            if (noun, value) in self._forth:
                return self._used(noun, value, at)
        found = self._of_live.get(value)
        if not found or (role == "plain" and not is_opaque(value)):
            return None
        if len({*found.values()}) > 1:
            return Ambiguous(value, tuple(sorted(found)))
        return self._used(next(iter(found)), value, at)

    def _used(self, noun: str, value: str, at: float) -> Binding:
        held = self._forth[noun, value]
        held.at = at
        self._forth.move_to_end((noun, value))
        return held

    def latest(self, wanted: Callable[[str], bool]) -> Binding | None:
        """Return what was learned or used last of the nouns that are wanted."""
        for (noun, _), held in reversed(self._forth.items()):
            if wanted(noun):
                return held
        return None

    def explains(self, live: str, shadow: str, nouns: tuple[str, ...]) -> bool:
        """Whether the shadow's value is its own name of what live's value names."""
        for noun in nouns:
            held = self._forth.get((noun, live))
            if held is not None:
                return held.known and held.shadow == shadow
        return any(
            shadow == theirs and self._forth[noun, live].known
            for noun, theirs in self._of_live.get(live, {}).items()
        )

    def name_of(self, shadow: str, nouns: tuple[str, ...]) -> str | None:
        """Return what live calls what the shadow calls so, if that is sure."""
        for noun in nouns:
            live = self._back.get((noun, shadow))
            if live is not None:
                return live if self._forth[noun, live].known else None
        found = self._of_shadow.get(shadow)
        if found and len({*found.values()}) == 1 and is_opaque(shadow):
            return next(iter(found.values()))
        return None


def _size(binding: Binding) -> int:
    return _OVERHEAD + 4 * (len(binding.live) + len(binding.shadow))


def _drop(index: dict[str, dict[str, str]], value: str, noun: str) -> None:
    nouns = index.get(value)
    if nouns is not None:
        nouns.pop(noun, None)
        if not nouns:
            del index[value]
