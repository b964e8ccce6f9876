"""
What an HTML page names: the values of its attributes, in groups that can be aligned.

Not a parser of HTML. It finds start tags in linear time, whoever wrote the page, and is
used for nothing that depends on where an element ends.
"""

from __future__ import annotations

import re
from collections import defaultdict
from html import unescape
from typing import Final, NamedTuple

__all__ = ["Slot", "aligned", "slots"]

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,40}(?=[\s/])")
_ATTRIBUTE: Final = re.compile(
    r"([A-Za-z_:@.][-A-Za-z0-9_:.@]{0,60})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>=`]+))"
)
_LINKS: Final = frozenset({"href", "src", "action", "formaction", "poster", "cite"})
_MAX_SLOTS: Final = 4000
_MAX_PAGE: Final = 512 * 1024
_MAX_TAG: Final = 4096


class Slot(NamedTuple):
    """One value of one attribute."""

    key: tuple[str, str, str]
    """Tag, attribute, and what names the field: alike slots are aligned in order."""
    name: str
    """What the value is called: the field of a form, the name of a meta, or the
    attribute without its `data-`."""
    value: str
    start: int
    end: int
    link: bool
    hidden: bool = False
    """Whether it is a hidden field: the server's own, for it to get back."""


def slots(page: str) -> list[Slot]:
    """Return every value that may name something."""
    if len(page) > _MAX_PAGE:
        return []
    found: list[Slot] = []
    at = page.find("<")
    while at >= 0:
        # To the next bracket of either sort: a look back would cost a hostile page
        # nothing and us the square of its length.
        after = page.find("<", at + 1)
        end = page.find(">", at + 1, at + _MAX_TAG if after < 0 else after)
        name = _NAME.match(page, at + 1)
        if end > 0 and name is not None:
            found += _of_tag(name.group().lower(), page[name.end() : end], name.end())
            if len(found) > _MAX_SLOTS:
                return []
        at = after
    return found


def _of_tag(tag: str, text: str, offset: int) -> list[Slot]:
    attributes = {}
    for match in _ATTRIBUTE.finditer(text):
        group = next(n for n in (2, 3, 4) if match.group(n) is not None)
        attributes[match.group(1).lower()] = (
            match.group(group),
            offset + match.start(group),
            offset + match.end(group),
        )
    field = next(
        (attributes[n][0] for n in ("name", "property", "id") if n in attributes), ""
    )
    hidden = attributes.get("type", ("",))[0].lower() == "hidden"
    return [
        Slot((tag, attribute, field), name, unescape(value), start, end, link, hidden)
        for attribute, (value, start, end) in attributes.items()
        for name, link in _meanings(tag, attribute, field)
    ]


def _meanings(tag: str, attribute: str, field: str) -> list[tuple[str, bool]]:
    """Return what the value of an attribute is called, and whether it is a link."""
    if attribute in _LINKS or attribute.startswith("hx-"):
        return [(attribute, True)]
    if (tag, attribute) in (("input", "value"), ("button", "value")) or (
        (tag, attribute) == ("meta", "content")
    ):
        return [(field, False)] if field else []
    if attribute.startswith("data-"):
        name = attribute.removeprefix("data-")
        return [(name, name.endswith(("url", "href")))]
    return []


def aligned(live: list[Slot], shadow: list[Slot]) -> list[tuple[Slot, Slot]]:
    """Return pairs of slots that stand in the same place; what is unsure is left out."""
    groups: tuple[dict[tuple[str, str, str], list[Slot]], ...] = (
        defaultdict(list),
        defaultdict(list),
    )
    for group, found in zip(groups, (live, shadow), strict=True):
        for slot in found:
            group[slot.key].append(slot)
    return [
        pair
        for key, ours in groups[0].items()
        if len(ours) == len(theirs := groups[1].get(key, []))
        for pair in zip(ours, theirs, strict=True)
    ]
