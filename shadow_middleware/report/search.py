"""Words that people look for in lists, whatever face the list has."""

from __future__ import annotations

from collections.abc import Iterable

from shadow_middleware.report.groups import GroupRow
from shadow_middleware.report.noise import NoiseRow

__all__ = ["in_group", "in_noise", "in_route", "in_target", "words_of"]


def words_of(text: str) -> tuple[str, ...]:
    """Return the words that a text asks for."""
    return tuple(text.casefold().split())


def in_group(words: Iterable[str], row: GroupRow) -> bool:
    """Whether all words are in its id, its target, its route or what changed."""
    return _in(words, row.fingerprint, row.key.target, row.key.route, row.what)


def in_noise(words: Iterable[str], row: NoiseRow) -> bool:
    """Whether all words are in its id, its target, its route or what differs."""
    return _in(words, row.fingerprint, row.key.target, row.key.route, row.what)


def in_route(words: Iterable[str], target: str, route: str) -> bool:
    """Whether all words are in the target's name or the route."""
    return _in(words, target, route)


def in_target(words: Iterable[str], target: str, address: str) -> bool:
    """Whether all words are in the target's name or where it is."""
    return _in(words, target, address)


def _in(words: Iterable[str], *texts: str) -> bool:
    whole = " ".join(texts).casefold()
    return all(word in whole for word in words)
