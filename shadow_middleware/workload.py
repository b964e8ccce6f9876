"""What one configuration is at now, as figures: queues, breakers, probes, the account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    lanes = pipeline.all_lanes
    for name in {lane.name: None for lane in pipeline.lanes}:
        ours = [lane for lane in lanes if lane.name == name]
        figures |= _of_target(name, ours, selected - ended.get(name, 0))
    roads: list[Lane | Control] = [*pipeline.lanes]
    if pipeline.control is not None:
        roads.append(pipeline.control)
    for road in roads:
        for state in State:
            is_now = float(road.breaker.state is state)
            figures["breaker_state", (road.name, state.value)] = is_now
    return figures


def _of_target(name: str, lanes: Sequence[Lane], under_way: int) -> Figures:
    """Return the figures of one target, whose last lane may still end what it had."""
    target, queues = (name,), [lane.scheduler for lane in lanes]
    waiting = sum(queue.depth for queue in queues)
    in_flight = sum(queue.in_flight for queue in queues)
    figures: Figures = {
        ("under_way", target): under_way,
        ("unaccounted", target): under_way - waiting - in_flight,
        ("queue_depth", target): waiting,
        ("queue_size", target): sum(queue.bytes for queue in queues),
        ("in_flight", target): in_flight,
    }
    for lane in lanes:
        for result, number in lane.probes.items():
            key = "probes", (name, result)
            figures[key] = figures.get(key, 0) + number
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
