"""One run from its beginning to its end: the bench, the control, the store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import msgspec

from shadow_middleware.drivers import open_bench
from shadow_middleware.evidence import Run, RunState
from shadow_middleware.exchange import CONTROL, Replay
from shadow_middleware.offline.asked import Asked
from shadow_middleware.offline.reading import recorded_in
from shadow_middleware.offline.replay import Offline
from shadow_middleware.offline.stand_in import StandIn
from shadow_middleware.offline.survey import Survey, survey
from shadow_middleware.replay.http import HttpSender
from shadow_middleware.settings import Settings, Target, to_wire
from shadow_middleware.store.base import Reader, Runs, Store
from shadow_middleware.traffic.files import open_capture
from shadow_middleware.traffic.recorded import BadRecord, Missing, Recorded
from shadow_middleware.whereabouts import HOST

__all__ = ["Conduct", "RunStore", "begun", "owner", "surveyed"]

UNANSWERED: Final = "unanswered"
"""Stands in `Run.missing` for exchanges of which no answer was recorded."""


class RunStore(Store, Reader, Runs, Protocol):
    """A store that keeps runs, and can be read."""

    def close(self) -> None:
        """Release every connection."""
        ...


def _records(asked: Asked) -> Iterator[Recorded | BadRecord]:
    return recorded_in(asked.files, open_capture)


def surveyed(
    asked: Asked, settings: Settings, told: Callable[[int], None] = lambda read: None
) -> Survey:
    """Return what the run will meet: the files are read once, and nothing is sent."""
    return survey(_records(asked), asked.plan.picks, settings.methods, told)


def begun(run: str, title: str, asked: Asked, found: Survey, settings: Settings) -> Run:
    """Return a run that begins now."""
    now = time.time()
    [target] = settings.all_targets
    missing = {str(name): number for name, number in found.missing.items()}
    missing |= {"masked": found.masked, UNANSWERED: found.unanswered}
    return Run(
        id=run,
        name=title,
        sources=tuple(asked.files),
        target=target.name,
        address=target.url,
        control=settings.control_url,
        started_at=now,
        at=now,
        read=found.read,
        filtered=found.filtered,
        bad=found.bad,
        picked=found.picked,
        rounds=asked.plan.rounds,
        missing={name: number for name, number in missing.items() if number},
        arguments=msgspec.to_builtins(asked),
        owner=owner(),
    )


def owner() -> str:
    """Return the name of this process."""
    return f"{HOST}:{os.getpid()}"


class Conduct:
    """
    Carries a run out, and notes how it ended. For one loop, on which it is made.

    Args:
        run: It is in the store already.
        asked: What it is to do.
        settings: With one target, and all that was asked for.
        store: Where evidence goes.
        told: Told of each replay that has ended.
    """

    def __init__(
        self,
        run: Run,
        asked: Asked,
        settings: Settings,
        store: RunStore,
        told: Callable[[Replay], None] | None = None,
    ) -> None:
        self._run = run
        self._store = store
        bench = open_bench(to_wire(settings), store.of_run(run.id), governed=False)
        self.offline = Offline(
            bench,
            asked.plan,
            lambda: _records(asked),
            stand_in=self._stand_in(settings, bench.accept),
            claim=lambda place: store.claim(run.id, place),
            before=store.mark(run.id),
            told=told,
        )

    def _stand_in(
        self, settings: Settings, accept: Callable[..., None]
    ) -> StandIn | None:
        # Only where something lacks an answer: else the control is a control alone.
        missing = self._run.missing
        lacks = missing.get(UNANSWERED) or missing.get(Missing.RESPONSE_BODY)
        if not settings.control_url or not lacks:
            return None
        sender = HttpSender(Target(url=settings.control_url, name=CONTROL), settings)
        return StandIn(settings, sender, accept)

    async def carry_out(self) -> Run:
        """Replay, and return the run as it ended."""
        stopped = True
        try:
            await self.offline.run()
            stopped = self.offline.is_stopped
        finally:
            state = RunState.STOPPED if stopped else RunState.DONE
            ended = msgspec.structs.replace(self._run, state=state, at=time.time())
            self._store.keep_run(ended)
        return ended
