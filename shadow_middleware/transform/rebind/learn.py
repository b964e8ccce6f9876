"""
What two answers to one request say of names: the same places, two values.

Where answers are not built alike, nothing is learned of what stands there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from shadow_middleware.compare.decode import decode
from shadow_middleware.compare.media import media_of, text_of
from shadow_middleware.compare.rules import DEFAULT_IGNORES
from shadow_middleware.exchange import Headers, Response
from shadow_middleware.transform.rebind import pages
from shadow_middleware.transform.rebind.links import field_place, is_link, link_pairs
from shadow_middleware.transform.rebind.nouns import (
    Named,
    container_noun,
    is_opaque,
    member_of,
    named,
)
from shadow_middleware.transform.rebind.spans import MAX_LEAVES, Path
from shadow_middleware.transform.rebind.table import Pair

__all__ = ["MAX_BODY", "Answers", "Leaf", "Side", "json_leaves", "pairs_of", "side_of"]

MAX_BODY: Final = 256 * 1024
"""Bytes of a body, taken out of its coding, that is looked into."""
_LINK_HEADERS: Final = frozenset({"location", "content-location", "refresh"})
_SKIPPED: Final = frozenset({*DEFAULT_IGNORES, "set-cookie", "content-type", "allow"})


class Side(NamedTuple):
    """One answer as it is looked at."""

    form: str
    """`json`, `page`, or '' for what is not looked into."""
    text: str
    value: Any
    """Of JSON, the parsed value."""


class Answers(NamedTuple):
    """Two answers to one request."""

    about: str
    """For people: `POST /items`."""
    route: str
    writes: bool
    """Whether the request was one that makes new things."""
    live: Response
    shadow: Response


class Leaf(NamedTuple):
    """One place of two JSON bodies that are built alike; `live` may be None there."""

    path: Path
    live: Any
    shadow: Any


def side_of(response: Response) -> Side:
    """Return the body of an answer, parsed if it is JSON of a sane size."""
    body, media = response.body, media_of(response)
    if not body.complete or not body.data or media.form not in ("json", "page"):
        return Side("", "", None)
    data = body.data
    if media.codings:
        decoded = decode(data, media.codings, MAX_BODY)
        if decoded.state != "whole":
            return Side("", "", None)
        data = decoded.data
    if len(data) > MAX_BODY:
        return Side("", "", None)
    text = text_of(data, media.charset)
    if text is None:
        return Side("", "", None)
    if media.form == "page":
        return Side("page", text, None)
    try:
        return Side("json", text, msgspec.json.decode(text))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return Side("", "", None)


def pairs_of(answers: Answers, live: Side, shadow: Side) -> Iterator[Pair]:
    """Yield the names that both answers have in the same places."""
    yield from _of_headers(answers)
    if live.form != shadow.form:
        return
    if live.form == "json":
        for leaf in json_leaves(live.value, shadow.value, answers.route):
            yield from _of_leaf(leaf, answers)
    elif live.form == "page":
        yield from _of_page(answers, live.text, shadow.text)


# --- headers ----------------------------------------------------------------------------


def _of_headers(answers: Answers) -> Iterator[Pair]:
    left, right = _single(answers.live.headers), _single(answers.shadow.headers)
    for name, live in left.items():
        shadow = right.get(name)
        if not shadow or not live or name in _SKIPPED:
            continue
        where = f"{answers.about}, header {name}"
        if name in _LINK_HEADERS:
            yield from link_pairs(live, shadow, where, issued=True) or ()
        elif name == "etag":
            yield Pair(("etag",), live, shadow, "token", where, True)
        elif (place := field_place(name, answers.route, where)).role != "plain":
            sure = answers.writes and place.role != "ref"
            yield Pair(place.nouns, live, shadow, place.role, where, sure)
    ours, theirs = _cookies(answers.live.headers), _cookies(answers.shadow.headers)
    for name in ours.keys() & theirs.keys():
        if len(ours[name]) >= 8 and len(theirs[name]) >= 8:
            where = f"{answers.about}, cookie {name}"
            noun = f"cookie {name.lower()}"
            yield Pair((noun,), ours[name], theirs[name], "token", where, True)


def _single(headers: Headers) -> dict[str, str]:
    """Return each header that stands there once."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.decode("latin-1").lower()
        found[key] = "" if key in found else value.decode("latin-1")
    return found


def _cookies(headers: Headers) -> dict[str, str]:
    pairs = (
        value.decode("latin-1").partition(";")[0].partition("=")
        for name, value in headers
        if name.lower() == b"set-cookie"
    )
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


# --- JSON ---------------------------------------------------------------------------------


def json_leaves(live: Any, shadow: Any, route: str) -> Iterator[Leaf]:
    """Yield the leaves that both bodies have; lists are aligned where that is safe."""
    stack: list[tuple[Path, Any, Any]] = [((), live, shadow)]
    left = MAX_LEAVES
    while stack and left > 0:
        path, ours, theirs = stack.pop()
        left -= 1
        if isinstance(ours, dict) and isinstance(theirs, dict):
            stack += [((*path, k), ours[k], theirs[k]) for k in ours if k in theirs]
        elif isinstance(ours, list) and isinstance(theirs, list):
            if len(ours) == len(theirs) and not _is_moved(ours, theirs):
                rows = enumerate(zip(ours, theirs, strict=True))
                stack += [((*path, i), a, b) for i, (a, b) in rows if _is_one_row(a, b)]
        else:
            yield Leaf(path, ours, theirs)


def _is_moved(live: list[Any], shadow: list[Any]) -> bool:
    """Whether both hold the same things in another order, which names nothing anew."""
    ours, theirs = ([*map(_identity, rows)] for rows in (live, shadow))
    if ours == theirs or None in ours:
        return False
    return sorted(ours, key=repr) == sorted(theirs, key=repr)


def _identity(row: Any) -> Any:
    if isinstance(row, dict):
        for name, value in row.items():
            if named(name).role == "self" and isinstance(value, int | str):
                return value
        return None
    return row if isinstance(row, int | str) else None


def _is_one_row(live: Any, shadow: Any) -> bool:
    """Whether two rows of lists agree in most of what is data in them."""
    if not (isinstance(live, dict) and isinstance(shadow, dict)):
        return True
    same = other = 0
    for name, value in live.items():
        if isinstance(value, dict | list) or named(name).role != "plain":
            continue
        if isinstance(value, str) and is_link(value):
            continue
        if value == shadow.get(name):
            same += 1
        else:
            other += 1
    return same >= other


def _of_leaf(leaf: Leaf, answers: Answers) -> Iterator[Pair]:
    live, shadow = leaf.live, leaf.shadow
    where = f"{answers.about}, body /{'/'.join(map(str, leaf.path))}"
    name = member_of(leaf.path)
    said = named(name)
    if _is_int(live) and _is_int(shadow):
        if said.role in ("self", "ref"):
            nouns = _nouns(said.role, said.noun, leaf.path, answers.route)
            sure = _is_own(said, leaf.path, answers.route)
            yield Pair(nouns, str(live), str(shadow), said.role, where, sure)
        elif live != shadow and said.noun and said.role == "plain":
            yield Pair((said.noun,), str(live), str(shadow), "plain", where)
    elif isinstance(live, str) and isinstance(shadow, str) and live and shadow:
        if is_link(live) and is_link(shadow):
            yield from link_pairs(live, shadow, where, issued=True) or ()
        elif said.role != "plain":
            nouns = _nouns(said.role, said.noun, leaf.path, answers.route)
            sure = said.role == "token" or _is_own(said, leaf.path, answers.route)
            yield Pair(nouns, live, shadow, said.role, where, sure)
        elif live != shadow and is_opaque(live, name) and is_opaque(shadow, name):
            noun = (said.noun,) if said.noun else ()
            yield Pair(noun, live, shadow, "plain", where, answers.writes)


def _nouns(role: str, noun: str, path: Path, route: str) -> tuple[str, ...]:
    return container_noun(path, route) if role == "self" else (noun,)


def _is_own(said: Named, path: Path, route: str) -> bool:
    """Whether a member names the very thing that it stands in: `id`, or an item's
    `item_id`."""
    return said.role == "self" or said.noun in container_noun(path, route)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# --- pages ----------------------------------------------------------------------------------


def _of_page(answers: Answers, live: str, shadow: str) -> Iterator[Pair]:
    for ours, theirs in pages.aligned(pages.slots(live), pages.slots(shadow)):
        if not (ours.value and theirs.value):
            continue
        where = f"{answers.about}, {ours.key[0]} {ours.name}"
        if ours.link:
            if is_link(ours.value) and is_link(theirs.value):
                yield from (
                    link_pairs(ours.value, theirs.value, where, issued=True) or ()
                )
            continue
        place = field_place(ours.name, answers.route, where)
        if place.role != "plain":
            sure = place.role != "ref"
            yield Pair(place.nouns, ours.value, theirs.value, place.role, where, sure)
        elif (
            ours.value != theirs.value
            and is_opaque(ours.value)
            and is_opaque(theirs.value)
        ):
            sure = ours.hidden or answers.writes
            yield Pair(place.nouns, ours.value, theirs.value, "plain", where, sure)
