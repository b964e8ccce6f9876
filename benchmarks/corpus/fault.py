"""What a planted regression is, and where it must be found."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.corpus.plant import Planter
from shadow_middleware.exchange import Kind, Part

__all__ = [
    "ANYWHERE",
    "Place",
    "Regression",
    "in_body",
    "in_header",
    "in_status",
    "in_text",
]

ANYWHERE = "**"
"""A path that every path fits."""


class Place(NamedTuple):
    """A part of the answer and a path in it."""

    part: Part
    path: str
    """`*` is one segment, whether the tool writes it out or generalises it."""

    def holds(self, part: Part, path: str) -> bool:
        """Whether a difference found at this path lies here, or further down."""
        if part is not self.part:
            return False
        if self.path == ANYWHERE:
            return True
        if part is Part.HEADER:
            # Who does not tell cookies apart finds it in the header as a whole.
            return path in (self.path, self.path.partition("/")[0])
        ours, theirs = self.path.split("/"), path.split("/")
        return len(ours) <= len(theirs) and all(map(_fits, ours, theirs))


class Regression(NamedTuple):
    """One thing that the shadow does wrong, now and then."""

    name: str
    route: str
    place: Place
    """Where it must be found."""
    kinds: tuple[Kind, ...]
    """As one of these."""
    share: float
    """Of the answers in which it can happen at all."""
    plant: Planter
    also: tuple[Place, ...] = ()
    """Where it may be seen as well: an error page is another body too."""
    intermittent: bool = False
    """Whether the same request meets it only sometimes: a race, a cache."""

    def holds_also(self, part: Part, path: str) -> bool:
        """Whether a difference found there may come with it, whatever its kind."""
        return any(place.holds(part, path) for place in self.also)


def _fits(ours: str, theirs: str) -> bool:
    return ours == theirs or "*" in (ours, theirs)


def in_body(
    name: str,
    route: str,
    path: str,
    kinds: tuple[Kind, ...],
    share: float,
    plant: Planter,
    *,
    intermittent: bool = False,
) -> Regression:
    """Return a regression in a JSON body; what it holds is found below `path`."""
    place = Place(Part.BODY, path)
    return Regression(name, route, place, kinds, share, plant, (), intermittent)


def in_text(
    name: str, route: str, kinds: tuple[Kind, ...], share: float, plant: Planter
) -> Regression:
    """Return a regression in the lines of a text, wherever the line is counted."""
    return Regression(name, route, Place(Part.BODY, ANYWHERE), kinds, share, plant)


def in_header(
    name: str,
    route: str,
    header: str,
    kinds: tuple[Kind, ...],
    share: float,
    plant: Planter,
) -> Regression:
    """Return a regression in a header field."""
    return Regression(name, route, Place(Part.HEADER, header), kinds, share, plant)


def in_status(name: str, route: str, share: float, plant: Planter) -> Regression:
    """Return a regression in the status; the body may be another one then."""
    also = (Place(Part.BODY, ANYWHERE),)
    where = Place(Part.STATUS, "")
    return Regression(name, route, where, (Kind.CHANGED,), share, plant, also)
