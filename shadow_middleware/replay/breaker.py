"""
The circuit breaker of one target: a state machine without a clock.

A shadow that fails over and over is left alone for a while, then asked once; its
answer decides. One that fails for too long is gone: it is not asked again until a
person enables it. What the breaker holds back is counted by the caller, as skipped.

By itself a breaker knows what one agent has seen. Shared, it tells of what it saw and
adopts what all agents know, and sends no probe that another agent has claimed.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

import msgspec

from shadow_middleware.targets import (
    Happening,
    Health,
    HealthEvent,
    TargetHealth,
    after,
)

__all__ = ["Breaker", "Care", "Change", "State"]

JITTER = 0.1
"""Share of the wait by which one differs from another, so that agents do not march."""
FIRST_STEP = 0.1
"""Share of its copies that a target gets right after it has recovered."""


class State(enum.StrEnum):
    """What a breaker lets through."""

    CLOSED = "closed"
    """Everything."""
    OPEN = "open"
    """Nothing, until its time is over."""
    HALF_OPEN = "half_open"
    """One probe, whose end decides."""
    GONE = "gone"
    """Nothing, until a person enables the target."""


class Change(msgspec.Struct, frozen=True):
    """One step from state to state, to be announced."""

    state: State
    previous: State
    reason: str = ""
    """Of the last failure, where it was a failure."""


class Care(msgspec.Struct, frozen=True):
    """How patient one is with a target. In seconds."""

    fail_after: float = 0.0
    """How long it may fail until it is gone; 0: for ever."""
    ramp_up: float = 0.0
    """How long it takes from recovery until it gets all of its copies again."""
    persistent: bool = False
    """Whether it is never gone."""


_ALONE = TargetHealth(target="", url="")


class Breaker:
    """
    Closed until `failures` happen in a row, then open for `retry_after` seconds.

    Every method takes the time as `now`, in seconds of a monotonic clock. A probe
    that never reports back gives way to another after `retry_after`.

    Args:
        failures: In a row; 0 never opens it.
        retry_after: Seconds.
        care: How long it may fail, and how it comes back.
        of: Whose breaker it is, as all agents know the target.
        by: This agent's name among them.
        draw: Gives a random number from 0 to 1; none leaves every wait as it is.
    """

    def __init__(
        self,
        failures: int,
        retry_after: float,
        *,
        care: Care | None = None,
        of: TargetHealth = _ALONE,
        by: str = "this",
        draw: Callable[[], float] | None = None,
    ) -> None:
        self._limit = failures
        self._retry_after = retry_after
        self.care = care or Care()
        self.by = by
        self._draw = draw
        self._in_a_row = 0
        self._changes: list[Change] = []
        self._events: list[HealthEvent] = []
        self._probing = self._granted = self._wanted = False
        self.health = of
        """How the target fares; its times are those of `now`."""
        self.shared = False
        """Whether other agents are told, and asked for each probe."""
        self.state = State.CLOSED

    # --- what replays ask and tell ----------------------------------------------------

    def allow(self, now: float) -> bool:
        """Whether a replay may go out now. A yes in half-open state is the probe."""
        if self.state is State.CLOSED:
            return True
        if self._granted:
            self._granted, self._probing = False, True
            return True
        if self.state is State.GONE or now < self.health.next_probe:
            return False
        if self.shared:
            self._wanted = True
            return False
        self._happen(Happening.CLAIM, now)
        self._probing = True
        self._move()
        return True

    def share(self, now: float) -> float:
        """Return the share of its copies that the target gets now, 0 to 1."""
        ramp_up = self.care.ramp_up
        well = self.health.health is Health.HEALTHY and self.health.number
        if not (well and ramp_up):
            return 1.0
        passed = max(0.0, (now - self.health.since) / ramp_up)
        return min(1.0, FIRST_STEP + (1.0 - FIRST_STEP) * passed)

    def succeeded(self, now: float) -> None:
        """Tell that a replay got an answer. Late ones do not close an open breaker."""
        self._in_a_row = 0
        if self._probing:
            self._probing = False
            self._happen(Happening.PROBE_ANSWERED, now)

    def failed(self, now: float, reason: str = "") -> None:
        """Tell that a replay failed, or was answered with a 5xx that live had not."""
        self._in_a_row += 1
        if not self._limit:
            return
        if self._probing:
            self._probing = False
            self._happen(Happening.PROBE_FAILED, now, reason)
        elif self.state is State.CLOSED and self._in_a_row >= self._limit:
            self._happen(Happening.FAILED, now, reason)

    # --- what is shared -----------------------------------------------------------------

    def join(self) -> None:
        """Be one of many from now on; who has seen failures by itself tells of them."""
        if self.shared:
            return
        self.shared = True
        if self.health.health is Health.FAILING:
            self._probing = False
            self._events = [self._event(Happening.FAILED, self.health.reason)]

    def part(self) -> None:
        """Decide alone from now on, as nobody can be asked."""
        self.shared = self._granted = self._wanted = False
        self._events.clear()

    @property
    def has_news(self) -> bool:
        """Whether there is something for others to know or to decide."""
        return bool(self._events or self._wanted)

    def take_events(self, now: float) -> list[HealthEvent]:
        """Return what other agents are to know, and to decide; oldest first."""
        if self._wanted and not self._granted and now >= self.health.next_probe:
            self._events.append(self._event(Happening.CLAIM))
        self._wanted = False
        events, self._events = self._events, []
        return events

    def grant(self) -> None:
        """Take note that the probe that is due is this agent's to send."""
        self._granted = True
        self._move()

    def adopt(self, health: TargetHealth, ahead: float) -> None:
        """
        Take over how all agents know that the target fares.

        What this agent has yet to tell them comes first.

        Args:
            health: As the store has it.
            ahead: How far `now` is ahead of the store's clock, in seconds.
        """
        if self._events:
            return
        if health.health is Health.HEALTHY and self.state is not State.CLOSED:
            self._in_a_row = 0
        if health.health is not Health.FAILING or health.prober != self.by:
            self._granted = self._probing = False
        self.health = msgspec.structs.replace(
            health,
            since=health.since + ahead,
            failing_since=health.failing_since + ahead,
            next_probe=health.next_probe + ahead,
        )
        self._move()

    def changes(self) -> list[Change]:
        """Return what has changed since this was last asked, oldest first."""
        if not self._changes:
            return []
        changes, self._changes = self._changes, []
        return changes

    # --- within -------------------------------------------------------------------------

    def _happen(self, what: Happening, now: float, reason: str = "") -> None:
        event = self._event(what, reason)
        fares = after(self.health, event, now)
        if fares is not None:
            self.health = fares
            if self.shared and what is not Happening.CLAIM:
                self._events.append(event)
        self._move()

    def _event(self, what: Happening, reason: str = "") -> HealthEvent:
        drawn = 0.0 if self._draw is None else 2 * self._draw() - 1
        return HealthEvent(
            target=self.health.target,
            url=self.health.url,
            host=self.health.host,
            what=what,
            by=self.by,
            reason=reason,
            wait=self._retry_after * (1 + JITTER * drawn),
            fail_after=self.care.fail_after,
            persistent=self.care.persistent,
        )

    def _move(self) -> None:
        state = State.CLOSED
        if self.health.health is Health.GONE:
            state = State.GONE
        elif self.health.health is Health.FAILING:
            asked = self._probing or self._granted
            state = State.HALF_OPEN if asked else State.OPEN
        if state is not self.state:
            self._changes.append(Change(state, self.state, self.health.reason))
            self.state = state
