"""
Names within texts: segments of a path, fields of a query, words of a sentence.

The same few functions read a URL of an answer, the target of a request, and a form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from shadow_middleware.transform.rebind.nouns import (
    Role,
    is_opaque,
    is_variable,
    named,
    path_nouns,
    route_noun,
)
from shadow_middleware.transform.rebind.table import Pair

__all__ = [
    "Place",
    "field_place",
    "is_link",
    "link_pairs",
    "rewrite_fields",
    "rewrite_link",
    "rewrite_path",
    "rewrite_words",
    "words",
]


class Place(NamedTuple):
    """Where a value stands in a request or an answer, and what it may name there."""

    nouns: tuple[str, ...]
    role: Role
    where: str
    """For people: `path segment 2`, `query item_id`, `body /owner/id`."""


Rename = Callable[[str, Place], str | None]
"""Returns what to write in place of a value; None leaves it as it is."""

_LINK: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#\s]+[^\s]*|/[^\s]*")
_PARTS: Final = re.compile(
    r"((?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?"
)
_WORD: Final = re.compile(
    r"[A-Za-z0-9_~+-]+(?:\.[A-Za-z0-9_~+-]+)*={0,2}(?![A-Za-z0-9])"
)
_MAX_TEXT: Final = 64 * 1024


def is_link(text: str) -> bool:
    """Whether a text is a URL or an absolute path, and nothing else."""
    return len(text) <= 4096 and "/" in text and _LINK.fullmatch(text) is not None


def field_place(name: str, route: str, where: str) -> Place:
    """Return what a field of a query, a form or a header names."""
    said = named(name)
    noun = said.noun or (route_noun(route) if said.role == "self" else "")
    return Place((noun,) if noun else (), said.role, where)


# --- two links side by side ------------------------------------------------------------


def link_pairs(
    live: str, shadow: str, where: str, *, issued: bool
) -> list[Pair] | None:
    """
    Return the names in which two links differ, or that both have.

    None where they are not the same link with other names in it.
    """
    ours, theirs = _parts(live), _parts(shadow)
    left, right = ours.path.split("/"), theirs.path.split("/")
    if len(left) != len(right):
        return None
    left, right = [*map(unquote, left)], [*map(unquote, right)]
    pairs: list[Pair] = []
    for index, (one, other) in enumerate(zip(left, right, strict=True)):
        if one == other and not is_variable(one):
            continue
        # Told by either side: a slug may look like a fixed word on one of them.
        nouns = path_nouns(left, index, "") or path_nouns(right, index, "")
        if nouns is None or not (one and other):
            return None
        pairs.append(Pair(nouns, one, other, "self", where, issued))
    more = _field_pairs(ours.query, theirs.query, ours.path, where, issued)
    return None if more is None else [*pairs, *more]


def _field_pairs(
    live: str, shadow: str, route: str, where: str, issued: bool
) -> list[Pair] | None:
    left, right = [*_fields(live)], [*_fields(shadow)]
    if [name for name, _ in left] != [name for name, _ in right]:
        return None
    pairs = []
    for (name, one), (_, other) in zip(left, right, strict=True):
        place = field_place(name, route, where)
        named_thing = place.role != "plain" or (is_opaque(one) and is_opaque(other))
        if one != other and not named_thing:
            return None
        if named_thing and one and other:
            sure = issued and place.role != "ref"
            pairs.append(Pair(place.nouns, one, other, place.role, where, sure))
    return pairs


class _Parts(NamedTuple):
    origin: str
    path: str
    query: str
    fragment: str


def _parts(link: str) -> _Parts:
    found = _PARTS.fullmatch(link)
    if found is None:
        return _Parts("", link, "", "")
    return _Parts(*(part or "" for part in found.groups()))


def _fields(query: str) -> Iterator[tuple[str, str]]:
    for pair in query.removeprefix("?").split("&"):
        if pair:
            name, _, value = pair.partition("=")
            yield unquote_plus(name), unquote_plus(value)


# --- writing other names ---------------------------------------------------------------


def rewrite_path(path: str, route: str, rename: Rename) -> str:
    """Return a path with some of its segments renamed; every other byte stays."""
    raw = path.split("/")
    plain = [*map(unquote, raw)]
    for index, segment in enumerate(plain):
        nouns = path_nouns(plain, index, route) if segment else None
        if nouns is None:
            continue
        sure = "{" in route or "<" in route or is_variable(segment)
        role: Role = "ref" if sure else "plain"
        new = rename(segment, Place(nouns, role, f"path segment {index}"))
        if new is not None:
            raw[index] = quote(new, safe="~-._!$'()*+,;=:@")
    return "/".join(raw)


def rewrite_fields(text: str, route: str, where: str, rename: Rename) -> str:
    """Return a query or a form with some of its values renamed."""
    if not text:
        return text
    pairs = text.split("&")
    for index, pair in enumerate(pairs):
        name, equals, value = pair.partition("=")
        if not (equals and value):
            continue
        name = unquote_plus(name)
        place = field_place(name, route, f"{where} {name}")
        old = unquote_plus(value)
        new = _renamed(old, place, rename)
        if new is not None:
            pairs[index] = (
                f"{pair[: len(pair) - len(value)]}{quote_plus(new, safe='/:@~')}"
            )
    return "&".join(pairs)


def _renamed(value: str, place: Place, rename: Rename) -> str | None:
    if not is_link(value):
        return rename(value, place)
    new = rewrite_link(value, place.where, rename)
    return None if new == value else new


def rewrite_link(link: str, where: str, rename: Rename) -> str:
    """Return a URL with the names in its path and its query renamed."""

    def here(value: str, place: Place) -> str | None:
        return rename(value, place._replace(where=f"{where}, {place.where}"))

    parts = _parts(link)
    path = rewrite_path(parts.path, parts.path, here)
    query = parts.query
    if query:
        query = "?" + rewrite_fields(query[1:], parts.path, "query", here)
    return f"{parts.origin}{path}{query}{parts.fragment}"


def words(text: str) -> list[tuple[int, int]]:
    """Return where the words of a text begin and end."""
    if len(text) > _MAX_TEXT:
        return []
    return [found.span() for found in _WORD.finditer(text)]


def rewrite_words(
    live: str, shadow: str, explains: Callable[[str, str], bool]
) -> str | None:
    """
    Return the shadow's text with live's names in it.

    None where the texts differ in more than names: other words, or other marks between.
    """
    left, right = words(live), words(shadow)
    if not left or len(left) != len(right):
        return None
    at = end = 0
    for (start, stop), (begin, finish) in zip(left, right, strict=True):
        if live[at:start] != shadow[end:begin]:
            return None
        one, other = live[start:stop], shadow[begin:finish]
        if one != other and not explains(one, other):
            return None
        at, end = stop, finish
    return live if live[at:] == shadow[end:] else None
