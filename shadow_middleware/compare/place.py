"""Where a walk is, and how that is written."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["ROOT", "Place", "below"]


class Place(NamedTuple):
    """Where the walk is: a chain from here to the root."""

    parent: Place | None
    key: Any
    depth: int
    index_in_shadow: int = -1
    """Where the shadow has this list item, if elsewhere."""
    in_map: bool = False
    """Whether the key is data: one of many of one sort."""

    def pointer(self) -> str:
        """Return the JSON pointer, in the live body."""
        pieces: list[str] = []
        here: Place = self
        while here.parent is not None:
            pieces.append(str(here.key).replace("~", "~0").replace("/", "~1"))
            here = here.parent
        return "".join(f"/{piece}" for piece in reversed(pieces))

    def note(self) -> str:
        """Say where the shadow has the list items on the way, if elsewhere."""
        moved = []
        here: Place | None = self
        while here is not None:
            if here.index_in_shadow >= 0 and here.index_in_shadow != here.key:
                moved.append(f"item {here.key} is item {here.index_in_shadow}")
            here = here.parent
        return f"{', '.join(reversed(moved))} in the shadow" if moved else ""


ROOT = Place(None, "", 0)
"""The body as a whole."""


def below(
    place: Place, key: Any, index_in_shadow: int = -1, in_map: bool = False
) -> Place:
    """Return the place one member or item further."""
    return Place(place, key, place.depth + 1, index_in_shadow, in_map)
