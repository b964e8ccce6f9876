"""What is said of a run in words, the same on every face. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shadow_middleware.evidence import Run

__all__ = ["counted", "missing_words"]

_WORDS: Final = {
    "unanswered": "have no recorded answer: the control answers in live's place",
    "request_headers": "lack request headers: they are sent without",
    "request_body": "lack the request's body: those that write cannot be sent",
    "response_headers": "lack headers of live's answer: only those known are compared",
    "response_body": "lack the body of live's answer: what agrees otherwise counts as "
    "incomparable, never as a match",
    "timing": "say nothing of live's time: latency is not compared",
    "exact_target": "have a path or query that is not byte for byte what was sent",
    "masked": "hold marks in place of secrets: what is masked is not compared",
}
"""What a file may lack, and what becomes of it; `response` is said as `unanswered`."""


_WITH_CONTROL: Final = {
    "response_body": "lack the body of live's answer: where the control answers by the "
    "same status, its answer stands in live's place",
}
"""What becomes of some of it where a control is named."""


def counted(run: Run) -> str:
    """Return the account of the files: all that was read is in one of its numbers."""
    parts = [f"{run.picked:,} to replay"]
    if run.filtered:
        parts.append(f"{run.filtered:,} left out by filters")
    if run.bad:
        parts.append(f"{run.bad:,} bad")
    text = f"{run.read:,} records = {' + '.join(parts)}"
    return f"{text}; {run.rounds} rounds" if run.rounds > 1 else text


def missing_words(run: Run) -> Iterator[str]:
    """Say what the files do not tell, and what becomes of it."""
    known = {**_WORDS, **_WITH_CONTROL} if run.control else _WORDS
    for name, words in known.items():
        if number := run.missing.get(name):
            yield f"{number:,} {words}"
