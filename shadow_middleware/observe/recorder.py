"""
The last step of the road: what one replay leaves behind.

Every replay is counted. A divergence is also redacted, bounded, logged, signalled
and put into the next batch for the store.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from shadow_middleware.evidence import OVERFLOW, Batch, DivergenceRecord
from shadow_middleware.exchange import Outcome, Replay, Unknown
from shadow_middleware.observe.access import AccessLog
from shadow_middleware.observe.announce import Announcer, Emit, Wanted
from shadow_middleware.observe.events import (
    divergence_event,
    finished_event,
    group_event,
)
from shadow_middleware.observe.log import DivergenceLog
from shadow_middleware.observe.marks import (
    GroupsSeen,
    RuleHits,
    Samples,
    Signatures,
    unexplained,
)
from shadow_middleware.observe.rate import WorkBudget
from shadow_middleware.observe.record import (
    Redacts,
    divergence_record,
    redacted_route,
)
from shadow_middleware.observe.stats import Tally
from shadow_middleware.settings import Settings
from shadow_middleware.transform.credentials import withheld_names
from shadow_middleware.transform.outgoing import never_sent

__all__ = ["Recorder"]

_logger = logging.getLogger("shadow_middleware.observe")

_MAX_PENDING = 64
"""Divergences that are held until a flush; with their bodies they are the heavy part."""
_MAX_REASON = 100
_BODY_SHARE = 0.25
_BODY_BURST = 1.0
"""Redacting a large body takes milliseconds. A shadow that always differs must not
keep the agent from replaying, so beyond this share records go without bodies."""
DEFAULT_IGNORES = "default_ignores"
"""The reason of a match in which only headers differ that are ignored by default."""

_TIMED = frozenset(
    {Outcome.MATCH, Outcome.NOISE, Outcome.DIVERGENCE, Outcome.INCOMPARABLE}
)


class Recorder:
    """
    Counts, logs, signals and stores what replays came to.

    No call raises because of an odd exchange: its outcome is counted all the same,
    and `odd` says how often details were lost. Any thread may call.
    """

    def __init__(
        self,
        settings: Settings,
        redactor: Redacts,
        sink: Callable[[Batch], None],
        announce: Emit | None = None,
        *,
        wanted: Wanted | None = None,
        clock: Callable[[], float] = time.time,
        steady_clock: Callable[[], float] = time.monotonic,
        work_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        """
        Start with nothing counted.

        Args:
            settings: For the rate of signals and the bounds of what is stored.
            redactor: Takes secrets out of everything that leaves here.
            sink: Takes each batch; it must neither block nor raise.
            announce: Takes events by their short names; None announces nothing.
            wanted: Whether anybody listens to a signal; left out, somebody does.
            clock: Unix seconds.
            steady_clock: Monotonic seconds, of which bodies may take a share.
            work_clock: Seconds of the processor that the thread at hand has had.
        """
        self.odd = 0
        self._clock = clock
        self._settings = settings
        self._redactor = redactor
        self._sink = sink
        self._tally = Tally(name_route=self._redacted_route)
        self._log = DivergenceLog(clock)
        path = settings.access_log
        self._access = AccessLog(path, redactor.path) if path else None
        self._announcer = Announcer(
            announce or _nowhere,
            (wanted or _everything) if announce else _nothing,
            settings.signal_rate,
            clock,
        )
        self._body_budget = WorkBudget(
            _BODY_SHARE, _BODY_BURST, steady_clock, work_clock
        )
        self._pending: list[DivergenceRecord] = []
        self._withheld = {
            target.name: withheld_names(settings, target)
            for target in settings.all_targets
        }
        self.groups = GroupsSeen()
        """Those that were announced already."""
        self._signatures = Signatures()
        self._samples = Samples()
        self._hits = RuleHits()
        self._lock = threading.Lock()

    def record(self, replay: Replay) -> None:
        """Take in the end of one replay; called exactly once for each."""
        exchange = replay.exchange
        route = exchange.endpoint
        reason = counted_reason(replay)
        if replay.outcome is Outcome.DIVERGENCE:
            reason = self._signatures.name(replay.signature) or reason
        self._tally.add(
            exchange.at,
            replay.target,
            route,
            replay.outcome,
            reason,
            version=replay.version,
        )
        try:
            self._details(replay, route)
        except Exception as error:  # noqa: BLE001 -- the fence: one odd exchange
            self._note_odd(exchange.id, error)

    def count(
        self,
        target: str,
        route: str,
        outcome: Outcome,
        reason: str,
        n: int = 1,
        at: float | None = None,
        version: str = "",
    ) -> None:
        """
        Count `n` ends that are no replay to a target, such as live-side drops.

        Args:
            target: Which target they were selected for.
            route: `GET /users/{id}`; `-` where they were dropped before they had one.
            outcome: How they ended.
            reason: The short word to count them under.
            n: How many.
            at: Unix seconds; now where left out.
            version: Of the target.
        """
        when = self._clock() if at is None else at
        self._tally.add(when, target, route, outcome, reason[:_MAX_REASON], n, version)
        if outcome is Outcome.DROPPED:
            self._announcer.drop(target, reason, n)

    def route(self, endpoint: str) -> str:
        """Return the name that an endpoint is counted under: redacted, and bounded."""
        return self._tally.route(endpoint)

    def breaker_changed(
        self, target: str, state: str, previous: str, reason: str = ""
    ) -> None:
        """Announce that a target's circuit breaker changed its state."""
        self._announcer.breaker(target, state, previous, reason)

    def flush(self) -> None:
        """Hand everything since the last flush to the sink, if there is anything."""
        with self._lock:
            divergences, self._pending = self._pending, []
            samples, hits = self._samples.take(), self._hits.take()
        counts, latencies = self._tally.take()
        if counts or latencies or divergences:
            self._sink(
                Batch(counts, latencies, divergences, samples=samples, rule_hits=hits)
            )
        self._log.flush()
        self._announcer.flush()

    def close(self, timeout: float) -> None:
        """Write what is left of the access log."""
        if self._access is not None:
            self._access.close(timeout)

    def _details(self, replay: Replay, route: str) -> None:
        if self._access is not None:
            self._access.write(replay)
        timing = replay.timing
        known = Unknown.TIMING not in replay.exchange.unknown
        if timing is not None and known and replay.outcome in _TIMED:
            self._time(replay, route, timing.total_ms)
        if replay.hits:
            with self._lock:
                self._hits.add(replay)
        if replay.outcome is Outcome.DIVERGENCE:
            self._diverged(replay)
        elif replay.outcome is Outcome.DROPPED:
            self._announcer.drop(replay.target, replay.reason, 1)
        if self._announcer.wanted("replay_finished"):
            event = finished_event(replay, self._tally.route(route))
            self._announcer.offer("replay_finished", event)

    def _time(self, replay: Replay, route: str, shadow_ms: float) -> None:
        # Both legs or none: quantiles of the two sides are over the same exchanges,
        # so a shadow that times out on slow ones cannot look faster than live.
        exchange, version = replay.exchange, replay.version
        live_us, shadow_us = exchange.timing.total_ms * 1e3, shadow_ms * 1e3
        self._tally.time(exchange.at, replay.target, route, live_us, shadow_us, version)

    def _diverged(self, replay: Replay) -> None:
        route = self._tally.route(replay.exchange.endpoint)
        record = self._built(replay, route)
        with self._lock:
            self._pending.append(record)
            self._samples.add(record)
            full = len(self._pending) >= _MAX_PENDING
        self._log.write(record)
        if self._announcer.wanted("divergence_found"):
            self._announcer.offer("divergence_found", divergence_event(record))
        self._announce_groups(record)
        if full:
            self.flush()

    def _announce_groups(self, record: DivergenceRecord) -> None:
        """Say which groups were not seen before."""
        for one in unexplained(record.differences):
            state = self.groups.first(one.group) if one.group else ""
            if state and self._announcer.wanted("group_found"):
                self._announcer.offer("group_found", group_event(record, one, state))

    def _is_sent(self, target: str, name: bytes) -> bool:
        withheld = self._withheld.get(target)
        return not (never_sent(name) or (withheld is not None and withheld[name]))

    def _built(self, replay: Replay, route: str) -> DivergenceRecord:
        with self._body_budget.spending():
            return divergence_record(
                replay,
                route,
                self._redactor,
                self._settings.max_stored_body,
                with_bodies=self._body_budget.has_room(),
                is_sent=lambda name: self._is_sent(replay.target, name),
            )

    def _redacted_route(self, route: str) -> str:
        try:
            return redacted_route(route, self._redactor)
        except Exception as error:  # noqa: BLE001 -- the fence: counted all the same
            self._note_odd("-", error)
            return OVERFLOW

    def _note_odd(self, exchange_id: str, error: Exception) -> None:
        """Say it once, without the error's text: it may quote what was recorded."""
        self.odd += 1
        if self.odd == 1:
            place = traceback.extract_tb(error.__traceback__)[-1]
            _logger.warning(
                "exchange %s was counted, but its details could not be recorded "
                "(%s in %s, line %s); further ones are counted without a line",
                exchange_id,
                type(error).__name__,
                place.name,
                place.lineno,
            )


def counted_reason(replay: Replay) -> str:
    """
    Return the short word that a replay is counted under.

    For different bytes that count as a match it names what explains them: the rules
    that somebody stated, or else that it was our own defaults.
    """
    if replay.reason or replay.outcome is Outcome.DIVERGENCE or not replay.explained:
        return replay.reason[:_MAX_REASON]
    stated = sorted(
        name for name in replay.explained if not name.startswith("default:")
    )
    if not stated:
        return DEFAULT_IGNORES
    name = stated[0][:_MAX_REASON]
    return f"{name} and {len(stated) - 1} more" if stated[1:] else name


def _nowhere(name: str, event: dict[str, Any]) -> None:
    """Announce nothing."""


def _everything(name: str) -> bool:
    return True


def _nothing(name: str) -> bool:
    return False
