"""
One exchange through transform, replay, judging and record. Read this first.

A `Lane` is the road to one target; a `Pipeline` is all lanes of one configuration,
which come and go at run time. Every exchange that is accepted ends in exactly one
outcome for each lane: whatever happens on the way, `_end` is reached once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from shadow_middleware.exchange import CONTROL, Exchange, Outcome, Replay
from shadow_middleware.lane import End, Ends, Lane, Weigh
from shadow_middleware.observe.recorder import Recorder
from shadow_middleware.replay.breaker import Change, State
from shadow_middleware.replay.control import Control, Tell
from shadow_middleware.replay.gate import REMOVED
from shadow_middleware.settings import Target

__all__ = ["Ends", "Lane", "Lanes", "Pipeline", "Roads"]

logger = logging.getLogger("shadow_middleware")


class Roads(NamedTuple):
    """Where the exchanges of one configuration go."""

    lanes: Sequence[Lane]
    control: Control | None = None
    open_lane: Callable[[Target], Lane] | None = None
    """Makes one more, for a target that comes at run time."""


Lanes = Callable[[Ends, Tell], Roads]
"""Makes the roads, given what lanes call at an end, and what the control calls."""


class Pipeline:
    """All lanes of one configuration, and the account of what went through them."""

    def __init__(
        self,
        lanes: Lanes,
        recorder: Recorder,
        weigh: Weigh,
        ended: Callable[[str, str, int], None],
    ) -> None:
        """
        Build the lanes.

        Args:
            lanes: Makes them, and the control.
            recorder: Takes in every end.
            weigh: Compares and judges what was answered.
            ended: Told of session, target and number before the recorder is.
        """
        self._recorder = recorder
        self._ended = ended
        self.on_end: End = _nobody
        """Told of each replay that has ended, right before it is counted."""
        roads = lanes(Ends(self._end, weigh), self._tell)
        self.lanes: Sequence[Lane] = roads.lanes
        self.control, self._open_lane = roads.control, roads.open_lane
        self._leaving: dict[Lane, asyncio.Task[None]] = {}

    @property
    def all_lanes(self) -> list[Lane]:
        """Those that take exchanges, and those that still end what they had."""
        return [*self.lanes, *self._leaving]

    def open(self, target: Target) -> Lane:
        """Have another lane from now on."""
        assert self._open_lane is not None
        lane = self._open_lane(target)
        self.lanes = [*self.lanes, lane]
        return lane

    def part(self, lane: Lane, seconds: float) -> None:
        """Give the lane nothing more; what it has ends within `seconds`, and counts."""
        self.lanes = [one for one in self.lanes if one is not lane]
        lane.gate.stop = REMOVED
        leaving = asyncio.get_running_loop().create_task(lane.drain(seconds))
        self._leaving[lane] = leaving
        leaving.add_done_callback(lambda _: self._leaving.pop(lane, None))

    def accept(
        self, exchange: Exchange, size: int, only: Collection[str] | None = None
    ) -> int:
        """
        Send the exchange down every lane; return in how many it ends.

        Args:
            exchange: It ends once in each, sooner or later.
            size: Bytes that it holds.
            only: Names of the lanes that are meant; None is all of them.
        """
        lanes = [one for one in self.lanes if only is None or one.name in only]
        if self.control is not None and lanes:
            self.control.expect(exchange, len(lanes))
        for lane in lanes:
            lane.accept(exchange, size)
        return len(lanes)

    def dropped(self, session: str, drops: dict[str, int]) -> None:
        """Count what the live side of a session dropped before the wall."""
        for reason, number in drops.items():
            for lane in self.lanes:
                self._ended(session, lane.name, number)
                self._recorder.count(lane.name, "-", Outcome.DROPPED, reason, number)

    def _end(self, replay: Replay) -> None:
        self._ended(replay.exchange.session, replay.target, 1)
        self.on_end(replay)
        self._recorder.record(replay)
        if self.control is not None:
            self.control.release(replay.exchange)

    def _tell(self, exchange: Exchange, outcome: Outcome, reason: str = "") -> None:
        """Count what became of an exchange at the control, which has no account."""
        self._recorder.count(
            CONTROL, exchange.endpoint, outcome, reason, at=exchange.at
        )

    def announce_changes(self) -> None:
        """Announce what breakers have done since the last time."""
        roads: list[Lane | Control] = [*self.lanes]
        if self.control is not None:
            roads.append(self.control)
        for road in roads:
            for change in road.breaker.changes():
                _log(road, change)
                self._recorder.breaker_changed(
                    road.name, change.state, change.previous, change.reason
                )

    async def drain(self, seconds: float) -> None:
        """Let what is under way end for up to `seconds`; the rest is dropped."""
        await asyncio.gather(
            *(lane.drain(seconds) for lane in self.lanes), *self._leaving.values()
        )
        if self.control is not None:
            await self.control.aclose()


def _log(road: Lane | Control, change: Change) -> None:
    """Say what became of a target; probes that fail again are no news."""
    if change.state is State.GONE:
        logger.warning(
            "the target %r is gone (%s): it gets no copy until it is enabled by hand",
            road.name,
            change.reason,
        )
    elif change.state is State.OPEN and change.previous is State.CLOSED:
        logger.warning(
            "the target %r fails (%s): it gets no copy but a probe now and then",
            road.name,
            change.reason,
        )
    elif change.state is State.CLOSED:
        logger.info("the target %r is well again", road.name)


def _nobody(replay: Replay) -> None:
    """Tell nobody."""
