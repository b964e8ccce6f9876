"""The endpoints that write what a person decides."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from shadow_middleware.api.operation import Note, Nothing, Operation, Question
from shadow_middleware.api.problem import Refused
from shadow_middleware.errors import ConfigurationError, DecodeError
from shadow_middleware.knowledge import RULINGS, GroupState
from shadow_middleware.reading.triage import Job
from shadow_middleware.report.groups import GroupRow

__all__ = ["WRITES"]


class Decided(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is decided of a group. What is left out or null stays as it is."""

    state: Literal["open", "ignored", "resolved"] | None = None
    ruling: Literal["noise", "signal", "learned"] | None = None
    """`learned` takes a ruling back."""
    note: Note | None = None


class NewRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rules to add."""

    toml: Annotated[str, msgspec.Meta(min_length=1, max_length=50_000)]
    """`[[rules]]` tables, or the fields of one rule, as a `rules_file` has them."""
    note: Note = ""


class Added(msgspec.Struct, frozen=True):
    """How many rules were not there before."""

    added: int


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to recheck a group."""

    resolve: bool = False
    """Whether it is marked as resolved where it is fixed."""


def _decide(asked: Question) -> GroupRow:
    """Decide about a group; every process on the store follows within seconds."""
    group, given = asked.path["fingerprint"], asked.body
    done = asked.triage.decide(
        group,
        state=GroupState(given.state) if given.state else None,
        ruling=RULINGS[given.ruling] if given.ruling else None,
        note=given.note,
    )
    found = asked.reading.group(group) if done else None
    if found is None:
        raise Refused(404, "there is no such group")
    return found.row


def _recheck(asked: Question) -> Job:
    """Begin to send the samples of a group to the shadow again, by safe methods only."""
    group = asked.path["fingerprint"]
    if asked.reading.group(group) is None:
        raise Refused(404, "there is no such group")
    try:
        asked.triage.recheck(group, resolve=asked.body.resolve)
    except ConfigurationError as error:
        raise Refused(409, str(error)) from None
    return asked.triage.job(group) or Job(running=True)


def _rechecked(asked: Question) -> Job:
    """Return what came of the last recheck of a group since this process began."""
    job = asked.triage.job(asked.path["fingerprint"])
    if job is None:
        raise Refused(404, "nobody asked for a recheck of that group")
    return job


def _add_rules(asked: Question) -> Added:
    """Add rules for every process; one whose name is taken is left as it was."""
    try:
        added = asked.triage.add_rules(asked.body.toml, note=asked.body.note)
    except (ConfigurationError, DecodeError) as error:
        raise Refused(422, str(error)) from None
    return Added(added)


def _remove_rule(asked: Question) -> None:
    """Remove a rule that was added at run time; what it hid before stays counted."""
    if not asked.triage.remove_rule(asked.path["name"]):
        raise Refused(404, "no rule of that name was added at run time")


_RECHECK: Final = "/v1/groups/{fingerprint}/recheck"

WRITES: Final = (
    Operation(
        name="decide",
        path="/v1/groups/{fingerprint}",
        method="PATCH",
        run=_decide,
        body=Decided,
        answer=GroupRow,
        tag="decisions",
    ),
    Operation(
        name="recheck",
        path=_RECHECK,
        method="POST",
        run=_recheck,
        body=Asked,
        answer=Job,
        status=202,
        tag="decisions",
    ),
    Operation(
        name="rechecked", path=_RECHECK, run=_rechecked, answer=Job, tag="decisions"
    ),
    Operation(
        name="add_rules",
        path="/v1/rules",
        method="POST",
        run=_add_rules,
        body=NewRules,
        answer=Added,
        status=201,
        tag="decisions",
    ),
    Operation(
        name="remove_rule",
        path="/v1/rules/{name}",
        method="DELETE",
        run=_remove_rule,
        answer=Nothing,
        status=204,
        tag="decisions",
    ),
)
