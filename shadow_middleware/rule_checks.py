"""
What a rule may say: whether its fields make sense together.

Asked twice: at start-up, where the settings are read, and by the comparison, which
may be built without them. Below both, so that there is one answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shadow_middleware.rule import Rule

__all__ = ["TOLERANCES", "complaint"]

TOLERANCES = ("absolute", "relative", "unordered", "keyed_by", "statuses")
"""The fields of a rule that state a tolerance."""

_CONDITIONS = ("matches", *TOLERANCES)
_MEANT: Mapping[str, tuple[str, ...]] = {
    "status": ("statuses",),
    "header": ("absolute", "matches", "relative", "unordered"),
    "body": ("absolute", "keyed_by", "matches", "relative", "unordered"),
}

Complaint = tuple[str, str]
"""What is wrong, and what would be right."""


def complaint(rule: Rule) -> Complaint | None:
    """Return why the rule could never do what it says, or None where it can."""
    for check in _CHECKS:
        found = check(rule)
        if found:
            return found
    return None


def _action(rule: Rule) -> Complaint | None:
    stated = [name for name in TOLERANCES if getattr(rule, name)]
    if rule.action == "tolerate" and not stated:
        return "tolerates nothing", f"give one of {', '.join(TOLERANCES)}"
    if rule.action == "ignore" and stated:
        problem = f"{stated[0]!r} has no effect on what is ignored"
        return problem, "did you mean action 'tolerate'?"
    return None


def _fields(rule: Rule) -> Complaint | None:
    meant = _MEANT[rule.part]
    for name in _CONDITIONS:
        if getattr(rule, name) and name not in meant:
            problem = f"{name!r} has no meaning for part {rule.part!r}"
            return problem, f"there it can be {', '.join(meant)}"
    return None


def _distances(rule: Rule) -> Complaint | None:
    for name in ("absolute", "relative"):
        value = getattr(rule, name)
        if value < 0 or not isfinite(value):
            return f"{name}={value} is not a distance", "write a number of at least 0"
    return None


def _lists(rule: Rule) -> Complaint | None:
    if rule.unordered and rule.keyed_by:
        return (
            "'unordered' and 'keyed_by' exclude each other",
            "'keyed_by' alone takes no notice of order",
        )
    return None


def _path(rule: Rule) -> Complaint | None:
    path = rule.path
    if rule.part == "status":
        problem = f"path {path!r} has no meaning for part 'status'"
        return None if path == "**" else (problem, "leave it out")
    if rule.part == "header":
        problem = f"path {path!r} is not the name of a header"
        return (problem, f"write {path[1:]!r}") if path.startswith("/") else None
    if not path or path == "**" or path.startswith(("/", "**/")):
        return None
    rest = path.lstrip("$./")
    problem = f"path {path!r} is not a JSON pointer"
    return problem, f"write '/{rest}' or '/**/{rest}'"


_CHECKS: tuple[Callable[[Rule], Complaint | None], ...] = (
    _action,
    _fields,
    _distances,
    _lists,
    _path,
)
