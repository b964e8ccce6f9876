"""What a person decides of a group, in words, and how the source is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from shadow_middleware.knowledge import GroupState, NoiseRuling
from shadow_middleware.report.rule_text import rule_toml
from shadow_middleware.rule import Rule
from shadow_middleware.tui.source import Source

__all__ = ["CHOICES", "GONE", "Choice", "expect", "recheck"]

GONE: Final = "It is not kept any more. Esc goes back."

Tell = Callable[[Source, str, str], bool]
"""Tells the source of a group's fingerprint, with a note; False where it is gone."""


class Choice(msgspec.Struct, frozen=True):
    """One decision: what is asked before, what is said after."""

    question: str
    done: str
    tell: Tell

    def take(self, source: Source, fingerprint: str, note: str) -> str:
        """Tell the source; return what to say of it."""
        return self.done if self.tell(source, fingerprint, note) else GONE


def _state(state: GroupState) -> Tell:
    return lambda source, group, note: source.decide(group, state, note)


def _ruling(ruling: NoiseRuling) -> Tell:
    return lambda source, group, note: source.rule(group, ruling, note)


CHOICES: Final[Mapping[str, Choice]] = {
    "ignore": Choice(
        "Ignore this group?",
        "Ignored: it no longer counts.",
        _state(GroupState.IGNORED),
    ),
    "resolve": Choice(
        "Resolve this group?",
        "Resolved: seen again, it comes back as regressed.",
        _state(GroupState.RESOLVED),
    ),
    "reopen": Choice(
        "Reopen this group?", "Open again: it counts.", _state(GroupState.OPEN)
    ),
    "noise": Choice(
        "Is this noise, whatever is learned of it?",
        "Noise from now on, whatever is learned.",
        _ruling(NoiseRuling.NOISE),
    ),
    "signal": Choice(
        "Does this count, whatever is learned of it?",
        "A divergence from now on, whatever is learned.",
        _ruling(NoiseRuling.SIGNAL),
    ),
    "learned": Choice(
        "Let the evidence say whether this is noise?",
        "What the evidence says holds again.",
        _ruling(NoiseRuling.LEARNED),
    ),
}


def expect(source: Source, fingerprint: str, rule: Rule, note: str) -> str:
    """Add the rule that calls a group intended; return what to say of it."""
    added = source.add_rules(rule_toml(rule), note or f"group {fingerprint}")
    if added:
        return "The rule was added: the change is expected from now on."
    return "A rule of that name is there already: nothing was added."


def recheck(source: Source, fingerprint: str) -> str:
    """Begin a recheck; return what to say of it."""
    source.recheck(fingerprint)
    return "The samples are on their way to the shadow."
