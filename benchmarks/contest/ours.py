"""This tool's own core, driven in process: compare, judge, and the ruling of a report."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import NamedTuple

import msgspec

from benchmarks.contest.score import Account, Row, Seen
from benchmarks.corpus import Answered, Sent, Traffic
from shadow_middleware.compare import Comparer, Comparison, Legs
from shadow_middleware.exchange import Outcome
from shadow_middleware.judge import Case, Judge, Policy, Profile, Ruling, rulings
from shadow_middleware.knowledge import Group, Known
from shadow_middleware.settings import Settings

__all__ = ["WITHOUT", "WITH_CONTROL", "WITH_PROBE", "Contestant", "contest"]

WITH_CONTROL, WITHOUT, WITH_PROBE = "with a control", "without", "self-probe only"
TARGET = "shadow"
SERVER_ERROR = 500


class Found(NamedTuple):
    """The comparisons of one exchange."""

    raw: Comparison
    control: Comparison
    probe: Comparison


class Contestant:
    """One way to run the judge: with a control, with a self-probe, or with neither."""

    def __init__(
        self, name: str, *, control: bool = False, probe: bool = False
    ) -> None:
        self._control, self._probe = control, probe
        self._settings = Settings(shadow_url="http://shadow.internal:8080")
        self._profile = Profile(Policy.of(self._settings))
        self._judge = Judge(self._settings, self._profile)
        self.account = Account(name)
        self._day = 0

    def look(self, sent: Sent, found: Found) -> None:
        """Judge one exchange, and keep what is not explained."""
        case = Case(
            target=TARGET,
            route=sent.exchange.endpoint,
            status=sent.live.response.status,
            at=sent.exchange.at,
            found=found.raw,
            control=found.control if self._control else None,
            probe=found.probe if self._probe else None,
            live_ms=sent.live.took_ms,
            shadow_ms=sent.shadow.took_ms,
            control_ms=sent.control.took_ms if self._control else None,
        )
        self._day = case.day
        judged = self._judge.judge(case)
        seen: tuple[Seen, ...] = ()
        if judged.outcome is Outcome.DIVERGENCE:
            seen = tuple(
                Seen(each.group, each.part, each.shape or each.path, each.kind)
                for each in judged.differences
                if not each.noise
            )
        self.account.note(sent.carries, seen)

    def conclude(self) -> tuple[Row, dict[str, Ruling]]:
        """Return the row, as a report would rule now, and the ruling on each group."""
        known = _known(self._profile)
        ruled = rulings(known, Policy.of(self._settings), today=self._day)

        def is_noise(group: Hashable) -> bool:
            return isinstance(group, str) and group in ruled and ruled[group].noise

        return self.account.row(is_noise), ruled


def _known(profile: Profile) -> Known:
    """Return what a store would know if all that was learned had been written."""
    taken = profile.take()
    groups = [
        Group(each.key.fingerprint, each.key, each.count, each.first_at, each.last_at)
        for each in taken.sightings
    ]
    return Known(taken.noise, taken.noise_bases, groups)


def contest(traffic: Traffic, count: int) -> list[Contestant]:
    """Show one stretch of traffic to three contestants, comparing it once."""
    contestants = [
        Contestant(WITH_CONTROL, control=True),
        Contestant(WITHOUT),
        Contestant(WITH_PROBE, probe=True),
    ]
    for sent, found in compared(traffic, count):
        for contestant in contestants:
            contestant.look(sent, found)
    return contestants


def compared(traffic: Traffic, count: int) -> Iterator[tuple[Sent, Found]]:
    """Yield every exchange that live answered, with its three comparisons."""
    comparer = Comparer(Settings(shadow_url="http://shadow.internal:8080"))
    for sent in traffic.exchanges(count):
        if sent.live.response.status >= SERVER_ERROR:
            continue
        again = msgspec.structs.replace(
            sent.exchange, response=sent.shadow.response, at=sent.shadow.at
        )
        yield (
            sent,
            Found(
                comparer.compare(
                    sent.exchange,
                    TARGET,
                    sent.shadow.response,
                    _legs(sent.live, sent.shadow),
                ),
                comparer.compare(
                    sent.exchange,
                    TARGET,
                    sent.control.response,
                    _legs(sent.live, sent.control),
                    twins=True,
                ),
                comparer.compare(
                    again,
                    TARGET,
                    sent.probe.response,
                    _legs(sent.shadow, sent.probe),
                    twins=True,
                ),
            ),
        )


def _legs(one: Answered, other: Answered) -> Legs:
    return Legs(one.at, other.at, one.host, other.host)
