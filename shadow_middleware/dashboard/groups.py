"""The list of groups, and one group: what changed, since when, samples, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from shadow_middleware.dashboard.divergences import (
    VIEWS,
    address_of,
    missing,
    view_of,
)
from shadow_middleware.dashboard.filters import NUMBER
from shadow_middleware.dashboard.said import said
from shadow_middleware.dashboard.screen import Screen, Shown, Visit
from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.exchange import Part
from shadow_middleware.knowledge import GroupFilter, GroupState
from shadow_middleware.report.curl import command_of
from shadow_middleware.report.diff import sections
from shadow_middleware.report.groups import (
    COUNTED,
    NOISE,
    STATES,
    GroupRow,
    expectation,
)
from shadow_middleware.report.noise_words import answer, evidence
from shadow_middleware.report.rule_text import rule_toml

__all__ = ["SCREENS"]

_PAGE: Final = 50
_HELP: Final = {
    "resolve": ("Resolve", "it is mended; seen again, it comes back as regressed", ""),
    "ignore": ("Ignore", "it is known and no matter; it does not count", ""),
    "reopen": ("Reopen", "it counts again", ""),
    "noise": ("Noise", "it is mere chance, whatever was learned of it", ""),
    "signal": ("Signal", "it is no noise, whatever was learned of it", ""),
    "learned": ("As learned", "the evidence says again whether it is noise", ""),
}


# --- the list -------------------------------------------------------------------------


def _groups(visit: Visit) -> Shown:
    filters, query = visit.filters, visit.query
    part, find = _part(query), query.get("find", "").strip()
    where = GroupFilter(
        target=filters.target,
        route=filters.route,
        part=part,
        since=filters.start,
        with_noise=True,
    )
    every = [row for row in visit.reading.groups(where) if _contains(row, find)]
    state = _state(query)
    rows = [row for row in every if row.state in _meant(state)]
    offset = visit.number("offset", 0)
    targets = visit.reading.names()
    some = rows[offset : offset + _PAGE]
    values = {
        "rows": some,
        "examples": visit.reading.examples(row.fingerprint for row in some),
        "total": len(rows),
        "offset": offset,
        "limit": _PAGE,
        "state": state,
        "tabs": _tabs(every),
        "find": find,
        "part": part,
        "parts": [one.value for one in Part],
        "narrowed": bool(find) or where != GroupFilter(with_noise=True),
        "several": len(targets) > 1,
        "targets": targets,
    }
    return Shown(template="groups.html", values=values)


def _part(query: Mapping[str, str]) -> Part | None:
    return next((one for one in Part if one.value == query.get("part")), None)


def _state(query: Mapping[str, str]) -> str:
    """Return the state that is asked for; '' is those that count."""
    asked = query.get("state", "")
    return asked if asked in (*STATES, "all") else ""


def _meant(state: str) -> tuple[str, ...]:
    if state == "all":
        return STATES
    return (state,) if state else COUNTED


def _tabs(rows: Iterable[GroupRow]) -> list[tuple[str, str, int]]:
    """Return each choice with its name and how many there are."""
    states = [row.state for row in rows]
    counted = sum(state in COUNTED for state in states)
    return [
        ("", "Counts", counted),
        *((name, name.capitalize(), states.count(name)) for name in STATES),
        ("all", "All", len(states)),
    ]


def _contains(row: GroupRow, find: str) -> bool:
    text = "\n".join((row.key.route, row.what, row.note, row.fingerprint))
    return find.casefold() in text.casefold()


# --- one ------------------------------------------------------------------------------


def _group(visit: Visit) -> Shown:
    fingerprint = visit.path["fingerprint"]
    found = visit.reading.group(fingerprint)
    if found is None:
        return missing(
            "No such group", f"No group has the fingerprint {fingerprint!r}."
        )
    row = found.row
    rule = expectation(row) if row.state in COUNTED else None
    values: dict[str, Any] = {
        "row": row,
        "rule": rule_toml(rule) if rule else "",
        "decisions": [(word, *_HELP[word]) for word in _decisions(row)],
        "can_recheck": row.state in COUNTED and bool(found.samples),
        "obstacle": visit.triage.obstacle(row.key.target),
        "job": visit.triage.job(fingerprint),
        "history": found.history,
        "since_version": found.since_version,
        "last_version": found.last_version,
        "answer": answer(found.evidence),
        "evidence": [*evidence(found.evidence)] if found.evidence else [],
        "view": view_of(visit),
        **said(visit),
        **_samples(visit, found.samples),
    }
    return Shown(template="group.html", values=values, title=row.what)


def _decisions(row: GroupRow) -> list[str]:
    """Return what may be decided about a group as it is now."""
    if row.state in (GroupState.IGNORED, GroupState.RESOLVED):
        return ["reopen"]
    if row.state == NOISE:
        return ["learned", "signal"] if row.ruling else ["signal"]
    return ["resolve", "ignore", "noise", *(["learned"] if row.ruling else [])]


def _samples(visit: Visit, samples: tuple[StoredDivergence, ...]) -> dict[str, Any]:
    """Return the samples, and of the one that was chosen what differs."""
    if not samples:
        return {"samples": (), "chosen": None, "sections": (), "command": None}
    asked = visit.number("sample", -1)
    chosen = next((one for one in samples if one.id == asked), samples[0])
    address = address_of(visit, chosen.record)
    return {
        "samples": samples,
        "chosen": chosen,
        "sections": sections(chosen.record),
        "command": command_of(chosen.record, address),
    }


SCREENS = (
    Screen(
        name="groups",
        path="/groups",
        show=_groups,
        label="Groups",
        key="d",
        choices={
            "state": ("counted", *STATES, "all"),
            "part": [one.value for one in Part],
            "offset": NUMBER,
        },
        every=10,
        ready=True,
    ),
    Screen(
        name="group",
        path="/groups/{fingerprint}",
        show=_group,
        part_of="groups",
        choices={"view": VIEWS, "sample": NUMBER},
        every=3,
    ),
)
