"""
An agent at work: connections in, evidence out, until everybody has gone.

The same service runs in the agent process, on the thread of `engine="thread"`, and
behind the socket that a host's apps share.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from shadow_middleware.accounting import Account
from shadow_middleware.compare import Comparer
from shadow_middleware.evidence import Batch, Mark
from shadow_middleware.exchange import Exchange
from shadow_middleware.following import Following, Known
from shadow_middleware.governing import Governor
from shadow_middleware.handoff import codec
from shadow_middleware.handoff.intake import Intake, Sink
from shadow_middleware.judge import Judge
from shadow_middleware.judging import Heard, Judging, Weighed
from shadow_middleware.learning import Learning
from shadow_middleware.metrics.board import Board, Place
from shadow_middleware.metrics.figures import Figures
from shadow_middleware.metrics.meter import Meter
from shadow_middleware.observe.recorder import Recorder
from shadow_middleware.observe.usage import Usage
from shadow_middleware.pipeline import Lanes, Pipeline
from shadow_middleware.settings import Settings
from shadow_middleware.store.writer import Lost, Writer
from shadow_middleware.traffic.writer import CaptureWriter, in_words
from shadow_middleware.transform.continuity import Continuity
from shadow_middleware.transform.redact import Redactor
from shadow_middleware.workload import at_work, of_capture, of_writer

__all__ = ["Bench", "Equipment", "Service", "Works"]

logger = logging.getLogger("shadow_middleware")

FLUSH_INTERVAL: Final = 0.5


class Equipment(NamedTuple):
    """What the drivers bring to a bench."""

    lanes: Lanes
    """Makes the lanes, and the control."""
    comparer: Comparer
    learning: Learning
    capture: CaptureWriter | None = None
    """What writes exchanges to files, besides."""
    continuity: Continuity | None = None
    """Knows which exchanges are one session, where somebody asks for that."""
    known: Callable[[], Known] | None = None
    """Opens what knows the targets at run time; None follows nobody."""


class Bench:
    """One configuration at work: its pipeline, its recorder, its writer, its account."""

    def __init__(
        self,
        settings: Settings,
        redactor: Redactor,
        equipment: Equipment,
        writer: Writer | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        Put everything in its place.

        Args:
            settings: The configuration.
            redactor: Takes secrets out of all that is kept or announced.
            equipment: What sends, compares and learns.
            writer: Where evidence goes; None keeps nothing.
            clock: Seconds since the epoch.
        """
        self.settings = settings
        self.intakes: set[Intake] = set()
        self._writer = writer
        self.sessions = Account(tuple(t.name for t in settings.all_targets), clock)
        self.recorder = Recorder(
            settings,
            redactor,
            self._write,
            self._announce,
            wanted=self._wanted,
            clock=clock,
        )
        self.learning = equipment.learning
        self._capture, self._continuity = equipment.capture, equipment.continuity
        self.learning.on_groups = self.recorder.groups.learn
        self._judging = Judging(
            settings,
            equipment.comparer,
            Judge(settings, self.learning.profile),
            self.recorder.route,
            redactor.place,
        )
        self.pipeline = Pipeline(
            equipment.lanes, self.recorder, self._weigh, self.sessions.ended
        )
        self.governor = Governor(settings, self.pipeline, self.sessions, self._tell)
        self.following = Following(self.governor, equipment.known, self._go_on)
        self._early: deque[Callable[[], object]] = deque()
        for lane in self.pipeline.lanes:
            lane.ready = self.following.ready
        self._usage = Usage(redactor, clock)
        self.place = Place(
            settings.metrics_address, settings.metrics_token, settings.otel_metrics
        )
        """Where its figures are to be seen."""
        self.mark: Callable[[], Mark | None] = _no_mark
        """Says how far a run has come, for each batch."""
        self.complete: Callable[[Batch], Batch] = lambda batch: batch
        """Adds to each batch what is to be written with it."""
        self._meter = Meter(settings.metrics_routes) if self.place else None
        self._closing = False

    def start(self) -> None:
        """Begin to learn what is known."""
        self.learning.start()
        self.following.start()

    async def _weigh(self, heard: Heard) -> Weighed:
        await self.learning.ready()
        return await self._judging.weigh(heard)

    def begin(self, hello: codec.Hello) -> None:
        """Take note of a session that comes."""
        self.sessions.begin(hello.session, hello.handed, hello.selected)
        if not self.following.is_ready:
            for intake in self.intakes:
                intake.pause()
        self._tell()

    def _go_on(self) -> None:
        """Take what has waited until it was known which targets there are."""
        while self._early:
            self._early.popleft()()
        if not self._closing:
            for intake in self.intakes:
                intake.resume()

    def part(self, intake: Intake) -> None:
        """Take note that a connection is gone; it need not be one of ours."""
        if intake in self.intakes and intake.hello is not None:
            self.intakes.discard(intake)
            self.sessions.leave(intake.hello.session)

    def accept(self, exchange: Exchange, size: int) -> None:
        """Take one exchange."""
        self._usage.mirrored(exchange)
        if self._meter is not None:
            self._meter.add("captured")
        if self._continuity is not None:
            exchange = self._continuity.place(exchange)
        if self._capture is not None:
            self._capture.add(exchange, size)
        if self.following.is_ready:
            self.pipeline.accept(exchange, size)
        else:
            self._early.append(partial(self.pipeline.accept, exchange, size))

    def written(self, seconds: float) -> bool:
        """Whether all that was flushed is in the store within `seconds`."""
        return self._writer is None or self._writer.flush(seconds)

    def note(self, batch: Batch) -> None:
        """Have a batch written that says something beside replays."""
        self._add(batch)

    def listed(self, routes: list[str]) -> None:
        """Take note of the routes that an app's router lists."""
        self._usage.listed(routes)

    def used(self, uses: list[codec.Use]) -> None:
        """Take note of live requests that were not mirrored."""
        for use in uses:
            self._usage.passed(use.route, use.status_class, use.count)

    def paid(self, cost: codec.Cost) -> None:
        """Take note of what a live process spent on handing over."""
        if self._meter is not None:
            self._meter.add("live_cost", number=cost.ns)
            self._meter.add("live_cost_exchanges", number=cost.exchanges)

    def account(self, session: str, selected: int, drops: dict[str, int]) -> None:
        """Take note of what the live side selected in all and dropped since."""
        if not self.following.is_ready:
            return self._early.append(partial(self.account, session, selected, drops))
        self.sessions.selected(session, selected)
        if drops:
            self.pipeline.dropped(session, drops)
            if self._capture is not None:
                self._capture.dropped(drops)

    def flush(self, *, last: bool = False) -> None:
        """Send on to the store, and to the live processes, what is new."""
        self.pipeline.announce_changes()
        self.recorder.flush()
        used = self._usage.take(now=last)
        rest = self.sessions.complete(used or Batch())
        if last:
            rest = self.learning.complete(rest, last=True)
        if last or rest.progress or rest.settlements or used:
            self._add(rest)
        if self.governor.has_news:
            self.following.poke()
        self._tell()

    def _tell(self) -> None:
        """Tell every live process how far it has come, and whether to rest."""
        queues = [lane.scheduler for lane in self.pipeline.all_lanes]
        waiting, in_flight = (
            sum(x.depth for x in queues),
            sum(x.in_flight for x in queues),
        )
        resting = self.governor.resting
        for intake in self.intakes:
            if intake.hello is not None:
                ended = self.sessions.totals[intake.hello.session]
                intake.send_status(codec.Status(ended, waiting, in_flight, resting))

    async def close(self, seconds: float) -> None:
        """Let what is under way end for up to `seconds`, write it, and stop."""
        # What was answered is judged in time, by what is known or without.
        self._closing = True
        await self.following.hurry(seconds / 2)
        await asyncio.gather(
            self.pipeline.drain(seconds),
            self.learning.hurry(seconds / 2),
            self._close_capture(max(seconds, 2.0)),
        )
        self.flush(last=True)
        await asyncio.gather(self.learning.aclose(), self.following.aclose())
        await asyncio.to_thread(self.recorder.close, max(seconds, 2.0))
        if self._writer is not None:
            await asyncio.to_thread(self._writer.close, max(seconds, 2.0))

    async def _close_capture(self, seconds: float) -> None:
        if self._capture is not None:
            tally = await asyncio.to_thread(self._capture.close, seconds)
            logger.info("%s", in_words(tally, self.settings.capture_to))

    def figures(self) -> Figures:
        """Return what is to be shown of it now; nothing where nobody wants to see it."""
        if self._meter is None:
            return {}
        account = self.sessions
        lost = self._writer.lost if self._writer is not None else Lost()
        return {
            **self._meter.figures(),
            **at_work(self.pipeline, account.all_selected, account.all_ended),
            **of_writer(lost, away=bool(self._writer and self._writer.failure)),
            **of_capture(self._capture.tally if self._capture is not None else None),
            ("live_processes", ()): len(self.intakes),
            ("resting", ()): float(self.governor.resting),
        }

    def _write(self, batch: Batch) -> None:
        if self._meter is not None:
            self._meter.counted(batch.counts, batch.latencies)
        self._add(self.learning.complete(self.sessions.complete(batch)))

    def _add(self, batch: Batch) -> None:
        if self._writer is not None:
            mark = self.mark()
            marked = msgspec.structs.replace(batch, mark=mark) if mark else batch
            self._writer.add(self.complete(marked))

    def _announce(self, name: str, event: dict[str, Any]) -> None:
        for intake in self.intakes:
            intake.send_event(name, event)

    def _wanted(self, name: str) -> bool:
        return any(name in intake.wants for intake in self.intakes)


def _no_mark() -> None:
    """Say nothing: live goes on where it is."""


class Works(Sink, Protocol):
    """What works under one configuration: a `Bench`, or what stands in its place."""

    settings: Settings
    intakes: set[Intake]
    sessions: Account
    place: Place

    def start(self) -> None:
        """Begin."""
        ...

    def begin(self, hello: codec.Hello) -> None:
        """Take note of a session that comes."""
        ...

    def part(self, intake: Intake) -> None:
        """Take note that a connection is gone; it need not be one of ours."""
        ...

    def flush(self) -> None:
        """Send on what is new."""
        ...

    async def close(self, seconds: float) -> None:
        """Let what is under way end for up to `seconds`, and stop."""
        ...

    def figures(self) -> Figures:
        """Return what is to be shown of it now."""
        ...


class Service:
    """
    Serves any number of connections, each under the settings it brings.

    Args:
        open_bench: Makes what works under one configuration.
        ends_when_alone: Whether the end of the last connection is the end.
    """

    def __init__(
        self,
        open_bench: Callable[[bytes], Works],
        *,
        ends_when_alone: bool = True,
    ) -> None:
        self._open_bench = open_bench
        self._benches: dict[bytes, Works] = {}
        self._ends_when_alone = ends_when_alone
        self._stopped = asyncio.Event()
        self._board = Board()
        self._intakes: set[Intake] = set()

    def connect(self) -> Intake:
        """Return the protocol of a new connection."""
        intake = Intake(self)
        self._intakes.add(intake)
        return intake

    def welcome(self, hello: codec.Hello, intake: Intake) -> Works:
        """Return where this connection's exchanges go."""
        bench = self._benches.get(hello.settings)
        if bench is None:
            bench = self._benches[hello.settings] = self._open_bench(hello.settings)
            bench.start()
        bench.intakes.add(intake)
        bench.begin(hello)
        return bench

    def farewell(self, intake: Intake) -> None:
        """Take note that a connection is gone."""
        self._intakes.discard(intake)
        for bench in self._benches.values():
            bench.part(intake)
        if self._ends_when_alone and not self._intakes:
            self.stop()

    def stop(self) -> None:
        """End soon: take what was sent by now, and finish what is under way."""
        self._stopped.set()

    async def run(self, let_in: Callable[[], Awaitable[None]] | None = None) -> None:
        """
        Work until stopped, then drain, write, and say goodbye.

        Args:
            let_in: Called once stopped, to connect whoever had come to the door by then:
                a process may have handed over all that it had, and be gone.
        """
        try:
            while not self._stopped.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FLUSH_INTERVAL):
                        await self._stopped.wait()
                for bench in list(self._benches.values()):
                    bench.flush()
                self._show()
        finally:
            if let_in is not None:
                await let_in()
            for intake in list(self._intakes):
                intake.finish()
            await asyncio.gather(
                *(
                    bench.close(bench.settings.drain_timeout)
                    for bench in self._benches.values()
                )
            )
            self._show()
            for intake in list(self._intakes):
                intake.close()
            await asyncio.to_thread(self._board.close)

    def _show(self) -> None:
        benches = self._benches.values()
        self._board.show([(one.place, one.figures()) for one in benches if one.place])
