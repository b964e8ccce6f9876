"""
The circuit breaker of one target: a state machine without a clock.

A shadow that fails over and over is left alone for a while, then asked once; its
answer decides. What the breaker holds back is counted by the caller, as skipped.
"""

from __future__ import annotations

import enum

import msgspec

__all__ = ["Breaker", "Change", "State"]


class State(enum.StrEnum):
    """What a breaker lets through."""

    CLOSED = "closed"
    """Everything."""
    OPEN = "open"
    """Nothing, until its time is over."""
    HALF_OPEN = "half_open"
    """One probe, whose end decides."""


class Change(msgspec.Struct, frozen=True):
    """One step from state to state, to be announced."""

    state: State
    previous: State
    reason: str = ""
    """Of the last failure, where it was a failure."""


class Breaker:
    """
    Closed until `failures` happen in a row, then open for `retry_after` seconds.

    Every method takes the time as `now`, in seconds of a monotonic clock. A probe
    that never reports back gives way to another after `retry_after`.
    """

    def __init__(self, failures: int, retry_after: float) -> None:
        self._limit = failures
        self._retry_after = retry_after
        self._in_a_row = 0
        self._until = 0.0
        self._changes: list[Change] = []
        self.state = State.CLOSED

    def allow(self, now: float) -> bool:
        """Whether a replay may go out now. A yes in half-open state is the probe."""
        if self.state is State.CLOSED:
            return True
        if now < self._until:
            return False
        self._until = now + self._retry_after
        self._move(State.HALF_OPEN)
        return True

    def succeeded(self, now: float) -> None:
        """Tell that a replay got an answer. Late ones do not close an open breaker."""
        self._in_a_row = 0
        if self.state is State.HALF_OPEN:
            self._move(State.CLOSED)

    def failed(self, now: float, reason: str = "") -> None:
        """Tell that a replay failed, or was answered with a 5xx that live had not."""
        self._in_a_row += 1
        if self.state is State.OPEN or not self._limit:
            return
        if self.state is State.HALF_OPEN or self._in_a_row >= self._limit:
            self._until = now + self._retry_after
            self._move(State.OPEN, reason)

    def changes(self) -> list[Change]:
        """Return what has changed since this was last asked, oldest first."""
        if not self._changes:
            return []
        changes, self._changes = self._changes, []
        return changes

    def _move(self, state: State, reason: str = "") -> None:
        if state is not self.state:
            self._changes.append(Change(state, self.state, reason))
            self.state = state
