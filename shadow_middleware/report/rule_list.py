"""
Every rule in one list: where it comes from, how often it fired, what it really hides.

A rule that took away more than it says is flagged in words, because the next regression
may hide behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from shadow_middleware.compare.compiled_rule import CompiledRule
from shadow_middleware.knowledge import RuleTotal, SharedRule
from shadow_middleware.rule import Rule
from shadow_middleware.settings import Settings

__all__ = [
    "GONE",
    "Hidden",
    "Origin",
    "RuleRow",
    "name_of",
    "origins_of",
    "rule_rows",
    "wide",
]

GONE = "not known here"
"""Where a rule stands of which only hits are left: removed, or an app's own."""

_EVERYTHING = ("**", "/**", "/**/*", "**/*")


class Origin(msgspec.Struct, frozen=True):
    """A rule with where it was stated."""

    rule: Rule
    name: str
    """What its hits are counted under."""
    source: str
    """`settings`, `file rules.toml`, `store`."""
    at: float | None = None
    """When it was added at run time, in Unix seconds."""
    note: str = ""


class Hidden(msgspec.Struct, frozen=True):
    """One sort of difference that a rule took away."""

    target: str
    hid: str
    """`changed`, `missing`, `type: string → null`…"""
    count: int
    last_at: float


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """One rule, ready to be shown."""

    name: str
    source: str
    rule: Rule | None
    """None where only its hits are left."""
    at: float | None
    note: str
    hits: int
    last_at: float | None
    """When it fired last; None where it never did."""
    hidden: tuple[Hidden, ...]
    """What it took away, the most first."""
    flags: tuple[str, ...]
    """What a person should know of it."""


def origins_of(
    settings: Settings, in_file: int, shared: Iterable[SharedRule]
) -> list[Origin]:
    """
    Return every rule with where it was stated, in the order in which they are asked.

    Args:
        settings: With the rules of their file, which come last.
        in_file: How many of their rules stand in `rules_file`.
        shared: Those that were added at run time.
    """
    own = len(settings.rules) - in_file
    stated = [
        Origin(rule, name_of(rule), "settings" if n < own else settings.rules_file)
        for n, rule in enumerate(settings.rules)
    ]
    for header in settings.ignore_headers:
        rule = Rule(name=f"ignore_headers:{header}", part="header", path=header)
        stated.append(Origin(rule, rule.name, "settings"))
    for path in settings.ignore_paths:
        rule = Rule(name=f"ignore_paths:{path}", path=path)
        stated.append(Origin(rule, rule.name, "settings"))
    return stated + [
        Origin(one.rule, name_of(one.rule), "store", one.at, one.note) for one in shared
    ]


def name_of(rule: Rule) -> str:
    """
    Return what a rule's hits are counted under.

    Raises:
        ConfigurationError: the rule could never do what it says.
    """
    return CompiledRule(rule, "rule").name


def rule_rows(origins: Iterable[Origin], totals: Iterable[RuleTotal]) -> list[RuleRow]:
    """Return a row for each rule, in their order, and then for those that are gone."""
    hits: dict[str, list[Hidden]] = {}
    for total in totals:
        one = Hidden(total.target, total.hid, total.count, total.last_at)
        hits.setdefault(total.rule, []).append(one)
    stated = list(origins)
    seen: dict[str, Origin] = {}
    rows = []
    for origin in stated:
        rows.append(_row(origin, hits.get(origin.name, []), seen.get(origin.name)))
        seen.setdefault(origin.name, origin)
    return rows + [_gone(name, some) for name, some in hits.items() if name not in seen]


def _row(origin: Origin, hidden: Sequence[Hidden], twin: Origin | None) -> RuleRow:
    flags = _flags(origin.rule, hidden)
    if twin is not None:
        flags = (*flags, f"another rule has this name ({twin.source}): hits are theirs")
    return RuleRow(
        name=origin.name,
        source=origin.source,
        rule=origin.rule,
        at=origin.at,
        note=origin.note,
        hits=sum(one.count for one in hidden),
        last_at=max((one.last_at for one in hidden), default=None),
        hidden=_ranked(hidden),
        flags=flags,
    )


def _gone(name: str, hidden: Sequence[Hidden]) -> RuleRow:
    return RuleRow(
        name=name,
        source=GONE,
        rule=None,
        at=None,
        note="",
        hits=sum(one.count for one in hidden),
        last_at=max((one.last_at for one in hidden), default=None),
        hidden=_ranked(hidden),
        flags=(),
    )


def _flags(rule: Rule, hidden: Sequence[Hidden]) -> tuple[str, ...]:
    """Return what is to be said of a rule by what it says and by what it did."""
    more = _beyond_values(rule, hidden)
    words = (
        f"hides more than it says: {more}; to keep those as divergences, say "
        'kind = "changed"'
    )
    return (words, *wide(rule)) if more else wide(rule)


def wide(rule: Rule) -> tuple[str, ...]:
    """Return what is to be said of a rule that could hide all sorts of things."""
    if rule.action != "ignore" or not _is_broad(rule):
        return ()
    return (
        "its path fits everything: name the places, or say what both values are "
        "with shape",
    )


def _beyond_values(rule: Rule, hidden: Iterable[Hidden]) -> str:
    """Return in words what an `ignore` without a kind took away beside other values."""
    if rule.action != "ignore" or rule.kind or rule.part == "status":
        return ""
    counts: dict[str, int] = {}
    for one in hidden:
        words = _in_words(one.hid)
        if words:
            counts[words] = counts.get(words, 0) + one.count
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} times {words}" for words, count in ranked)


def _in_words(hid: str) -> str:
    if hid == "missing":
        return "something that the shadow does not have"
    if hid == "added":
        return "something that only the shadow has"
    if hid.startswith("type"):
        change = hid.partition(":")[2].strip()
        return f"another type ({change})" if change else "another type"
    return ""


def _is_broad(rule: Rule) -> bool:
    narrowed = rule.kind or rule.shape or rule.matches
    return rule.part != "status" and rule.path in _EVERYTHING and not narrowed


def _ranked(hidden: Iterable[Hidden]) -> tuple[Hidden, ...]:
    return tuple(sorted(hidden, key=lambda one: (-one.count, one.target, one.hid)))
