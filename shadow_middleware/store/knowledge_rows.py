"""
Between what is learned and decided, and the rows of tables. Pure.

As in `rows`: each key once, in the order of keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from shadow_middleware.evidence import Batch
from shadow_middleware.exchange import Kind, Part
from shadow_middleware.knowledge import (
    Decision,
    Group,
    GroupKey,
    GroupState,
    NoiseRuling,
    SharedRule,
    Sighting,
)
from shadow_middleware.rule import Rule, stated
from shadow_middleware.store.merging import (
    CELL,
    NOISE,
    NOISE_BASE,
    ROUTE,
    RULE_HIT,
    SAMPLE,
    SIGHTING,
    SIGNATURE,
    USE,
    Row,
    merged,
)
from shadow_middleware.store.rows import fit, fit_route, visible
from shadow_middleware.store.schema import groups

__all__ = [
    "NEVER_LIVE",
    "decided",
    "fit_rule",
    "group_of",
    "noise_base_rows",
    "noise_rows",
    "route_rows",
    "rule_hit_rows",
    "rule_row",
    "run_row",
    "sample_rows",
    "sighting_rows",
    "signature_rows",
    "to_group",
    "to_shared_rule",
    "use_rows",
]

LONGEST_PATH: Final = 1_000
LONGEST_RULE: Final = 300
"""Characters. A rule is named after its fields where nobody names it."""


NEVER_LIVE: Final[Row] = {"count": 0, "first_at": 1e12, "last_at": 0.0}
"""Of a group that only runs have shown: the times that any of live's would replace."""


def fit_rule(name: str) -> str:
    """Return a rule's name as a key."""
    return fit(name, LONGEST_RULE)


def sighting_rows(batch: Batch) -> list[Row]:
    """Return one row for each group. Its fingerprint is of the whole key, uncut."""
    rows = map(_sighting_row, batch.sightings)
    return merged(rows, SIGHTING)


def _sighting_row(one: Sighting) -> Row:
    key = one.key
    return {
        "fingerprint": key.fingerprint,
        "target": fit(key.target),
        "route": fit_route(key.route),
        "part": str(key.part),
        "path": fit(key.path, LONGEST_PATH),
        "kind": str(key.kind),
        "live": fit(key.live),
        "shadow": fit(key.shadow),
        "count": one.count,
        "first_at": one.first_at,
        "last_at": one.last_at,
    }


def run_row(row: Row, run: str) -> Row:
    """Return what a run counts of a group."""
    counted = ("fingerprint", "count", "first_at", "last_at")
    return {"run": run, **{name: row[name] for name in counted}}


def signature_rows(batch: Batch, at: float) -> list[Row]:
    """Return one row for each signature, seen at `at`."""
    rows = (
        {
            "signature": fit(one.signature),
            "groups": [fit(group) for group in one.groups],
            "at": at,
        }
        for one in batch.signatures
    )
    return merged(rows, SIGNATURE)


def sample_rows(batch: Batch) -> list[Row]:
    """Return one row for each slot: the newest sample."""
    rows = (
        {
            "fingerprint": fit(one.group),
            "slot": one.slot,
            "exchange_id": fit(one.exchange_id),
            "target": fit(one.target),
            "at": one.at,
        }
        for one in batch.samples
    )
    return merged(rows, SAMPLE)


def noise_rows(batch: Batch) -> list[Row]:
    """Return one row for each cell of a day."""
    rows = (
        {
            "day": one.day,
            "era": fit(one.era),
            "fingerprint": fit(one.group),
            "status": one.status,
            "size": fit(one.size),
            **{name: getattr(one, name) for name in CELL},
        }
        for one in batch.noise
    )
    return merged(rows, NOISE)


def noise_base_rows(batch: Batch) -> list[Row]:
    """Return one row for each route and status of a day."""
    rows = (
        asdict(one)
        | {
            "era": fit(one.era),
            "target": fit(one.target),
            "route": fit_route(one.route),
        }
        for one in batch.noise_bases
    )
    return merged(rows, NOISE_BASE)


def rule_hit_rows(batch: Batch) -> list[Row]:
    """Return one row for each rule, target and sort of difference."""
    rows = (
        asdict(one)
        | {
            "rule": fit_rule(one.rule),
            "target": fit(one.target),
            "hid": fit(one.hid),
        }
        for one in batch.rule_hits
    )
    return merged(rows, RULE_HIT)


def route_rows(batch: Batch) -> list[Row]:
    """Return one row for each route that was listed."""
    rows = ({"route": fit_route(one.route), "at": one.at} for one in batch.routes)
    return merged(rows, ROUTE)


def use_rows(batch: Batch) -> list[Row]:
    """Return one row for each route and status class of a day."""
    rows = (asdict(one) | {"route": fit_route(one.route)} for one in batch.uses)
    return merged(rows, USE)


# A page reads thousands of groups: looking up costs a third of asking the enumeration.
_OF_GROUP: Final = tuple(column.name for column in groups.columns)
_PARTS: Final = {str(one): one for one in Part}
_KINDS: Final = {str(one): one for one in Kind}
_STATES: Final = {str(one): one for one in GroupState}
_RULINGS: Final = {str(one): one for one in NoiseRuling}


def to_group(row: Mapping[str, Any]) -> Group:
    """Return the group that a row holds."""
    return group_of([row[name] for name in _OF_GROUP])


def group_of(row: Sequence[Any]) -> Group:
    """Return the group that a row holds, whose columns are in the table's order."""
    name, target, route, part, path, kind, live, shadow, *counted = row
    count, first_at, last_at, state, decided_at, note, ruling = counted
    key = GroupKey(target, route, _PARTS[part], path, _KINDS[kind], live, shadow)
    return Group(
        name,
        key,
        int(count),
        first_at,
        last_at,
        _STATES[state],
        decided_at,
        note,
        _RULINGS[ruling],
    )


def decided(decision: Decision) -> Row:
    """
    Return the columns of a group that a decision sets.

    Raises:
        ValueError: the state is one that no person decides.
    """
    values: Row = {}
    if decision.state is GroupState.REGRESSED:
        raise ValueError(
            "a group is regressed because it was seen again; nobody decides it"
        )
    if decision.state is not None:
        values |= {"state": str(decision.state), "decided_at": decision.at}
    if decision.ruling is not None:
        values["ruling"] = str(decision.ruling)
    if decision.note is not None:
        values["note"] = visible(decision.note)
    return values


def rule_row(shared: SharedRule) -> Row:
    """
    Return the row of a rule that was added at run time.

    It names only what the rule says, so that a version that knows fewer fields can
    read it as long as it uses none of the others.
    """
    return {
        "name": fit_rule(shared.rule.name),
        "rule": stated(shared.rule),
        "at": shared.at,
        "note": visible(shared.note),
    }


def to_shared_rule(row: Mapping[str, Any]) -> SharedRule:
    """
    Return the rule that a row holds.

    Raises:
        msgspec.ValidationError: another version wrote it, and it says more than is known.
    """
    return SharedRule(msgspec.convert(row["rule"], Rule), row["at"], row["note"])
