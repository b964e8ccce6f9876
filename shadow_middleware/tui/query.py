"""What is typed behind `/`: words to look for, and states of groups."""

from __future__ import annotations

from shadow_middleware.report.groups import COUNTED, STATES
from shadow_middleware.report.search import words_of
from shadow_middleware.tui.source import GroupQuery

__all__ = ["group_query", "words_of"]

_STATE = "state:"
_ALL = "all"


def group_query(text: str, route: str | None = None) -> GroupQuery:
    """
    Return which groups of a route `text` means: `price state:ignored,open`.

    Without a state, those that count. A state that there is none of is a word.
    """
    states: list[str] = []
    words: list[str] = []
    for word in words_of(text):
        named = word.removeprefix(_STATE).split(",")
        if word.startswith(_STATE) and set(named) <= {*STATES, _ALL}:
            states += STATES if _ALL in named else named
        else:
            words.append(word)
    held = tuple(states) or COUNTED
    return GroupQuery(states=held, route=route, words=tuple(words))
