"""What numbers a setting may be: one small check per kind of range."""

from __future__ import annotations

from shadow_middleware.configuration import Check, Place

__all__ = ["at_least", "between", "positive", "rate", "ratio", "share"]

_SMALLEST_RATE = 0.0001


def at_least(least: int) -> Check:
    """Return a check that refuses a number below `least`."""

    def check(place: Place, value: float) -> float:
        if value < least:
            raise place.error(f"{place.show(value)} is below {least}")
        return value

    return check


def between(least: int, most: int) -> Check:
    """Return a check that refuses a number below `least` or above `most`."""

    def check(place: Place, value: float) -> float:
        if not least <= value <= most:
            nearest = least if value < least else most
            raise place.error(
                f"{place.show(value)} is not between {least} and {most}",
                f"the nearest is {nearest}",
            )
        return value

    return check


def positive(place: Place, value: float) -> float:
    """Refuse what is not above 0."""
    if value <= 0:
        raise place.error(f"{place.show(value)} is not above 0")
    return value


def rate(place: Place, value: float) -> float:
    """Refuse what is no share of exchanges that can be drawn."""
    if not 0 <= value <= 1:
        nearest = "0" if value < 0 else "1"
        raise place.error(
            f"{place.show(value)} is not between 0 and 1", f"the nearest is {nearest}"
        )
    if 0 < value < _SMALLEST_RATE:
        raise place.error(
            f"{place.show(value)} is below the smallest step", "did you mean 0.0001?"
        )
    return value


def share(place: Place, value: float) -> float:
    """Refuse what is not between 0 and 1."""
    if not 0 <= value <= 1:
        raise place.error(f"{place.show(value)} is not between 0 and 1")
    return value


def ratio(place: Place, value: float) -> float:
    """Refuse what would call a faster answer slower."""
    if value and value < 1:
        raise place.error(
            f"{place.show(value)} is below 1",
            "2.0 is twice as slow as live; 0 makes latency no divergence",
        )
    return value
