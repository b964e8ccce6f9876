"""
A stored answer of live beside a new one of the shadow: compared and judged.

Both go through the same redaction first: what rests in the store has its secrets
taken out, so a new answer has to lose its own before the two can be equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from shadow_middleware.compare import Comparer, Comparison
from shadow_middleware.compare.legs import Legs
from shadow_middleware.evidence import DivergenceRecord
from shadow_middleware.exchange import (
    Body,
    Difference,
    Exchange,
    Headers,
    Outcome,
    Replay,
    Request,
    Response,
    Timing,
)
from shadow_middleware.judge import Case, Judge, Judgement, Policy, Profile
from shadow_middleware.knowledge import DAY, Known
from shadow_middleware.observe.record import divergence_record
from shadow_middleware.observe.whole import is_comparable
from shadow_middleware.replay.base import Answer
from shadow_middleware.settings import Settings, Target
from shadow_middleware.transform.redact import Redactor

__all__ = ["Again", "Rejudge", "exchange_of", "response_of"]

_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that say how a body travelled: what is stored of it travels no more."""


class Again(msgspec.Struct, frozen=True):
    """What a sample shows when it is sent again."""

    reason: str = ""
    """Why nothing can be told; '' where the shadow answered."""
    passing: bool = False
    """Whether trying again later may tell."""
    before: frozenset[str] = frozenset()
    """Groups that the stored pair of answers shows."""
    rules: tuple[str, ...] = ()
    """Rules that take something away from that pair, as they are by now."""
    open: tuple[Difference, ...] = ()
    """What the new answer shows and nothing explains."""
    noise: frozenset[str] = frozenset()
    """Groups that the new answer shows as noise."""
    cut: bool = False
    """Whether the new answer was not compared to its end."""


class Rejudge:
    """
    Compares and judges by the rules and the knowledge of the store, as an agent does.

    Args:
        settings: Rules, redaction, policy of noise.
        known: What the store knows.
        now: Unix seconds.

    Raises:
        ConfigurationError: a rule of the store could never do what it says.
    """

    def __init__(self, settings: Settings, known: Known, now: float) -> None:
        self._settings = settings
        self._today = int(now // DAY)
        self._policy = Policy.of(settings)
        self._learned = Profile(self._policy).digest(known, self._today)
        self._redactor = Redactor(settings)
        self._comparer = Comparer(
            settings, rules=[shared.rule for shared in known.rules]
        )

    def __call__(
        self, record: DivergenceRecord, target: Target, answer: Answer, at: float
    ) -> Again:
        """Return what `answer` shows, which the shadow began to give at `at`."""
        new = self._as_stored(record, answer)
        live = response_of(record.live_status, record.live_headers, record.live_body)
        old = self._compared(record, target, live, _shadow_of(record), record.at)
        found = self._compared(record, target, live, _shadow_of(new), at)
        before = self._judged(record, live, old, record.at)
        after = self._judged(record, live, found, at)
        return Again(
            before=frozenset(one.group for one in before.differences),
            rules=tuple(sorted({rule for rule, _ in old.hits})),
            open=tuple(one for one in after.differences if not one.noise),
            noise=frozenset(one.group for one in after.differences if one.noise),
            cut=after.outcome is Outcome.INCOMPARABLE
            or not self._is_whole(new, answer),
        )

    def _as_stored(self, record: DivergenceRecord, answer: Answer) -> DivergenceRecord:
        """Return the new answer as it would rest in the store."""
        replay = Replay(
            exchange=exchange_of(record),
            target=record.target,
            outcome=Outcome.DIVERGENCE,
            response=answer.response,
            timing=answer.timing,
        )
        most = self._settings.max_stored_body
        return divergence_record(replay, record.route, self._redactor, most)

    def _is_whole(self, new: DivergenceRecord, answer: Answer) -> bool:
        """Whether all of the new answer would rest in the store, as live's does."""
        as_live = msgspec.structs.replace(new, live_body=new.shadow_body)
        most = self._settings.max_stored_body
        return is_comparable(as_live, answer.response, most)

    def _compared(
        self,
        record: DivergenceRecord,
        target: Target,
        live: Response,
        shadow: Response,
        at: float,
    ) -> Comparison:
        exchange = msgspec.structs.replace(exchange_of(record), response=live)
        legs = Legs(
            live_at=record.at,
            shadow_at=at,
            live_host=_host_of(record.request_headers),
            shadow_host=urlsplit(target.address).netloc.rpartition("@")[2],
        )
        return self._comparer.compare(exchange, record.target, shadow, legs)

    def _judged(
        self, record: DivergenceRecord, live: Response, found: Comparison, at: float
    ) -> Judgement:
        # A profile of its own for each: nothing is learned from a recheck.
        profile = Profile(self._policy)
        profile.adopt(self._learned, self._today)
        case = Case(
            target=record.target,
            route=record.route,
            status=live.status,
            at=at,
            found=found,
        )
        return Judge(self._settings, profile).judge(case)


def exchange_of(record: DivergenceRecord) -> Exchange:
    """Return the stored request as an exchange, without an answer."""
    path, _, query = record.path.partition("?")
    body = record.request_body.encode("utf-8", "replace")
    return Exchange(
        id=record.exchange_id,
        at=record.at,
        request=Request(
            method=record.method,
            path=path.encode("utf-8", "replace"),
            query=query.encode("utf-8", "replace"),
            headers=_bytes_of(record.request_headers),
            body=Body(body, len(body)),
        ),
        response=None,
        timing=Timing(0, 0, int(record.live_ms * 1e6)),
        route=record.route.partition(" ")[2],
    )


def response_of(
    status: int | None, headers: Iterable[tuple[str, str]], body: str
) -> Response:
    """Return a stored answer as one that can be compared; its body travels plain."""
    data = body.encode("utf-8", "replace")
    kept = [(name, value) for name, value in headers if name.lower() not in _FRAMING]
    return Response(status or 0, _bytes_of(kept), Body(data, len(data)))


def _shadow_of(record: DivergenceRecord) -> Response:
    return response_of(record.shadow_status, record.shadow_headers, record.shadow_body)


def _bytes_of(headers: Iterable[tuple[str, str]]) -> Headers:
    return [
        (name.encode("latin-1", "replace"), value.encode("utf-8", "replace"))
        for name, value in headers
    ]


def _host_of(headers: Iterable[tuple[str, str]]) -> str:
    return next((value for name, value in headers if name.lower() == "host"), "")
