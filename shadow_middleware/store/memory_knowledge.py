"""What is learned and decided, in memory: the same contract as in a database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from shadow_middleware.evidence import Batch, Revision
from shadow_middleware.knowledge import (
    Decision,
    Group,
    GroupFilter,
    GroupState,
    Known,
    KnownRoute,
    NoiseBase,
    NoiseCount,
    NoiseRuling,
    RouteUse,
    RuleTotal,
    SharedRule,
    Signature,
    Weighed,
    latest_eras,
)
from shadow_middleware.store import knowledge_rows as rows
from shadow_middleware.store import merging
from shadow_middleware.store.merging import Row, merge_into
from shadow_middleware.store.rows import fit, fit_route

__all__ = ["MemoryKnowledge", "drop", "is_ruled"]

Table = dict[tuple[Any, ...], Row]

EVERY = GroupFilter()
UNDECIDED: Row = {
    "state": str(GroupState.OPEN),
    "decided_at": None,
    "note": "",
    "ruling": str(NoiseRuling.LEARNED),
}


class MemoryKnowledge:
    """
    The part of `MemoryStore` that knows groups, noise, rules and routes.

    Args:
        most: Rows held of each sort; then the oldest go, and groups that somebody
            decided about only after all others.
        clock: Seconds since the epoch.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.RLock()
        self._moved = {"written": 0, "decided": 0}
        self._groups: Table = {}
        self._signatures: Table = {}
        self._rules: dict[str, SharedRule] = {}
        self._routes: Table = {}
        self._clear_learned()
        self._live: MemoryKnowledge = self
        """Of a run, that of live, which shares the groups."""

    def _clear_learned(self) -> None:
        """Forget what is of one run alone."""
        self._counted: Table = {}
        self._samples: Table = {}
        self._noise: Table = {}
        self._bases: Table = {}
        self._hits: Table = {}
        self._uses: Table = {}

    def _learn(self, batch: Batch) -> None:
        """Add what the batch says was learned. The lock is held."""
        seen = rows.sighting_rows(batch)
        listed = rows.signature_rows(batch, self._clock())
        if self._live is not self:
            merge_into(self._counted, map(dict, seen), merging.SIGHTING)
            seen = [row | rows.NEVER_LIVE for row in seen]
        for table, prepared, how in (
            (self._groups, [row | UNDECIDED for row in seen], merging.SIGHTING),
            (self._signatures, listed, merging.SIGNATURE),
            (self._samples, rows.sample_rows(batch), merging.SAMPLE),
            (self._noise, rows.noise_rows(batch), merging.NOISE),
            (self._bases, rows.noise_base_rows(batch), merging.NOISE_BASE),
            (self._hits, rows.rule_hit_rows(batch), merging.RULE_HIT),
            (self._routes, rows.route_rows(batch), merging.ROUTE),
            (self._uses, rows.use_rows(batch), merging.USE),
        ):
            merge_into(table, prepared, how)
        self._forget_learned()

    def _forget_learned(self) -> None:
        _keep(self._groups, self._most, lambda row: (is_ruled(row), row["last_at"]))
        _keep(self._counted, self._most, lambda row: row["last_at"])
        _keep(self._signatures, self._most, _at)
        _keep(self._routes, self._most, _at)
        _keep(self._hits, self._most, lambda row: row["last_at"])
        for table in (self._noise, self._bases, self._uses):
            _keep(table, self._most, lambda row: row["day"])

    def revision(self) -> Revision:
        """Return which state of the evidence and of what was decided this is."""
        with self._lock:
            moved = self._moved
            return Revision((1, moved["written"], 0.0), (moved["decided"], 0.0))

    def groups(
        self, where: GroupFilter | None = None, *, limit: int = 1_000, offset: int = 0
    ) -> list[Group]:
        """Return groups that fit `where`, those with the most divergences first."""
        found = self._fitting_groups(where or EVERY)
        found.sort(key=lambda row: (row["count"], row["fingerprint"]), reverse=True)
        return [rows.to_group(row) for row in found[offset : offset + limit]]

    def count_groups(self, where: GroupFilter | None = None) -> int:
        """Return how many groups fit `where`."""
        return len(self._fitting_groups(where or EVERY))

    def _fitting_groups(self, where: GroupFilter) -> list[Row]:
        with self._lock:
            return [dict(row) for row in self._seen() if _fits(row, where)]

    def _seen(self) -> Iterable[Row]:
        """Return the groups with what live, or this run, has counted of them."""
        if self._live is self:
            return self._groups.values()
        groups = self._groups
        return [
            groups[key] | row for key, row in self._counted.items() if key in groups
        ]

    def signatures(self) -> list[Signature]:
        """Return what each signature of several groups stands for."""
        with self._lock:
            return [
                Signature(row["signature"], tuple(row["groups"]))
                for row in _sorted(self._signatures)
            ]

    def noise(
        self,
        since_day: int | None = None,
        target: str | None = None,
        route: str | None = None,
    ) -> list[NoiseCount]:
        """Return what was counted of noise, each day apart."""
        with self._lock:
            return self._cells(since_day, target, route)

    def weighed(self, worth: Mapping[int, float]) -> Weighed:
        """Return what is known of noise, the days added up, in one reading."""
        with self._lock:
            return Weighed(
                cells=_added_up(self._cells(min(worth)), worth),
                bases=_added_up(self._shares_of(min(worth)), worth),
                groups=[
                    rows.to_group(row | self._counted.get(key, {}))
                    for key, row in sorted(self._groups.items())
                ],
                eras=self._eras(min(worth)),
            )

    def eras(self, since_day: int) -> dict[str, str]:
        """Return the live version of each target that was seen most on its last day."""
        with self._lock:
            return self._eras(since_day)

    def _eras(self, since_day: int) -> dict[str, str]:
        shares = self._shares_of(since_day)
        return latest_eras((one.target, one.day, one.era, one.raw) for one in shares)

    def cells_tested(
        self, worth: Mapping[int, float], target: str, least: float
    ) -> int:
        """Return how many cells of a target two answers of one version have shown."""
        with self._lock:
            cells = _added_up(self._cells(min(worth), target), worth)
        shown: dict[tuple[str, int, str], float] = {}
        for one in cells:
            key = (one.group, one.status, one.size)
            twins = (
                one.control_both + one.control_only + one.probe_both + one.probe_only
            )
            shown[key] = shown.get(key, 0.0) + twins
        return sum(1 for often in shown.values() if often >= least)

    def _known(self, name: str) -> Table:
        """Return what is known of live, and in this run of it, each row by itself."""
        if self._live is self:
            table: Table = getattr(self, name)
            return table
        both = (getattr(self._live, name), getattr(self, name))
        return {
            (*key, i): row for i, table in enumerate(both) for key, row in table.items()
        }

    def _cells(
        self,
        since_day: int | None,
        target: str | None = None,
        route: str | None = None,
    ) -> list[NoiseCount]:
        ours = {
            row["fingerprint"]
            for row in self._groups.values()
            if _is_placed(row, target, route)
        }
        every = target is None and route is None
        return [
            NoiseCount(*row.values())
            for row in _since(self._known("_noise"), since_day)
            if every or row["fingerprint"] in ours
        ]

    def noise_bases(
        self,
        since_day: int | None = None,
        target: str | None = None,
        route: str | None = None,
    ) -> list[NoiseBase]:
        """Return what the counts of noise are shares of, each day apart."""
        with self._lock:
            return self._shares_of(since_day, target, route)

    def _shares_of(
        self,
        since_day: int | None,
        target: str | None = None,
        route: str | None = None,
    ) -> list[NoiseBase]:
        return [
            NoiseBase(**row)
            for row in _since(self._known("_bases"), since_day)
            if _is_placed(row, target, route)
        ]

    def known(self, since_day: int) -> Known:
        """Return all that an agent judges by, in one reading."""
        with self._lock:
            cells = self._cells(since_day)
            counted = {cell.group for cell in cells}
            groups = [
                rows.to_group(row)
                for row in _sorted(self._groups)
                if row["fingerprint"] in counted or is_ruled(row)
            ]
            bases = self._shares_of(since_day)
            return Known(cells, bases, groups, self._all_rules())

    def rules(self) -> list[SharedRule]:
        """Return the rules that were added at run time, by name."""
        with self._lock:
            return self._all_rules()

    def _all_rules(self) -> list[SharedRule]:
        return [self._rules[name] for name in sorted(self._rules)]

    def rule_totals(self) -> list[RuleTotal]:
        """Return how often each rule explained what, of all that ever fired."""
        with self._lock:
            return [RuleTotal(**row) for row in _sorted(self._hits)]

    def routes(self) -> list[KnownRoute]:
        """Return the routes that apps have listed, by name."""
        with self._lock:
            return [KnownRoute(**row) for row in _sorted(self._routes)]

    def uses(self, since_day: int | None = None) -> list[RouteUse]:
        """Return how often live traffic used each route, summed over days (`day` 0)."""
        with self._lock:
            found = [row | {"day": 0} for row in _since(self._uses, since_day)]
        return [RouteUse(**row) for row in merging.merged(found, merging.USE)]

    def decide(self, decision: Decision) -> bool:
        """
        Note a decision about a group; False where no such group is known.

        Raises:
            ValueError: the state is one that no person decides.
        """
        values = rows.decided(decision)
        with self._lock:
            self._moved["decided"] += 1
            row = self._groups.get((fit(decision.group),))
            if row is not None:
                row.update(values)
        return row is not None

    def add_rule(self, rule: SharedRule) -> bool:
        """Add a rule for every process; False where one of that name is there."""
        row = rows.rule_row(rule)
        with self._lock:
            self._moved["decided"] += 1
            if row["name"] in self._rules:
                return False
            self._rules[row["name"]] = rows.to_shared_rule(row)
        return True

    def remove_rule(self, name: str) -> bool:
        """Remove a rule that was added at run time; False where there is none."""
        with self._lock:
            self._moved["decided"] += 1
            return self._rules.pop(rows.fit_rule(name), None) is not None


def _fits(row: Row, where: GroupFilter) -> bool:
    wanted = (
        ("target", where.target and fit(where.target)),
        ("route", where.route and fit_route(where.route)),
        ("part", where.part and str(where.part)),
    )
    return (
        (row["last_at"] > 0 if where.with_noise else row["count"] > 0)
        and all(value is None or row[name] == value for name, value in wanted)
        and row["fingerprint"].startswith(where.fingerprint or "")
        and (where.since is None or row["last_at"] >= where.since)
    )


def is_ruled(row: Row) -> bool:
    """Whether a person said something about the group that still holds."""
    return bool(row["state"] != GroupState.OPEN or row["ruling"])


def _at(row: Row) -> float:
    return float(row["at"])


def _sorted(table: Table) -> list[Row]:
    return [table[key] for key in sorted(table)]


def _is_placed(row: Row, target: str | None, route: str | None) -> bool:
    return target in (None, row["target"]) and route in (None, row["route"])


_Counted = TypeVar("_Counted", NoiseCount, NoiseBase)


def _added_up(
    counted: Iterable[_Counted], worth: Mapping[int, float]
) -> list[_Counted]:
    """Add up over days: the first of a count is its day, four more say what it is of."""
    sums: dict[tuple[Any, ...], _Counted] = {}
    for one in counted:
        day, *rest = msgspec.structs.astuple(one)
        key, weight = tuple(rest[:4]), worth.get(day, 1.0)
        before = (0.0,) * len(rest[4:])
        if key in sums:
            before = msgspec.structs.astuple(sums[key])[5:]
        numbers = (
            old + weight * new for old, new in zip(before, rest[4:], strict=True)
        )
        sums[key] = type(one)(0, *key, *numbers)
    return list(sums.values())


def _since(table: Table, day: int | None) -> list[Row]:
    return [row for row in _sorted(table) if day is None or row["day"] >= day]


def _keep(table: Table, most: int, age: Callable[[Row], Any]) -> None:
    """Keep so many rows: those of the greatest `age`."""
    if len(table) > most:
        oldest_first: Iterable[Any] = sorted(table, key=lambda key: age(table[key]))
        for key in list(oldest_first)[: len(table) - most]:
            del table[key]


def drop(table: Table, is_old: Callable[[Row], bool]) -> int:
    """Remove the rows that are old; return how many."""
    old = [key for key, row in table.items() if is_old(row)]
    for key in old:
        del table[key]
    return len(old)
