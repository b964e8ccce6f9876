"""
The words of what is learned and decided: groups, noise, rules, coverage.

Like `evidence`, plain immutable data. Everything that is counted here adds up over
processes, hosts and days; what a person decides is kept beside it and never mixed in,
so a judgement can be taken back.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from shadow_middleware.exchange import CONTROL, Kind, Part
from shadow_middleware.settings import Rule

__all__ = [
    "ANY_METHOD",
    "CONTROL",
    "DAY",
    "MANY",
    "RULINGS",
    "Decision",
    "Group",
    "GroupFilter",
    "GroupKey",
    "GroupState",
    "Known",
    "KnownRoute",
    "NoiseBase",
    "NoiseCount",
    "NoiseRuling",
    "RouteUse",
    "RuleHit",
    "RuleTotal",
    "Sample",
    "SharedRule",
    "Sighting",
    "Signature",
    "VersionSeen",
    "Weighed",
    "latest_eras",
    "signature_of",
]

DAY = 24 * 60 * 60
"""Seconds in the windows that noise is counted by."""

MANY = "(other)"
"""Stands for a signature, a group or a field where there are too many to tell apart."""


class GroupKey(msgspec.Struct, frozen=True, gc=False):
    """What makes two differences the same finding, on every host and at any time."""

    target: str
    route: str
    """As it is counted: method and template, redacted."""
    part: Part
    path: str
    """The path's shape: list indexes and map keys stand as `*`."""
    kind: Kind
    live: str
    """The shape of live's value: `integer`, `uuid`, `null`; '' where it has none."""
    shadow: str
    """The shape of the shadow's value."""

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that depend on the key alone."""
        whole = "\0".join(
            (
                self.target,
                self.route,
                self.part,
                self.path,
                self.kind,
                self.live,
                self.shadow,
            )
        )
        data = whole.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(data, digest_size=8).hexdigest()


def signature_of(fingerprints: Sequence[str]) -> str:
    """
    Return what a divergence is counted under: which groups it belongs to.

    For one group its fingerprint; for several, a digest of them all. Whether such a
    divergence counts is decided when it is read, by what is known of its groups then.
    """
    distinct = sorted(set(fingerprints))
    if len(distinct) <= 1:
        return "".join(distinct)
    data = ",".join(distinct).encode()
    return "+" + hashlib.blake2b(data, digest_size=8).hexdigest()


class Signature(msgspec.Struct, frozen=True, gc=False):
    """Which groups a signature of several stands for."""

    signature: str
    groups: tuple[str, ...]
    """Fingerprints, sorted."""


# --- groups ---------------------------------------------------------------------------


class GroupState(enum.StrEnum):
    """Where a group is in its life. `regressed` is never stored: it is read."""

    OPEN = "open"
    IGNORED = "ignored"
    """Somebody decided that it does not count."""
    RESOLVED = "resolved"
    """Somebody said that it is mended."""
    REGRESSED = "regressed"
    """It was seen again after it was resolved."""


class NoiseRuling(enum.StrEnum):
    """What a person says of a group, above all that is learned."""

    LEARNED = ""
    """Nothing: what is learned holds."""
    NOISE = "noise"
    SIGNAL = "signal"

    @property
    def word(self) -> str:
        """What people and programs call it: `learned` takes another one back."""
        return self.value or "learned"


RULINGS: Final = {one.word: one for one in NoiseRuling}
"""Every ruling by its word."""


class Sighting(msgspec.Struct, frozen=True):
    """How many divergences showed a group since the last batch. Adds up."""

    key: GroupKey
    count: int
    """0 where only noise showed it: the key is known then, and nothing was found."""
    first_at: float
    """Unix seconds of the first of them."""
    last_at: float


class Sample(msgspec.Struct, frozen=True):
    """
    A stored divergence that stands for its group.

    There is one for each slot, and the slot is a hash of what differs and where: so
    samples are few and unlike each other, whoever writes them.
    """

    group: str
    slot: int
    exchange_id: str
    target: str
    at: float


class Group(msgspec.Struct, frozen=True, gc=False):
    """A group as it is kept: what was counted, and what was decided."""

    fingerprint: str
    key: GroupKey
    count: int
    first_at: float
    last_at: float
    state: GroupState = GroupState.OPEN
    """As it was decided: never `regressed`."""
    decided_at: float | None = None
    note: str = ""
    """Why, in the words of whoever decided."""
    ruling: NoiseRuling = NoiseRuling.LEARNED

    @property
    def current(self) -> GroupState:
        """The state, with `regressed` where it came back after it was resolved."""
        came_back = self.decided_at is not None and self.last_at > self.decided_at
        if self.state is GroupState.RESOLVED and came_back:
            return GroupState.REGRESSED
        return self.state


class GroupFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which groups are meant. A field that is None fits all."""

    target: str | None = None
    route: str | None = None
    part: Part | None = None
    fingerprint: str | None = None
    """A fingerprint, or the beginning of one."""
    since: float | None = None
    """Seen at or after this time, in Unix seconds."""
    with_noise: bool = False
    """Whether groups without one divergence are meant as well."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decides about one group. A field that is None stays as it is."""

    group: str
    at: float
    state: GroupState | None = None
    ruling: NoiseRuling | None = None
    note: str | None = None


# --- noise ----------------------------------------------------------------------------


class NoiseCount(msgspec.Struct, frozen=True, gc=False):
    """
    How often one group's difference showed, and between whom. Adds up.

    A cell is a group at one live status and, for numbers, one size of the step. Beside
    live against shadow (`raw`) stand two comparisons of one version with itself: live
    against its control, and the shadow against itself (the probe). Both are made of the
    *same* exchange, so each exchange that shows the difference in one of the two
    comparisons and not in the other is a coin that fell on one side.
    """

    day: int
    """Days since the epoch."""
    era: str
    """The live version; '' where it says none."""
    group: str
    """A fingerprint."""
    status: int
    size: str
    """What both values are, where that may explain it, and the size of the step: `uuid`,
    `slight`, `float tiny`; '' for all else."""
    raw: float = 0
    """Exchanges that show it, live against shadow."""
    alike: float = 0
    """How many of those are explained by what both values are."""
    control_both: float = 0
    """Of those with a control: live against shadow and live against control show it."""
    control_raw: float = 0
    """Live against shadow shows it, live against control does not, or in fewer places."""
    control_only: float = 0
    """Live against control shows it, live against shadow does not, or in fewer places."""
    probe_both: float = 0
    probe_raw: float = 0
    probe_only: float = 0


class NoiseBase(msgspec.Struct, frozen=True, gc=False):
    """How many exchanges were looked at: what the counts are shares of. Adds up."""

    day: int
    era: str
    target: str
    route: str
    status: int
    raw: float = 0
    control: float = 0
    probe: float = 0


def latest_eras(looked: Iterable[tuple[str, int, str, float]]) -> dict[str, str]:
    """
    Return the live version of each target that was seen most on its last day.

    Args:
        looked: Target, day, version and how often that was seen, in any number of rows.
    """
    last: dict[str, tuple[int, dict[str, float]]] = {}
    for target, day, era, often in looked:
        latest, seen = last.get(target, (day, {}))
        if day > latest:
            latest, seen = day, {}
        if day == latest:
            seen[era] = seen.get(era, 0.0) + often
        last[target] = (latest, seen)
    return {
        target: max(sorted(seen), key=seen.__getitem__)
        for target, (_, seen) in last.items()
    }


# --- rules ----------------------------------------------------------------------------


class SharedRule(msgspec.Struct, frozen=True):
    """A rule that was added at run time and holds for every process on this store."""

    rule: Rule
    at: float
    note: str = ""


class RuleHit(msgspec.Struct, frozen=True):
    """How often a rule explained differences since the last batch. Adds up."""

    rule: str
    """The rule's name."""
    target: str
    hid: str
    """What sort of difference it took away: `changed`, `missing`, `type: string → null`…"""
    count: int
    last_at: float


class RuleTotal(msgspec.Struct, frozen=True):
    """A rule's hits in all."""

    rule: str
    target: str
    hid: str
    count: int
    last_at: float


# --- coverage -------------------------------------------------------------------------


ANY_METHOD = "*"
"""Stands for the method of a route that takes any: its router does not tell which."""


class KnownRoute(msgspec.Struct, frozen=True):
    """A route that the app's own router lists."""

    route: str
    """`GET /users/{id}`; `* /users/{id}` where it takes any method."""
    at: float
    """When it was last listed, in Unix seconds."""


class RouteUse(msgspec.Struct, frozen=True):
    """How often live traffic used a route, mirrored or not. Adds up."""

    day: int
    route: str
    status_class: int
    """2 for 200 to 299; 0 where the app raised."""
    seen: int
    """Requests, as far as they were looked at: scaled up where only some are."""
    mirrored: int
    """Those among them that were selected."""


class VersionSeen(msgspec.Struct, frozen=True):
    """When a version of a target was replayed to."""

    target: str
    version: str
    first_minute: int
    last_minute: int
    count: int


class Known(msgspec.Struct, frozen=True):
    """All that an agent wants to know of the store to judge by."""

    cells: Sequence[NoiseCount] = ()
    bases: Sequence[NoiseBase] = ()
    groups: Sequence[Group] = ()
    """Those of the cells, and those with a ruling or a decision."""
    rules: Sequence[SharedRule] = ()


class Weighed(msgspec.Struct, frozen=True):
    """What is known of noise with all days added up, each for what it is worth."""

    cells: Sequence[NoiseCount] = ()
    """Each cell once; `day` is 0."""
    bases: Sequence[NoiseBase] = ()
    """The same of what they are shares of."""
    groups: Sequence[Group] = ()
    """Every group, whatever was counted of it; by a run, where that has seen it."""
    eras: Mapping[str, str] = {}
    """By target: the live version that was seen most on the last day."""
