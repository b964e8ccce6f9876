"""How targets stand: what a person set at run time, how each fares, and that in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from shadow_middleware.targets import (
    Health,
    Held,
    StoredTarget,
    TargetHealth,
    TargetsState,
    Why,
)

__all__ = ["Standing", "set_in_words", "standing_in_words", "standings_of", "tone_of"]

_WORDS: Final = {
    Why.NOTHING: "gets copies",
    Why.NOT_ALLOWED: "not allowed here, so nothing is sent to it",
    Why.SWITCHED_OFF: "gets nothing: all copies are stopped",
    Why.DISABLED: "disabled",
    Why.FAILING: "failing: it gets one probe now and then",
    Why.GONE: "gone: it gets nothing until somebody enables it",
}
_TONES: Final = {
    Why.NOTHING: "good",
    Why.NOT_ALLOWED: "bad",
    Why.SWITCHED_OFF: "warn",
    Why.DISABLED: "quiet",
    Why.FAILING: "bad",
    Why.GONE: "bad",
}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a person set of a target at run time, and how it fares."""

    origin: str
    """`settings`, `changed` where they have it and something was set, `added`; or
    `elsewhere`, where the settings here do not name what was set."""
    why: Why = Why.NOTHING
    """Why it gets no copies; empty where it gets them."""
    problem: str = ""
    """What of it does not hold here, in words: a URL that is not allowed."""
    health: TargetHealth
    stored: StoredTarget | None = None
    """What was set; a field that is None follows the settings."""


def standings_of(held: Iterable[Held], state: TargetsState) -> dict[str, Standing]:
    """
    Return how each target stands that the settings name or the store knows.

    Args:
        held: What holds by the settings here.
        state: All that the store knows.
    """
    found = {
        one.target.name: Standing(
            origin=one.origin.value,
            why=one.why,
            problem=one.problem,
            health=one.health,
            stored=one.stored,
        )
        for one in held
    }
    for row in state.targets:
        if row.name not in found:
            found[row.name] = _elsewhere(row, state)
    return found


def _elsewhere(row: StoredTarget, state: TargetsState) -> Standing:
    ours = [one for one in state.health if one.target == row.name]
    health = next(
        (one for one in ours if one.health is not Health.HEALTHY),
        TargetHealth(target=row.name, url=row.url or ""),
    )
    why = Why.NOTHING
    if not state.switch.on:
        why = Why.SWITCHED_OFF
    elif row.enabled is False:
        why = Why.DISABLED
    elif health.health is not Health.HEALTHY:
        why = Why(health.health.value)
    return Standing(origin="elsewhere", why=why, health=health, stored=row)


def standing_in_words(one: Standing) -> str:
    """Return whether it gets copies, and why not: `failing: …; connection refused`."""
    words = _WORDS[one.why]
    ill = one.why in (Why.FAILING, Why.GONE) and one.health.reason
    return f"{words}; {one.health.reason}" if ill else words


def tone_of(one: Standing) -> str:
    """Return how good that is: `good`, `quiet`, `warn` or `bad`."""
    return _TONES[one.why]


def set_in_words(one: StoredTarget) -> list[str]:
    """Return what was set, each in words: `rate 10 %`, `methods GET, POST`."""
    said = {
        "enabled": "disabled" if one.enabled is False else None,
        "rate": None if one.rate is None else f"rate {one.rate:.4g}",
        "rate_limit": _limit(one.rate_limit),
        "concurrency": one.concurrency and f"at most {one.concurrency:,} at once",
        "methods": one.methods and f"methods {', '.join(one.methods)}",
        "include": one.include and f"only {', '.join(one.include)}",
        "exclude": one.exclude and f"without {', '.join(one.exclude)}",
        "persistent": one.persistent and "probed for ever",
    }
    return [str(words) for words in said.values() if words]


def _limit(limit: float | None) -> str | None:
    if limit is None:
        return None
    return f"at most {limit:,.4g} a second" if limit else "no limit a second"
