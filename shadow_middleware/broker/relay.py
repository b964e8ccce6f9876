"""
An agent whose exchanges go to a broker: it counts, closes and publishes them.

It stands in a bench's place. Nothing is replayed here; what the broker will never get
is counted as dropped, for each target, under a reason of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

from shadow_middleware.accounting import Account
from shadow_middleware.broker.envelope import (
    VERSION,
    Ending,
    Envelope,
    encode,
    token_of,
)
from shadow_middleware.broker.heeding import Heeding
from shadow_middleware.broker.item import Item
from shadow_middleware.broker.outgoing import Outgoing
from shadow_middleware.broker.publisher import Publisher
from shadow_middleware.broker.seal import Seal
from shadow_middleware.broker.spool import Spool
from shadow_middleware.evidence import Batch
from shadow_middleware.exchange import Exchange, Outcome
from shadow_middleware.following import Following, Known
from shadow_middleware.handoff import codec
from shadow_middleware.handoff.intake import Intake
from shadow_middleware.metrics.board import Place
from shadow_middleware.metrics.figures import Figures
from shadow_middleware.metrics.meter import Meter
from shadow_middleware.observe.recorder import Recorder
from shadow_middleware.observe.usage import Usage
from shadow_middleware.settings import Settings
from shadow_middleware.store.writer import Lost, Writer
from shadow_middleware.traffic.writer import CaptureWriter
from shadow_middleware.transform.continuity import Continuity
from shadow_middleware.transform.redact import Redactor
from shadow_middleware.workload import of_capture, of_writer

__all__ = ["Relay"]

logger = logging.getLogger("shadow_middleware.broker")

MOST_KEYS: Final = 10_000
"""Keys of which an exchange was lost, and none has come since."""


class Relay:
    """
    Implements `service.Works` with a broker behind it.

    Args:
        settings: The configuration, with a broker in it.
        redactor: Takes secrets out of what is counted and announced.
        writer: Where the account goes.
        capture: Writes exchanges to files, besides.
        continuity: Knows which exchanges are one session, where that is asked for.
        known: Opens what knows the targets at run time; None follows nobody.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        settings: Settings,
        redactor: Redactor,
        writer: Writer | None,
        capture: CaptureWriter | None = None,
        continuity: Continuity | None = None,
        known: Callable[[], Known] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.intakes: set[Intake] = set()
        self.sessions = Account(tuple(x.name for x in settings.all_targets), clock)
        self._heeding = Heeding(settings, self.sessions, self._tell)
        self._following = Following(self._heeding, known)
        self.place = Place(
            settings.metrics_address, settings.metrics_token, settings.otel_metrics
        )
        self._clock = clock
        self._writer, self._capture, self._continuity = writer, capture, continuity
        self._recorder = Recorder(
            settings, redactor, self._add, self._announce, wanted=self._wanted
        )
        self._usage = Usage(redactor, clock)
        self._meter = Meter(settings.metrics_routes) if self.place else None
        self._seal = Seal(settings.broker_seal)
        self._outgoing = Outgoing(settings.queue_count, settings.queue_bytes)
        self._publisher = Publisher(settings, self._outgoing, self._lost)
        self._lives: dict[str, tuple[str, int]] = {}
        self._dropped_keys: OrderedDict[str, None] = OrderedDict()
        self._given: Counter[str] = Counter()
        self._endings: dict[str, int] = {}
        self._ending: asyncio.Task[None] | None = None
        self._said_signals = False

    def start(self) -> None:
        """Begin to look for the broker, and to follow what is set of targets."""
        self._publisher.start()
        self._following.start()

    # --- what live processes tell -------------------------------------------------------

    def begin(self, hello: codec.Hello) -> None:
        """Take note of a session that comes, and settle what earlier agents had of it."""
        base = hello.handed
        life = _life(hello.session, base)
        self._lives[hello.session] = (life, base)
        self.sessions.begin(life, 0, hello.selected - base)
        self._adopt(hello.session)
        edges = [*dict.fromkeys(hello.lives), base]
        for first, end in pairwise(edges):
            if end > first:
                self._endings[_life(hello.session, first)] = end - first
        if hello.wants and not self._said_signals:
            self._said_signals = True
            logger.warning(
                "replays are signalled in the worker that made them, so receivers of "
                "this process hear of drops only: see shadow-middleware worker --import"
            )
        self._tell()

    def _adopt(self, session: str) -> None:
        """Open the disk on which more may wait, with what an earlier agent left."""
        if not self.settings.broker_spool or self._outgoing.spool is not None:
            return
        engine = self.settings.engine
        name = session if not engine.startswith("unix:") else _digest(engine)
        folder = Path(self.settings.broker_spool) / name
        try:
            self._outgoing.spool = Spool(folder, self.settings.broker_spool_bytes)
        except OSError as error:
            logger.warning("nothing can wait in %s: %s", folder, error)

    async def _end_lives(self) -> None:
        """
        Say in every partition that lives are over, behind all that they published.

        Only of lives of which nothing waits here, and once what was lost here is
        counted in the store: what is missing then was lost elsewhere.
        """
        over = {
            life: handed
            for life, handed in self._endings.items()
            if not self._outgoing.holds(life)
        }
        if not over or self._writer is None or not self._following.is_ready:
            return
        self._recorder.flush()
        self._writer.add(self.sessions.complete(Batch()))
        if not await asyncio.to_thread(self._writer.flush, 2.0):
            return
        for life, handed in over.items():
            if self._endings.pop(life, None) is None:
                continue  # it was said meanwhile
            for partition in range(self.settings.broker_partitions):
                heeding = self._heeding
                ending = Ending(life, handed, heeding.targets, partition, heeding.added)
                name = f"end-{life}-{handed:x}-{partition}"
                data = encode(Envelope(VERSION, None, ending=ending))
                closed = self._seal.close(data, name.encode())
                token = f"end-{_digest(life)}"
                self._outgoing.offer(Item(name, token, closed, partition=partition))
        self._publisher.notice()

    def part(self, intake: Intake) -> None:
        """Take note that a connection is gone; it need not be one of ours."""
        if intake in self.intakes and intake.hello is not None:
            self.intakes.discard(intake)
            life, _ = self._lives.pop(intake.hello.session)
            self.sessions.leave(life)
            self._leave(life)

    def _leave(self, life: str) -> None:
        """Have a life settled that is over."""
        if given := self._given.pop(life, 0):
            self._endings[life] = given

    def accept(self, exchange: Exchange, size: int) -> None:
        """Take one exchange."""
        self._usage.mirrored(exchange)
        if self._meter is not None:
            self._meter.add("captured")
        if self._continuity is not None:
            exchange = self._continuity.place(exchange)
        if self._capture is not None:
            self._capture.add(exchange, size)
        item = self._item(self._named(exchange))
        if self._outgoing.offer(item):
            self._publisher.notice()
        else:
            self._lost(item, self._publisher.why)

    def _named(self, exchange: Exchange) -> Exchange:
        """Name it after this life of its session's agent."""
        session, _, number = exchange.id.rpartition("-")
        life, _ = self._lives.get(session, (session, 0))
        changes: dict[str, Any] = {}
        if life != session:
            changes["id"] = f"{life}-{number}"
        if exchange.key is not None and exchange.key in self._dropped_keys:
            del self._dropped_keys[exchange.key]
            changes["after_drop"] = True
        return msgspec.structs.replace(exchange, **changes) if changes else exchange

    def _item(self, exchange: Exchange) -> Item:
        targets = self._heeding.targets
        data = encode(Envelope(VERSION, exchange, targets))
        return Item(
            exchange.id,
            token_of(exchange),
            self._seal.close(data, exchange.id.encode()),
            exchange.key,
            exchange.session,
            exchange.endpoint,
            targets=targets,
            at=exchange.at,
        )

    def _lost(self, item: Item, reason: str) -> None:
        """Count what will never get there."""
        if item.partition >= 0:
            return
        if item.key is not None:
            self._dropped_keys[item.key] = None
            if len(self._dropped_keys) > MOST_KEYS:
                self._dropped_keys.popitem(last=False)
        for target in item.targets:
            self.sessions.ended(item.session, target, 1)
            self._recorder.count(
                target, item.endpoint, Outcome.DROPPED, reason, at=item.at
            )

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
        life, base = self._lives.get(session, (session, 0))
        self.sessions.selected(life, selected - base)
        self._given[life] = max(self._given[life], selected - base)
        for reason, number in drops.items():
            for target in self._heeding.targets:
                self.sessions.ended(life, target, number)
                self._recorder.count(target, "-", Outcome.DROPPED, reason, number)
        if drops and self._capture is not None:
            self._capture.dropped(drops)

    # --- what is told -------------------------------------------------------------------

    def flush(self, *, last: bool = False) -> None:
        """Send on to the store, and to the live processes, what is new."""
        self._recorder.flush()
        used = self._usage.take(now=last)
        rest = self.sessions.complete(used or Batch())
        if self._writer is not None and (rest.progress or used):
            self._writer.add(rest)
        if self._endings and not last and (self._ending is None or self._ending.done()):
            self._ending = asyncio.get_running_loop().create_task(self._end_lives())
        self._tell()

    def _tell(self) -> None:
        """Tell every live process how far it has come, and whether to rest."""
        waiting, flying = len(self._outgoing), self._outgoing.flying
        resting = self._heeding.resting
        for intake in self.intakes:
            if intake.hello is not None:
                life, _ = self._lives[intake.hello.session]
                ended = self.sessions.totals[life]
                status = codec.Status(ended, waiting - flying, flying, resting)
                intake.send_status(status)

    async def close(self, seconds: float) -> None:
        """Publish what is left for up to `seconds`; the rest is kept on disk, or lost."""
        await self._publisher.drain(seconds)
        seconds = max(seconds, 2.0)
        await self._say_goodbye()
        await self._publisher.close()
        for item in self._outgoing.close():
            self._lost(item, "shutdown")
        if self._capture is not None:
            await asyncio.to_thread(self._capture.close, seconds)
        self.flush(last=True)
        await self._following.aclose()
        await asyncio.to_thread(self._recorder.close, seconds)
        if self._writer is not None:
            await asyncio.to_thread(self._writer.close, seconds)

    async def _say_goodbye(self) -> None:
        """Settle what was lost at the broker, once all of ours is there and counted."""
        if self._ending is not None:
            await self._ending
        for life, _ in self._lives.values():
            self._leave(life)
        await self._end_lives()
        await self._publisher.drain(2.0)

    def figures(self) -> Figures:
        """Return what is to be shown of it now; nothing where nobody wants to see it."""
        if self._meter is None:
            return {}
        account, publisher = self.sessions, self._publisher
        lost = self._writer.lost if self._writer is not None else Lost()
        return {
            **self._meter.figures(),
            ("selected", ()): account.all_selected,
            ("broker_published", ()): publisher.counted["published"],
            ("broker_refused", ()): publisher.counted["refused"],
            ("broker_unknown", ()): publisher.counted["unknown"],
            ("broker_away", ()): float(bool(publisher.trouble)),
            ("broker_waiting", ("memory",)): len(self._outgoing)
            - self._outgoing.on_disk,
            ("broker_waiting", ("disk",)): self._outgoing.on_disk,
            **of_writer(lost, away=bool(self._writer and self._writer.failure)),
            **of_capture(self._capture.tally if self._capture is not None else None),
            ("live_processes", ()): len(self.intakes),
            ("resting", ()): float(self._heeding.resting),
        }

    def _add(self, batch: Batch) -> None:
        if self._meter is not None:
            self._meter.counted(batch.counts, batch.latencies)
        if self._writer is not None:
            self._writer.add(self.sessions.complete(batch))

    def _announce(self, name: str, event: dict[str, Any]) -> None:
        for intake in self.intakes:
            intake.send_event(name, event)

    def _wanted(self, name: str) -> bool:
        return any(name in intake.wants for intake in self.intakes)


def _life(session: str, base: int) -> str:
    """Name a life of a session's agent: by what earlier agents were given."""
    return f"{session}.{base:x}" if base else session


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
