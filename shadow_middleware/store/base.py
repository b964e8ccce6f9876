"""The ports behind which evidence is kept, read and removed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, Self

from shadow_middleware.evidence import (
    ANY,
    Batch,
    Counted,
    DivergenceFilter,
    Hinted,
    LatencyTotal,
    Loss,
    Mark,
    Progress,
    Revision,
    Run,
    StepLatency,
    StepTotal,
    StoredDivergence,
    Total,
)
from shadow_middleware.knowledge import (
    Decision,
    Group,
    GroupFilter,
    Known,
    KnownRoute,
    RouteUse,
    RuleTotal,
    SharedRule,
    Signature,
    VersionSeen,
)
from shadow_middleware.store.noise_reader import NoiseReader
from shadow_middleware.targets import (
    HealthEvent,
    StoredTarget,
    Switch,
    TargetChange,
    TargetHealth,
    TargetsState,
)

__all__ = ["Curator", "Reader", "Runs", "Store", "Targets"]


class Store(Protocol):
    """Where evidence is kept. Called from one writer thread, never from a request."""

    def write(self, batch: Batch) -> None:
        """
        Add the batch to what is there, all of it or nothing.

        Raises:
            StoreError: nothing was written; the caller may try again.
        """
        ...

    def close(self) -> None:
        """Release every connection. Calling it twice is harmless."""
        ...


class Reader(NoiseReader, Protocol):
    """
    Evidence as it is read: by reports, verdicts and the faces. Safe on any thread.

    `since` is the first minute wanted and `until` the first one not wanted, both in
    minutes since the epoch; `target` None is every target, `route` None every route.
    Rows come sorted by their fields, so equal evidence reads equal.

    Every method raises StoreError where the store cannot be read.
    """

    def time(self) -> float:
        """Return what time the store has, in Unix seconds: one for all hosts."""
        ...

    def revision(self) -> Revision:
        """Return which state of the evidence and of what was decided this is."""
        ...

    def totals(
        self,
        since: int | None = None,
        until: int | None = None,
        target: str | None = None,
        route: str | None = None,
        version: str | None = None,
    ) -> list[Total]:
        """
        Return the counts, summed over minutes; versions stay apart.

        With a version only its own; '' is what was counted without one.
        """
        ...

    def counted(self, since: int | None = None, route: str | None = None) -> Counted:
        """
        Return the counts and how far each session has come, both of one moment.

        Read one after the other, they would not add up while an agent writes.
        """
        ...

    def route_totals(
        self, since: int | None = None, target: str | None = None
    ) -> list[Total]:
        """
        Return the counts of each route, from the minute `since` on, in few rows.

        All versions are one, named '', and so are all reasons of divergences.
        """
        ...

    def latencies(
        self,
        since: int | None = None,
        until: int | None = None,
        target: str | None = None,
        route: str | None = None,
        *,
        together: bool = False,
    ) -> list[LatencyTotal]:
        """
        Return the latency buckets, summed over windows; versions stay apart.

        Windows are taken whole: those that start at `since`'s window or later. With
        `together`, and no route, all routes are one named '': few rows, read fast.
        """
        ...

    def outcomes_by_step(
        self,
        steps: Sequence[range],
        target: str | None = None,
        route: str | None = None,
    ) -> list[StepTotal]:
        """
        Return the counts of each step; of divergences not under which reason they count.

        Steps follow each other and begin at multiples of their length. Without a target
        the control, which is no shadow, is left out.
        """
        ...

    def divergences_by_step(
        self,
        steps: Sequence[range],
        reasons: Collection[str],
        target: str | None = None,
        route: str | None = None,
    ) -> list[StepTotal]:
        """Return the divergences of each step that are counted under one of the reasons."""
        ...

    def latencies_by_step(
        self,
        steps: Sequence[range],
        target: str | None = None,
        route: str | None = None,
    ) -> list[StepLatency]:
        """Return the latency buckets of each step, which are of whole windows."""
        ...

    def losses(
        self,
        since: int | None = None,
        until: int | None = None,
        target: str | None = None,
    ) -> list[Loss]:
        """Return the lost samples, by minute."""
        ...

    def progress(self, target: str | None = None) -> list[Progress]:
        """Return how far each session has come with each target, in all."""
        ...

    def divergences(
        self,
        where: DivergenceFilter = ANY,
        *,
        limit: int = 50,
        offset: int = 0,
        whole: bool = True,
    ) -> list[StoredDivergence]:
        """
        Return divergences that fit `where`, the newest first.

        Those that are not `whole` come without headers and bodies, at much less cost.
        """
        ...

    def hinted(self, where: DivergenceFilter = ANY, *, limit: int) -> list[Hinted]:
        """Return the hints of the newest divergences that fit `where`, so many of them."""
        ...

    def count_divergences(self, where: DivergenceFilter = ANY) -> int:
        """Return how many stored divergences fit `where`."""
        ...

    def find(self, key: str, *, limit: int = 20) -> list[StoredDivergence]:
        """
        Return the divergences that `key` names.

        `key` is the number of a row, or an exchange id or the beginning of one; one
        exchange has a divergence for each target. A row's number wins.
        """
        ...

    def span(self) -> tuple[int, int] | None:
        """Return the first and the last minute with a count; None when there is none."""
        ...

    def versions(
        self, target: str | None = None, since: int | None = None
    ) -> list[VersionSeen]:
        """
        Return every version of each target, the latest seen first.

        '' is among them where a shadow was replayed to and said none. It walks all
        counts since the minute `since`, so name one where it is known.
        """
        ...

    def groups(
        self, where: GroupFilter | None = None, *, limit: int = 1_000, offset: int = 0
    ) -> list[Group]:
        """Return groups that fit `where`, those with the most divergences first."""
        ...

    def count_groups(self, where: GroupFilter | None = None) -> int:
        """Return how many groups fit `where`."""
        ...

    def signatures(self) -> list[Signature]:
        """Return what each signature of several groups stands for."""
        ...

    def newest_samples(self, groups: Collection[str]) -> dict[str, StoredDivergence]:
        """Return the newest sample of each group that has one, without its answers."""
        ...

    def samples(self, group: str) -> list[StoredDivergence]:
        """Return the stored divergences that stand for a group, the newest first."""
        ...

    def known(self, since_day: int) -> Known:
        """Return all that an agent judges by, in one reading."""
        ...

    def rules(self) -> list[SharedRule]:
        """Return the rules that were added at run time, by name."""
        ...

    def rule_totals(self) -> list[RuleTotal]:
        """Return how often each rule explained what, of all that ever fired."""
        ...

    def routes(self) -> list[KnownRoute]:
        """Return the routes that apps have listed, by name."""
        ...

    def uses(self, since_day: int | None = None) -> list[RouteUse]:
        """Return how often live traffic used each route, summed over days (`day` 0)."""
        ...

    def close(self) -> None:
        """Release every connection. Calling it twice is harmless."""
        ...


class Curator(Protocol):
    """
    What a person decides, kept in the store for every process to follow.

    Every method raises StoreError where the store cannot be written.
    """

    def decide(self, decision: Decision) -> bool:
        """Note a decision about a group; False where no such group is known."""
        ...

    def add_rule(self, rule: SharedRule) -> bool:
        """Add a rule for every process; False where one of that name is there."""
        ...

    def remove_rule(self, name: str) -> bool:
        """Remove a rule that was added at run time; False where there is none."""
        ...


class Targets(Protocol):
    """
    What a person set of targets at run time, and how they fare: one for all hosts.

    Live and every run share it. Every method raises StoreError where the store cannot
    be used.
    """

    def targets_state(self) -> TargetsState:
        """Return all that is known of targets, in one reading."""
        ...

    def change_target(self, change: TargetChange) -> StoredTarget:
        """
        Make the change, whoever else changes the target now; return what it is then.

        A target that is enabled, or gets another URL, is healthy again.
        """
        ...

    def remove_target(self, name: str) -> bool:
        """
        Forget what was set of a target and how it fares; False where nothing was set.

        A target of the settings is then as they say; one that was added is no more.
        """
        ...

    def turn_switch(self, switch: Switch) -> None:
        """Turn the switch over all targets."""
        ...

    def health_event(self, event: HealthEvent) -> TargetHealth | None:
        """
        Take in what an agent says of a target, by `targets.after`, and one at a time.

        Return how the target fares now; None where the event has changed nothing, as
        with a probe that somebody else has claimed. The time is the store's own.
        """
        ...


class Runs(Protocol):
    """
    Offline replays. What is counted in one is read by nobody who does not ask for it.

    Groups, what a person decides of them, rules and routes are shared with live, so a
    group that somebody ignored is ignored in each run too. Numbers are not: what a run
    counts of a group is beside what live has counted, and what it learns of noise
    holds in that run alone.

    Every method raises StoreError where the store cannot be used.
    """

    def of_run(self, run: str) -> Self:
        """
        Return the same store for the evidence of one run; '' is live's.

        Both have the same connections: who closes the one has closed the other.
        """
        ...

    def begin_run(self, run: Run) -> None:
        """Take note of a run that begins. Its id is unique."""
        ...

    def keep_run(self, run: Run) -> None:
        """Take note of what a run says of itself now."""
        ...

    def claim(self, run: str, place: int) -> None:
        """
        Take note that no write of the run is sent from `place` on.

        It is noted before a write is sent: what is below may have been, whatever
        becomes of the process.
        """
        ...

    def mark(self, run: str) -> Mark | None:
        """Return how far a run has come; None where there is none."""
        ...

    def runs(self) -> list[Run]:
        """Return every run, the latest begun first."""
        ...

    def remove_run(self, run: str) -> bool:
        """Remove a run and all that was counted in it; False where there is none."""
        ...
