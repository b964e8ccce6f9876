"""
What a rule may say: whether its fields make sense together.

Asked at start-up, where the settings are read, by the comparison, which may be built
without them, and where a rule is added at run time. Below all, so that there is one
answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from math import isfinite

from shadow_middleware.rule import VALUE_SHAPES, Rule

__all__ = ["TOLERANCES", "complaint"]

TOLERANCES = ("absolute", "relative", "unordered", "keyed_by", "statuses")
"""The fields of a rule that state a tolerance."""

_CHANGES = ("live", "shadow")
_CONDITIONS = ("matches", *TOLERANCES, "kind", "shape", *_CHANGES)
_MEANT: Mapping[str, tuple[str, ...]] = {
    "status": ("statuses", *_CHANGES),
    "header": (
        *("absolute", "kind", "live", "matches", "relative", "shadow", "shape"),
        "unordered",
    ),
    "body": (
        *("absolute", "keyed_by", "kind", "live", "matches", "relative", "shadow"),
        *("shape", "unordered"),
    ),
}
_ACTIONS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "ignore": (_CHANGES, "a change that is meant has action 'expect'"),
    "tolerate": (
        ("kind", "shape", *_CHANGES),
        "only 'ignore' and 'expect' look at what was found",
    ),
    "expect": (
        ("matches", "shape", *TOLERANCES),
        "say in 'live' and 'shadow' what the values are",
    ),
}
"""The fields that have no effect with an action, and what to write instead."""

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
    useless, instead = _ACTIONS[rule.action]
    for name in useless:
        if getattr(rule, name):
            return f"{name!r} has no effect with action {rule.action!r}", instead
    return None


def _fields(rule: Rule) -> Complaint | None:
    meant = _MEANT[rule.part]
    for name in _CONDITIONS:
        if getattr(rule, name) and name not in meant:
            problem = f"{name!r} has no meaning for part {rule.part!r}"
            return problem, f"there it can be {', '.join(meant)}"
    return None


def _shape(rule: Rule) -> Complaint | None:
    if not rule.shape:
        return None
    if rule.shape not in VALUE_SHAPES:
        close = get_close_matches(rule.shape, VALUE_SHAPES, 1)
        known = f"there are {', '.join(VALUE_SHAPES)}"
        meant = f"did you mean {close[0]!r}?" if close else known
        return f"shape {rule.shape!r} is not known", meant
    if rule.kind == "type":
        problem = f"values of different types are never both {rule.shape!r}"
        return problem, "leave out 'shape' or 'kind'"
    if (rule.kind == "order") != (rule.shape == "set-order") and rule.kind:
        problem = f"kind {rule.kind!r} and shape {rule.shape!r} never meet"
        return problem, "leave out 'shape' or 'kind'"
    return None


def _expectation(rule: Rule) -> Complaint | None:
    if rule.action != "expect":
        return None
    for side, kind in (("shadow", "missing"), ("live", "added")):
        if rule.kind == kind and getattr(rule, side):
            problem = f"what is {kind} has no value that {side!r} could fit"
            return problem, f"leave out {side!r}"
    if rule.kind == "order":
        return "an order cannot be expected", "did you mean action 'ignore'?"
    if rule.path == "**" and rule.part != "status":
        return "expects a change everywhere", "give the path of what changes"
    if not (rule.kind or rule.live or rule.shadow):
        return "does not say what changes", "give live and shadow, or a kind"
    if rule.live and rule.live == rule.shadow:
        return f"{rule.live!r} to {rule.shadow!r} is no change", "give what it becomes"
    return _addition(rule) if rule.kind == "added" else None


def _addition(rule: Rule) -> Complaint | None:
    where, _, last = rule.path.rpartition("/")
    if rule.part == "body" and ("**" in where or "*" in last):
        problem = f"path {rule.path!r} does not say where the member is to be added"
        return problem, "name the member, and write '*' for each step that varies"
    if rule.part == "header" and "*" in rule.path:
        return f"path {rule.path!r} does not name the header", "name it"
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
    _shape,
    _expectation,
    _distances,
    _lists,
    _path,
)
