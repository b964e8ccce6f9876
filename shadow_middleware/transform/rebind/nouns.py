"""
What a value is the name of, by where it stands: an `item`, an `owner`, a `csrftoken`.

`1` in `/items/1` names an item and `1` in `?page=1` names nothing, so they are never
taken for each other.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from shadow_middleware.compare.names import meaning_of
from shadow_middleware.compare.value_shapes import shape_of
from shadow_middleware.transform.secrets import is_secret_name

__all__ = [
    "Named",
    "Role",
    "container_noun",
    "is_opaque",
    "is_variable",
    "member_of",
    "named",
    "path_nouns",
    "route_noun",
    "singular",
]

Role = Literal["self", "ref", "token", "plain"]
"""`self` names the thing that it stands in, `ref` another one; a `token` is a secret or
the like that a server makes up; `plain` values are data."""


class Named(NamedTuple):
    """What a field of that name holds."""

    role: Role
    noun: str
    """Of a `self`: ''; the thing that it stands in is known by its container."""


_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_SELF = frozenset({"id", "pk", "rowid", "uid", "uuid", "guid", "slug", "ids", "uuids"})
_LINKS = frozenset({"href", "url", "uri", "link", "self", "location"})
_WRAPPERS = frozenset(
    {
        *("body", "content", "data", "edge", "element", "embedded", "entry", "hit"),
        *("list", "node", "object", "page", "payload", "record", "response", "result"),
        *("row", "value"),
    }
)
_VERBS = frozenset(
    {
        *("add", "all", "create", "delete", "edit", "list", "new", "remove", "save"),
        *("search", "show", "update", "view"),
    }
)
_DATA = frozenset(
    {
        *("age", "amount", "count", "day", "end", "first", "height", "last", "length"),
        *(
            "level",
            "limit",
            "max",
            "min",
            "month",
            "offset",
            "page",
            "position",
            "price",
        ),
        *(
            "qty",
            "quantity",
            "rank",
            "rating",
            "score",
            "size",
            "skip",
            "start",
            "state",
        ),
        *("status", "top", "total", "type", "version", "weight", "width", "year"),
    }
)
"""Names of numbers that count or measure; what they hold names nothing."""
_OPAQUE = frozenset(
    {"uuid", "ulid", "token", "hash", "jwt", "csrf-token", "signed-url"}
)
_MAX_NAME = 64
_PARAMETER = re.compile(
    r"[{<](?:[^:{}<>]*:)?([^:{}<>]+)(?::[^{}<>]*)?[}>]|:([A-Za-z_]\w*)"
)
_NUMBERED = re.compile(r"[0-9]{1,20}")


@lru_cache(maxsize=4096)
def singular(word: str) -> str:
    """Return a word of a path or a member as the one thing: `items` is `item`."""
    word = "_".join(w.lower() for w in _WORDS.split(word) if w)
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 2:
        return word[:-1]
    return word


@lru_cache(maxsize=4096)
def named(name: str) -> Named:
    """Return what the name of a field says of its value."""
    if not name or len(name) > _MAX_NAME:
        return Named("plain", "")
    words = [word.lower() for word in _WORDS.split(name) if word]
    if not words:
        return Named("plain", "")
    meaning = meaning_of(name)
    last = words[-1]
    if last in _SELF or last in _LINKS or (meaning.reference and len(words) > 1):
        return (
            Named("ref", singular("_".join(words[:-1])))
            if words[1:]
            else Named("self", "")
        )
    if meaning.csrf or meaning.secret or is_secret_name(name):
        return Named("token", "_".join(words))
    if last in _DATA:
        return Named("plain", "")
    return Named("plain", singular(name))


@lru_cache(maxsize=4096)
def route_noun(route: str) -> str:
    """Return what a route is about: `/items/{id}/edit` is about an item."""
    for segment in reversed(route.split("?")[0].split("/")):
        if not segment or _PARAMETER.search(segment) or is_variable(segment):
            continue
        noun = singular(segment)
        if noun not in _VERBS:
            return noun
    return ""


def member_of(path: tuple[str | int, ...]) -> str:
    """Return the name of the member that a place is in, behind any positions."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def container_noun(path: tuple[str | int, ...], route: str) -> tuple[str, ...]:
    """Return what the object around a member is, the likeliest first."""
    for step in reversed(path[:-1]):
        if isinstance(step, int):
            continue
        noun = singular(step.lstrip("_"))
        if noun in _WRAPPERS:
            continue
        # `{"items": [...]}` may be a page of whatever the route is about.
        about = route_noun(route)
        return (noun, about) if noun == "item" and about not in ("", noun) else (noun,)
    return (route_noun(route),)


@lru_cache(maxsize=4096)
def _template(route: str) -> tuple[str, ...]:
    return tuple(route.split("/"))


def path_nouns(segments: list[str], index: int, route: str) -> tuple[str, ...] | None:
    """
    Return what the segment of a path may be the name of; None where it is fixed text.

    Args:
        segments: Of the path, percent-decoded.
        index: Which of them.
        route: The framework's template, or the path itself where it is not known.
    """
    template, before = _template(route), segments[index - 1] if index else ""
    parent = () if not before or is_variable(before) else (singular(before),)
    if "{" not in route and "<" not in route:
        return parent if parent or is_variable(segments[index]) else None
    at = index - (len(segments) - len(template))
    if not 0 <= at < len(template):
        return parent if is_variable(segments[index]) else None
    found = _PARAMETER.search(template[at])
    if found is None:
        return None
    name = found.group(1) or found.group(2) or ""
    said = named(name)
    noun = said.noun if said.role == "ref" or said.noun not in _WRAPPERS else ""
    return (*parent, noun) if noun and noun not in parent else parent


def is_opaque(value: str, name: str = "") -> bool:
    """Whether a text is long and random enough to be no other thing by chance."""
    return 8 <= len(value) <= 4096 and shape_of(value, name) in _OPAQUE


def is_variable(segment: str) -> bool:
    """Whether a segment of a path looks like a name that a server gave."""
    return _NUMBERED.fullmatch(segment) is not None or is_opaque(segment)
