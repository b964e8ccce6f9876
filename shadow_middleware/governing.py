"""
Does what is known of targets: lanes come, change and go, and capture rests or not.

It stands between what follows the store (`following`) and the pipeline.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from shadow_middleware.accounting import Account
from shadow_middleware.following import Answer
from shadow_middleware.pipeline import Lane, Pipeline
from shadow_middleware.replay.gate import DISABLED, SWITCHED_OFF
from shadow_middleware.settings import Settings, Target
from shadow_middleware.targets import (
    Happening,
    HealthEvent,
    Held,
    TargetsState,
    Why,
    holding,
)
from shadow_middleware.whereabouts import fares_at

__all__ = ["Governor", "rests"]

logger = logging.getLogger("shadow_middleware")

_STOPS: Final = {Why.SWITCHED_OFF: SWITCHED_OFF, Why.DISABLED: DISABLED}


def rests(settings: Settings, state: TargetsState) -> bool:
    """
    Whether live has nothing to capture: a person has stopped all that it is for.

    A target that fails or is gone is no reason: what it misses is to be counted.
    """
    if not state.switch.on:
        return True
    held = holding(settings, state)
    wanted = any(one.wants_copies and one.target.rate > 0 for one in held)
    return not (wanted or settings.capture_to)


class Governor:
    """
    Implements `following.Follower` for one pipeline.

    Args:
        settings: The configuration.
        pipeline: Whose lanes come and go.
        account: What each target was selected for.
        turned: Called when capture is to rest, and when it is to begin again.
        clock: Seconds of a monotonic clock.
    """

    def __init__(
        self,
        settings: Settings,
        pipeline: Pipeline,
        account: Account,
        turned: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._pipeline = pipeline
        self._account = account
        self._turned = turned
        self._clock = clock
        self._applied: dict[str, tuple[Target, str]] = {}
        self._problems: set[tuple[str, str]] = set()
        self._adopted = False
        self.resting = rests(settings, TargetsState())
        """Whether live is to capture nothing."""
        self.switched_off = False
        """Whether a person has stopped all copies."""

    # --- what the store is told ---------------------------------------------------------

    @property
    def has_news(self) -> bool:
        """Whether the store is to be told something."""
        return any(lane.breaker.has_news for lane in self._pipeline.lanes)

    def events(self) -> list[HealthEvent]:
        """Return what is to be told to the store, before it is read."""
        now = self._clock()
        return [
            event
            for lane in self._pipeline.lanes
            for event in lane.breaker.take_events(now)
        ]

    def alone(self) -> None:
        """Take note that the store is away: each agent sees for itself."""
        for lane in self._pipeline.lanes:
            lane.breaker.part()

    # --- what the store says --------------------------------------------------------------

    def adopt(self, state: TargetsState, answers: Sequence[Answer]) -> None:
        """Let this hold from now on."""
        held = [one for one in holding(self._settings, state) if self._may_be(one)]
        self._remove({one.target.name for one in held})
        for one in held:
            self._apply(one)
        self._fare(state, answers)
        for lane in self._pipeline.lanes:
            lane.ready = None
        self._adopted = True
        self.switched_off = not state.switch.on
        self._rest(rests(self._settings, state))

    def _may_be(self, held: Held) -> bool:
        """Whether the target has a lane; what does not hold of it is said once."""
        problem = held.target.name, held.problem
        if held.problem and problem not in self._problems:
            self._problems.add(problem)
            left_out = "the URL of the" if held.has_lane else "the"
            logger.warning(
                "%s target %r of the store is left out: %s",
                left_out,
                held.target.name,
                held.problem,
            )
        return held.has_lane

    def _remove(self, names: set[str]) -> None:
        for lane in self._pipeline.lanes:
            if lane.name not in names:
                self._applied.pop(lane.name, None)
                self._account.go(lane.name)
                self._pipeline.part(lane, self._settings.drain_timeout)
                logger.info("the target %r gets no more copies: removed", lane.name)

    def _apply(self, held: Held) -> None:
        stop = _STOPS.get(held.why, "")
        wanted = held.target, stop
        if self._applied.get(held.target.name) == wanted:
            return
        self._lane_of(held.target).change(held.target, stop)
        self._say(held, stop)
        self._applied[held.target.name] = wanted

    def _lane_of(self, target: Target) -> Lane:
        """Return the target's lane, a new one where it has none at its address."""
        lanes = [one for one in self._pipeline.lanes if one.name == target.name]
        if lanes and lanes[0].url == target.url:
            return lanes[0]
        for lane in lanes:
            self._pipeline.part(lane, self._settings.drain_timeout)
        if not lanes:
            self._account.come(target.name, first=not self._adopted)
        return self._pipeline.open(target)

    def _say(self, held: Held, stop: str) -> None:
        name, stored = held.target.name, held.stored
        before = self._applied.get(name, (None, ""))[1]
        by = f" by {stored.by}" if stored and stored.by else ""
        if stop == DISABLED and stop != before:
            logger.info("the target %r gets no copies: %s%s", name, stop, by)
        elif before == DISABLED and not stop:
            logger.info("the target %r gets its copies again%s", name, by)

    def _fare(self, state: TargetsState, answers: Sequence[Answer]) -> None:
        """Have each breaker know what all agents know, and send the probes claimed."""
        ahead = self._clock() - state.now
        known = {(one.target, one.url, one.host): one for one in state.health}
        claimed = {
            event.by
            for event, fares in answers
            if event.what is Happening.CLAIM and fares is not None
        }
        for lane in self._pipeline.lanes:
            breaker = lane.breaker
            nothing = fares_at(lane.gate.target)
            key = nothing.target, nothing.url, nothing.host
            breaker.join()
            breaker.adopt(known.get(key, nothing), ahead)
            if breaker.by in claimed:
                breaker.grant()

    def _rest(self, resting: bool) -> None:
        if resting != self.resting:
            self.resting = resting
            logger.info(
                "nothing is captured: %s" if resting else "capture goes on: %s",
                "all copies are switched off"
                if self.switched_off
                else "every target is disabled"
                if resting
                else "a target wants copies",
            )
            self._turned()
