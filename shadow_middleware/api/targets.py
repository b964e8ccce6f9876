"""The endpoints of targets: how each stands, what is set at run time, and the switch."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from shadow_middleware.api.operation import (
    NO_ZERO_BYTE,
    Listed,
    Note,
    Nothing,
    Operation,
    Question,
    Text,
)
from shadow_middleware.api.problem import Refused
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.report.targets import TargetState
from shadow_middleware.targets import StoredTarget, Switch

__all__ = ["TARGETS"]

_Name = Annotated[str, msgspec.Meta(max_length=100, pattern=NO_ZERO_BYTE)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
_Limit = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
_Texts = Annotated[list[Text], msgspec.Meta(max_length=100)]
_BY: Final = "the API"


class TargetList(Listed[TargetState], frozen=True):
    """Every target, and the switch over all of them."""

    switch: Switch


class SetTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to be different. What is left out stays; null follows the settings again."""

    url: Text | UnsetType | None = UNSET
    """Only one that `target_allow` admits. A name that is new needs it."""
    enabled: bool | UnsetType | None = UNSET
    """True also forgets that the target has failed, or is gone."""
    rate: _Share | UnsetType | None = UNSET
    """Share of what is mirrored that it gets."""
    rate_limit: _Limit | UnsetType | None = UNSET
    """Replays a second at most; 0 is no limit."""
    concurrency: _Count | UnsetType | None = UNSET
    """Replays in flight; 0 follows the settings of the whole."""
    methods: _Texts | UnsetType | None = UNSET
    include: _Texts | UnsetType | None = UNSET
    """Globs of paths to send it; empty is every path that is mirrored."""
    exclude: _Texts | UnsetType | None = UNSET
    persistent: bool | UnsetType | None = UNSET
    """Whether it is probed for ever, however long it fails."""
    note: Note | UnsetType | None = UNSET
    by: _Name = _BY
    """Who asks, in their own words."""

    def table(self, name: str) -> dict[str, Any]:
        """Return what was said, as settings state a target."""
        said = {
            field: value
            for field in self.__struct_fields__
            if field != "by" and (value := getattr(self, field)) is not UNSET
        }
        return {"name": name, **said}


class Turned(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the switch is to be."""

    on: bool
    """False stops every copy to every target, at its source."""
    reason: Note = ""
    by: _Name = _BY


def _targets(asked: Question) -> TargetList:
    """List targets: how each stands, what was set, what the last minutes say of it."""
    reading = asked.reading
    return TargetList(reading.targets(), reading.switch())


def _set_target(asked: Question) -> StoredTarget:
    """Change a target at run time, or add one; every agent follows within seconds."""
    given: SetTarget = asked.body
    table = given.table(asked.path["name"])
    try:
        return asked.steering.change(table, by=given.by)
    except ConfigurationError as error:
        raise Refused(422, str(error)) from None


def _remove_target(asked: Question) -> None:
    """Forget what was set: one that was added is no more, others are as the settings say."""
    if not asked.steering.remove(asked.path["name"]):
        raise Refused(
            404,
            "nothing was set of a target of that name; disable it to stop its copies",
        )


def _switch(asked: Question) -> Switch:
    """Return the switch over all targets."""
    return asked.reading.switch()


def _turn(asked: Question) -> Switch:
    """Stop the copies to all targets, or have them made again."""
    given: Turned = asked.body
    return asked.steering.turn(on=given.on, reason=given.reason, by=given.by)


_ONE: Final = "/v1/targets/{name}"

TARGETS: Final = (
    Operation(name="targets", path="/v1/targets", run=_targets, answer=TargetList),
    Operation(
        name="set_target",
        path=_ONE,
        method="PATCH",
        run=_set_target,
        body=SetTarget,
        answer=StoredTarget,
        tag="targets",
    ),
    Operation(
        name="remove_target",
        path=_ONE,
        method="DELETE",
        run=_remove_target,
        answer=Nothing,
        status=204,
        tag="targets",
    ),
    Operation(
        name="switch", path="/v1/switch", run=_switch, answer=Switch, tag="targets"
    ),
    Operation(
        name="turn_switch",
        path="/v1/switch",
        method="PUT",
        run=_turn,
        body=Turned,
        answer=Switch,
        tag="targets",
    ),
)
