"""
What becomes of the answers to one exchange: up to three comparisons, one judgement.

Live against the shadow is the question. Live against its control, and the shadow
against itself, are two answers of one version each: what they differ in is noise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec

from shadow_middleware.compare import Comparer, Comparison, Legs
from shadow_middleware.compare.partial import NO_BODY, concluded, restricted
from shadow_middleware.exchange import (
    Difference,
    Exchange,
    Outcome,
    Replay,
    Response,
    Unknown,
)
from shadow_middleware.judge import Case, Judge, Judgement
from shadow_middleware.replay.twin import Twin
from shadow_middleware.replay.versions import version_in
from shadow_middleware.settings import Settings
from shadow_middleware.transform.masking import MARK
from shadow_middleware.transform.outgoing import host_of
from shadow_middleware.transform.planted import without, without_in

__all__ = ["Heard", "Judging", "Weighed"]

_MAX_SHAPES: Final = 10_000


class Heard(msgspec.Struct, frozen=True):
    """Everything that was answered to one exchange."""

    exchange: Exchange
    target: str
    shadow: Twin
    version: str = ""
    """The shadow's."""
    control: Twin | None = None
    probe: Twin | None = None
    """What the same shadow said when it was asked once more."""


class Weighed(msgspec.Struct, frozen=True):
    """A replay with its judgement, and how the control compared."""

    replay: Replay
    control: Outcome | None = None


class Judging:
    """Compares and judges; comparisons that may be costly run on a thread."""

    def __init__(
        self,
        settings: Settings,
        comparer: Comparer,
        judge: Judge,
        route: Callable[[str], str],
        clean: Callable[[str], str],
    ) -> None:
        """
        Bring everything together.

        Args:
            settings: For the header that holds live's version.
            comparer: Finds differences.
            judge: Tells noise from divergences.
            route: Returns what an endpoint is counted under.
            clean: Takes secrets out of the shape of a path, which is kept.
        """
        self._comparer = comparer
        self._judge = judge
        self._route = route
        self._clean = clean
        self._version_header = settings.version_header.encode("latin-1")
        self._shapes: dict[str, str] = {}

    async def weigh(self, heard: Heard) -> Weighed:
        """Return what becomes of the exchange; called once for each, on the loop."""
        exchange, shadow = heard.exchange, heard.shadow
        live_host = host_of(exchange.request)
        legs = Legs(exchange.live_at, shadow.at, live_host, shadow.host)
        found = await self._compare(exchange, heard.target, _told(shadow), legs)
        if shadow.told is not None:
            found = _rebound(found)
        if shadow.planted and found.differences:
            found = _unplanted(found, shadow.planted)
        control = probe = None
        if heard.control is not None:
            legs = Legs(
                exchange.live_at, heard.control.at, live_host, heard.control.host
            )
            control = await self._compare(
                exchange, heard.target, _told(heard.control), legs, twins=True
            )
        if heard.probe is not None:
            first = msgspec.structs.replace(
                exchange, at=shadow.at, response=shadow.response, unknown=()
            )
            legs = Legs(shadow.at, heard.probe.at, shadow.host, heard.probe.host)
            probe = await self._compare(
                first, heard.target, heard.probe.response, legs, twins=True
            )
        judgement = self._judge.judge(self._case(heard, found, control, probe))
        outcome = None if control is None else _TWIN_OUTCOMES[control.result]
        return Weighed(_replay(heard, found, judgement), outcome)

    def _case(
        self,
        heard: Heard,
        found: Comparison,
        control: Comparison | None,
        probe: Comparison | None,
    ) -> Case:
        exchange, live = heard.exchange, heard.exchange.response
        timed = Unknown.TIMING not in exchange.unknown
        return Case(
            target=heard.target,
            route=self._route(exchange.endpoint),
            status=live.status if live else 0,
            at=exchange.at,
            found=found,
            era=version_in(live.headers, self._version_header) if live else "",
            control=control,
            probe=probe,
            live_ms=exchange.timing.total_ms,
            shadow_ms=heard.shadow.timing.total_ms if timed else None,
            control_ms=heard.control.timing.total_ms
            if heard.control and timed
            else None,
        )

    async def _compare(
        self,
        exchange: Exchange,
        target: str,
        response: Response,
        legs: Legs,
        *,
        twins: bool = False,
    ) -> Comparison:
        whole, compare = exchange, self._comparer.compare
        exchange, response = restricted(exchange, response)
        if self._comparer.is_cheap(exchange, response):
            found = compare(exchange, target, response, legs, twins=twins)
        else:
            found = await asyncio.to_thread(
                compare, exchange, target, response, legs, twins=twins
            )
        found = concluded(whole, found, MARK)
        if not found.differences:
            return found
        differences = tuple(map(self._cleaned, found.differences))
        return msgspec.structs.replace(found, differences=differences)

    def _cleaned(self, difference: Difference) -> Difference:
        """Return the difference with nothing secret in what its group is known by."""
        shape = self._shapes.get(difference.shape)
        if shape is None:
            shape = self._clean(difference.shape)
            if len(self._shapes) < _MAX_SHAPES:
                self._shapes[difference.shape] = shape
        if shape == difference.shape:
            return difference
        return msgspec.structs.replace(difference, shape=shape)


def _told(twin: Twin) -> Response:
    """Return an answer as it is compared: in live's names, if it has others."""
    return twin.response if twin.told is None else twin.told


def _unplanted(found: Comparison, planted: tuple[str, ...]) -> Comparison:
    """Return the comparison without the secrets that we put into the request."""
    differences = tuple(without_in(one, planted) for one in found.differences)
    return msgspec.structs.replace(found, differences=differences)


def _rebound(found: Comparison) -> Comparison:
    """Return the comparison with the reason why some bytes are others."""
    explained = (*found.explained, REBOUND)
    result: Any = "explained" if found.result == "equal" else found.result
    return msgspec.structs.replace(found, result=result, explained=explained)


REBOUND: Final = "rebound"
"""Explains bytes that are the shadow's own names of what live calls otherwise."""

_TWIN_OUTCOMES: Final = {
    "equal": Outcome.MATCH,
    "explained": Outcome.MATCH,
    "different": Outcome.DIVERGENCE,
    "incomparable": Outcome.INCOMPARABLE,
}


def _unseen(exchange: Exchange, judgement: Judgement) -> str:
    """Return why nothing was decided, where a file did not tell all of live's answer."""
    undecided = judgement.outcome is Outcome.INCOMPARABLE
    return NO_BODY if undecided and Unknown.BODY in exchange.unknown else ""


def _kept(shadow: Twin, judgement: Judgement) -> Response:
    """Return the answer as evidence: without secrets that we put into the request."""
    if shadow.planted and judgement.outcome is Outcome.DIVERGENCE:
        return without(shadow.response, shadow.planted)
    return shadow.response


def _replay(heard: Heard, found: Comparison, judgement: Judgement) -> Replay:
    return Replay(
        exchange=heard.exchange,
        target=heard.target,
        outcome=judgement.outcome,
        reason=judgement.reason or _unseen(heard.exchange, judgement),
        differences=judgement.differences,
        explained=found.explained,
        response=_kept(heard.shadow, judgement),
        timing=heard.shadow.timing,
        cut=found.cut,
        hint=found.hint,
        signature=judgement.signature,
        version=heard.version,
        hits=found.hits,
        rebound=heard.shadow.rebound,
        ambiguous=heard.shadow.ambiguous,
    )
