"""
What a person may state about a comparison, as data: one rule.

Below the settings, so that whatever reads or checks a rule needs no more than this.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

__all__ = ["VALUE_SHAPES", "Rule", "stated"]

VALUE_SHAPES = (
    "csrf-token",
    "float",
    "hash",
    "host",
    "jwt",
    "sequence",
    "set-order",
    "signed-url",
    "timestamp",
    "token",
    "ulid",
    "uuid",
)
"""What two healthy copies of one version differ in; every one is on by default."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    A stated intention: what to leave out of a comparison, or to tolerate in it.

    A rule applies where `target`, `route`, `part` and `path` all fit. `ignore`
    takes what it fits out of the comparison on both sides. `tolerate` keeps
    comparing, with the tolerance that its other fields state. `expect` states an
    intended change: the change is no difference, and where it is missing, that is one.
    """

    name: str = ""
    """What reports call it; made from the other fields where left out."""
    action: Literal["ignore", "tolerate", "expect"] = "ignore"
    """What to do with what fits: see above."""
    target: str = "*"
    """Glob over target names."""
    route: str = "**"
    """Glob over `/users/{id}`, or over `GET /users/{id}` where it has a method."""
    part: Literal["status", "header", "body"] = "body"
    """The part of a response that the rule speaks of."""
    path: str = "**"
    """Glob over JSON-pointer paths (`/items/*/id`, `/**/id`) or header names."""
    matches: str = ""
    """RE2 pattern that both values must match in full for the rule to fit."""
    absolute: float = 0.0
    """Numbers this close are equal."""
    relative: float = 0.0
    """Numbers within this share of the larger one are equal."""
    unordered: bool = False
    """The list at `path` is compared as a multiset."""
    keyed_by: str = ""
    """The list of objects at `path` is aligned by this member."""
    statuses: tuple[int, ...] = ()
    """Statuses that count as the same."""
    kind: Literal["", "missing", "added", "changed", "type", "order"] = ""
    """The only kind of difference that it explains; '' is any."""
    shape: str = ""
    """What both values must be, such as `uuid` or `timestamp`, for the rule to fit."""
    live: str = ""
    """Of `expect`: RE2 pattern for the whole of live's value; '' is any value."""
    shadow: str = ""
    """Of `expect`: RE2 pattern for the whole of the shadow's value; '' is any value."""


_DEFAULTS: Final = msgspec.to_builtins(Rule())


def stated(rule: Rule) -> dict[str, Any]:
    """Return the fields that a rule sets, as JSON has them."""
    fields: dict[str, Any] = msgspec.to_builtins(rule)
    return {name: value for name, value in fields.items() if value != _DEFAULTS[name]}
