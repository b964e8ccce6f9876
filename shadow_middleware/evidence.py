"""
The words of what is kept: counts, latency sketches, divergence records.

Plain immutable data that `observe` makes, `store` keeps and `report` reads. It
lies below all three, so that none of them needs to import another.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from shadow_middleware.exchange import Difference, Outcome
from shadow_middleware.knowledge import (
    KnownRoute,
    NoiseBase,
    NoiseCount,
    RouteUse,
    RuleHit,
    Sample,
    Sighting,
    Signature,
)

__all__ = [
    "ANY",
    "LATENCY_WINDOW",
    "NO_ROUTE",
    "OVERFLOW",
    "SETTLED",
    "Batch",
    "Count",
    "Counted",
    "DivergenceFilter",
    "DivergenceRecord",
    "Hinted",
    "LatencyCount",
    "LatencyTotal",
    "Loss",
    "Mark",
    "Passed",
    "Place",
    "Progress",
    "Purged",
    "Revision",
    "Run",
    "RunState",
    "Settlement",
    "StepLatency",
    "StepTotal",
    "StoredDivergence",
    "Total",
]

LATENCY_WINDOW = 10
"""Minutes in one latency window; a window starts at a multiple of it."""

NO_ROUTE = "-"
"""The route of what was dropped before it had one."""

OVERFLOW = "(other)"
"""The route under which counts go on where there are too many routes to tell apart."""

SETTLED = "agent_died"
"""The reason under which a settlement counts what an agent took with it."""


class Count(msgspec.Struct, frozen=True):
    """How many replays of one minute ended one way. Adds up over processes."""

    minute: int
    """Minutes since the epoch."""
    target: str
    route: str
    """`GET /users/{id}`, `NO_ROUTE` or `OVERFLOW`."""
    outcome: Outcome
    reason: str
    """Why it ended so; of a divergence its signature: see `knowledge.signature_of`."""
    count: int
    version: str = ""
    """The shadow's version; '' where none is known."""


class LatencyCount(msgspec.Struct, frozen=True):
    """
    One bucket of a latency sketch. Buckets add up, so sketches merge.

    Bucket `i` holds times in `(g ** (i - 1), g ** i]` microseconds with
    `g = 1.02 / 0.98`: any quantile read from it is within 2 % (Masson, Rim, Lee:
    DDSketch, VLDB 2019).
    """

    window: int
    """Start of the window, in minutes since the epoch."""
    target: str
    route: str
    leg: str
    """`live` or `shadow`."""
    bucket: int
    count: int
    version: str = ""


class DivergenceRecord(msgspec.Struct, frozen=True):
    """A divergence as it rests in the store: redacted, bounded, self-contained."""

    exchange_id: str
    target: str
    at: float
    route: str
    method: str
    path: str
    """Raw path and query, redacted, percent-escapes kept."""
    live_status: int | None
    shadow_status: int | None
    live_ms: float
    shadow_ms: float | None
    differences: tuple[Difference, ...]
    cut: bool
    hint: str
    after_drop: bool
    request_headers: list[tuple[str, str]]
    request_body: str
    live_headers: list[tuple[str, str]]
    live_body: str
    shadow_headers: list[tuple[str, str]]
    shadow_body: str
    groups: tuple[str, ...] = ()
    """Fingerprints of the groups that it belongs to."""
    version: str = ""
    replayable: bool = False
    """Whether the stored request is the one that was sent: not cut, nothing masked."""
    comparable: bool = False
    """Whether live's stored answer is whole enough to compare another one with."""


class Progress(msgspec.Struct, frozen=True):
    """
    How far one live process (a session) has come with one target.

    `selected` is the session's own total so far and only grows: the store keeps the
    largest. `ended` is what this batch adds. Their difference is what is in flight,
    or, once the session is silent, what was lost with its host.
    """

    session: str
    target: str
    selected: int
    ended: int
    at: float
    """When this was known, in seconds since the epoch."""


class Settlement(msgspec.Struct, frozen=True):
    """
    The account of an agent that died: `handed` is all that the session ever gave it.

    What of it the store has not seen ended is counted as dropped, in the same
    transaction and before this batch's progress: exactly once, however the agent died.
    """

    session: str
    target: str
    handed: int
    minute: int
    opens: bool = False
    """Of a target that was added at run time, and may have come later than the session:
    where the store knows nothing of the two, nothing was its."""


class Loss(msgspec.Struct, frozen=True):
    """
    How many divergences of one minute are counted but have no record.

    The outcome itself is never lost with the sample: it is in the counts.
    """

    minute: int
    target: str
    reason: str
    """`buffer_full`, or `refused` by the database for what it holds."""
    count: int


class Mark(msgspec.Struct, frozen=True):
    """
    How far a run has come, by the places of exchanges in the order of reading.

    It is written with the outcomes that it speaks of, in one transaction: a run that
    is killed goes on where its evidence ends, and counts nothing twice.
    """

    settled: int = 0
    """Every place below is settled."""
    beyond: tuple[int, ...] = ()
    """Ranges from there on that are settled too: of each the first and the one after."""
    claimed: int = 0
    """Every write below may have been sent. A batch does not set it: see `Runs.claim`."""


class Place(msgspec.Struct, frozen=True):
    """How far a worker has come with one partition of a broker's stream."""

    stream: str
    partition: int
    epoch: int
    """Of the worker's lease: nothing is written once another one has a later one."""
    mark: Mark


class Passed(msgspec.Struct, frozen=True):
    """
    That a partition has come to the end of an agent's life, and to all before it.

    Once all partitions have, what the agent was given and has no outcome was lost: it
    is settled then, in the same transaction.
    """

    stream: str
    session: str
    handed: int
    targets: tuple[str, ...]
    partition: int
    partitions: int
    """How many there are."""
    added: tuple[str, ...] = ()
    """Those of the targets that were added at run time: see `Settlement.opens`."""


class Batch(msgspec.Struct, frozen=True):
    """
    What one flush writes, in one transaction.

    With a `writer`, a batch that was written but whose answer got lost can be
    written again: the store knows its number and adds nothing twice.
    """

    counts: Sequence[Count] = ()
    latencies: Sequence[LatencyCount] = ()
    divergences: Sequence[DivergenceRecord] = ()
    progress: Sequence[Progress] = ()
    settlements: Sequence[Settlement] = ()
    losses: Sequence[Loss] = ()
    sightings: Sequence[Sighting] = ()
    signatures: Sequence[Signature] = ()
    samples: Sequence[Sample] = ()
    """Each names a divergence of this batch, and is kept or lost with it."""
    noise: Sequence[NoiseCount] = ()
    noise_bases: Sequence[NoiseBase] = ()
    rule_hits: Sequence[RuleHit] = ()
    routes: Sequence[KnownRoute] = ()
    uses: Sequence[RouteUse] = ()
    mark: Mark | None = None
    """How far the run has come whose outcomes these are; None for live."""
    places: Sequence[Place] = ()
    """How far partitions have come whose outcomes these are: see `Place`."""
    passed: Sequence[Passed] = ()
    writer: str = ""
    """Unique over all processes; empty where nobody writes it a second time."""
    number: int = 0
    """Counts up from 1 for each writer."""


class Total(msgspec.Struct, frozen=True, gc=False):
    """A count summed over the minutes that were asked for."""

    target: str
    route: str
    outcome: Outcome
    reason: str
    count: int
    version: str = ""


class Counted(NamedTuple):
    """What is counted and how far each session has come, of one moment: it adds up."""

    totals: list[Total]
    progress: list[Progress]


class Hinted(msgspec.Struct, frozen=True):
    """How many stored divergences of a target came with a hint."""

    target: str
    hint: str
    count: int


class LatencyTotal(msgspec.Struct, frozen=True, gc=False):
    """A latency bucket summed over the windows that were asked for."""

    target: str
    route: str
    leg: str
    bucket: int
    count: int
    version: str = ""


class StepTotal(msgspec.Struct, frozen=True, gc=False):
    """A count summed over one step of time, all routes together or one of them."""

    start: int
    """The first minute of the step."""
    target: str
    outcome: Outcome
    reason: str
    """Of a divergence '', but where its reason was asked for."""
    count: int


class StepLatency(msgspec.Struct, frozen=True, gc=False):
    """A latency bucket summed over one step of time."""

    start: int
    target: str
    leg: str
    bucket: int
    count: int


class Revision(msgspec.Struct, frozen=True):
    """Which state of a store it is: another one whenever something was written."""

    written: tuple[int, int, float]
    """Moves with each batch and each purge."""
    decided: tuple[int, float]
    """Moves with each decision and each rule, added or removed."""


class StoredDivergence(msgspec.Struct, frozen=True):
    """A divergence with the number that the store gave it."""

    id: int
    record: DivergenceRecord


class DivergenceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which divergences are meant. A field that is None fits all."""

    target: str | None = None
    route: str | None = None
    since: float | None = None
    """Live began to serve it at or after this time, in seconds since the epoch."""
    until: float | None = None
    """Live began to serve it before this time."""
    live_status: int | None = None
    shadow_status: int | None = None
    group: str | None = None
    """The fingerprint of a group: its samples are meant."""


ANY = DivergenceFilter()
"""Fits every divergence."""


class Purged(msgspec.Struct, frozen=True):
    """How many rows a purge removed, by what they were."""

    counts: int = 0
    latencies: int = 0
    divergences: int = 0
    losses: int = 0
    progress: int = 0
    samples: int = 0
    noise: int = 0
    """Cells and what they are shares of."""
    groups: int = 0
    signatures: int = 0
    rule_hits: int = 0
    uses: int = 0
    runs: int = 0
    """Runs that went whole, with all that was counted in them."""


class RunState(enum.StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    """It works, or it was killed: see `Run.at`."""
    DONE = "done"
    """It has read everything, and all of it is settled."""
    STOPPED = "stopped"
    """It was interrupted, and can be resumed."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One offline replay: what was asked, and what became of what was read."""

    id: str
    name: str = ""
    """What a person calls it."""
    sources: tuple[str, ...] = ()
    """The files, as they were named."""
    target: str = ""
    address: str = ""
    """Where the target was, without user and password."""
    control: str = ""
    """Where the control was; '' without one."""
    state: RunState = RunState.RUNNING
    started_at: float = 0.0
    """Unix seconds."""
    at: float = 0.0
    """When it was last heard of; with `done` or `stopped`, when it ended."""
    read: int = 0
    """Records in one reading of the files: the sum of the next three."""
    filtered: int = 0
    """Left out by what was asked for."""
    bad: int = 0
    """Pieces of files that are no exchange."""
    picked: int = 0
    """Exchanges to replay. Once the run is done, each has an outcome in each round."""
    rounds: int = 1
    """How often the files are replayed."""
    missing: Mapping[str, int] = {}
    """What sources did not record, by its name, and of how many exchanges."""
    arguments: Mapping[str, Any] = {}
    """All that is needed to go on with it."""
    owner: str = ""
    """The process that works at it: `host:pid`."""
