"""What one configuration is at now, as figures: queues, breakers, probes, the account."""

from __future__ import annotations

from collections.abc import Mapping

from shadow_middleware.metrics.figures import Figures
from shadow_middleware.pipeline import Lane, Pipeline
from shadow_middleware.replay.breaker import State
from shadow_middleware.replay.control import Control
from shadow_middleware.store.writer import Lost
from shadow_middleware.traffic.writer import Tally

__all__ = ["at_work", "of_capture", "of_writer"]


def at_work(pipeline: Pipeline, selected: int, ended: Mapping[str, int]) -> Figures:
    """
    Return the figures of every lane, and whether each account is whole.

    Args:
        pipeline: At work.
        selected: Exchanges that live processes selected, as far as they have told.
        ended: Replays that ended, by target.
    """
    figures: Figures = {("selected", ()): selected}
    for lane in pipeline.lanes:
        target, queue = (lane.name,), lane.scheduler
        under_way = selected - ended.get(lane.name, 0)
        figures |= {
            ("under_way", target): under_way,
            ("unaccounted", target): under_way - queue.depth - queue.in_flight,
            ("queue_depth", target): queue.depth,
            ("queue_size", target): queue.bytes,
            ("in_flight", target): queue.in_flight,
        }
        for result, number in lane.probes.items():
            figures["probes", (lane.name, result)] = number
    roads: list[Lane | Control] = [*pipeline.lanes]
    if pipeline.control is not None:
        roads.append(pipeline.control)
    for road in roads:
        for state in State:
            is_now = float(road.breaker.state is state)
            figures["breaker_state", (road.name, state.value)] = is_now
    return figures


def of_writer(lost: Lost, *, away: bool) -> Figures:
    """Return what the store does not take, and whether it takes nothing now."""
    return {
        ("store_away", ()): float(away),
        ("store_lost", ("samples",)): lost.samples,
        ("store_lost", ("outcomes",)): lost.outcomes,
        ("store_lost", ("knowledge",)): lost.knowledge,
    }


def of_capture(tally: Tally | None) -> Figures:
    """Return what became of exchanges that were to be written to files; None has none."""
    if tally is None:
        return {}
    return {
        ("capture_written", ()): tally.written,
        ("capture_size", ()): tally.bytes,
        ("capture_waiting", ()): tally.waiting,
        ("capture_away", ()): float(bool(tally.failure)),
        **{
            ("capture_not_written", (reason,)): number
            for reason, number in {"queue_full": 0, **tally.not_written}.items()
        },
    }
