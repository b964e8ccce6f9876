"""A verdict as Markdown, fit for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from shadow_middleware.inference import Interval
from shadow_middleware.report.checks import Check, State
from shadow_middleware.report.figures import percent
from shadow_middleware.report.findings import Finding
from shadow_middleware.report.rates import Share
from shadow_middleware.report.verdict import RouteShare, Ruling, TargetVerdict, Verdict

__all__ = ["code", "markdown_of", "plain"]

_WORDS = {
    Ruling.PROMOTE: "✅ Promote",
    Ruling.DO_NOT_PROMOTE: "❌ Do not promote",
    Ruling.NOT_ENOUGH_EVIDENCE: "❔ Not enough evidence",
}
_MARKS = {State.PASSED: "✅", State.FAILED: "❌", State.OPEN: "❔"}
_GROUPS = 10
_SPECIAL = frozenset("\\`*_[]<>|~&")
_MENTIONS = frozenset("@#")


def markdown_of(verdict: Verdict) -> str:
    """Return the verdict: the ruling and its reasons first, tables folded below."""
    lines = [f"## Shadow verdict: {_WORDS[verdict.ruling]}", ""]
    if not verdict.targets:
        lines += ["Nothing is recorded yet.", ""]
    for target in verdict.targets:
        lines += _target(target, alone=len(verdict.targets) == 1)
    return "\n".join(lines).rstrip() + "\n"


def _target(target: TargetVerdict, *, alone: bool) -> list[str]:
    heading = f"### {plain(target.target)}: {_WORDS[target.ruling]}"
    return [
        *([] if alone else [heading, ""]),
        *(f"- {plain(reason)}" for reason in target.reasons),
        "",
        *_version(target),
        *_rates(target),
        *_folded(f"Criteria: {len(target.checks)}", _checks(target.checks)),
        *_folded(f"Routes: {len(target.routes)}", _routes(target.routes)),
        *_folded(f"Groups that count: {len(target.groups)}", _groups(target.groups)),
    ]


def _version(target: TargetVerdict) -> list[str]:
    if target.all_versions or not (target.version or target.left_out):
        return []
    name = f"version `{code(target.version)}`" if target.version else "no version"
    left = sum(target.left_out.values())
    rest = f"; {left:,} replays of other versions do not count" if left else ""
    return [f"Judged: {name}{rest}.", ""]


def _rates(target: TargetVerdict) -> list[str]:
    share, weights = target.share, target.traffic_weighted
    rows = [
        ("as sampled", share.rate, share.interval),
        ("— Wilson, for one look", share.rate, share.wilson),
        ("— Clopper-Pearson, for one look", share.rate, share.clopper_pearson),
        ("each route the same", target.unweighted.rate, target.unweighted.interval),
    ]
    if weights.by == "traffic":
        rows.append(("by live traffic", weights.rate, weights.interval))
    found = [
        f"| {name} | {percent(rate)} | {_bounds(bounds)} |"
        for name, rate, bounds in rows
        if rate is not None
    ]
    head = ["| agreement | rate | bounds |", "|---|--:|---|"]
    return [*head, *found, ""] if found else []


def _bounds(bounds: Interval | None) -> str:
    return f"{percent(bounds.low)} to {percent(bounds.high)}" if bounds else "-"


def _checks(checks: Sequence[Check]) -> list[str]:
    rows = [
        f"| {_MARKS[one.state]} | {one.criterion} {one.quantile} | {plain(one.text)} |"
        for one in checks
    ]
    return ["| | criterion | found |", "|---|---|---|", *rows] if rows else []


def _routes(routes: Sequence[RouteShare]) -> list[str]:
    rows = [
        f"| {plain(one.route)} | {one.share.agrees:,} of {one.share.decided:,} "
        f"| {_rate(one.share)} | {_bounds(one.share.interval)} | {_shift(one)} |"
        for one in routes
    ]
    head = [
        "| route | agree | rate | bounds | p95, shadow to live |",
        "|---|--:|--:|---|---|",
    ]
    return [*head, *rows] if rows else []


def _rate(share: Share) -> str:
    return "-" if share.rate is None else percent(share.rate)


def _shift(one: RouteShare) -> str:
    p95 = one.latency.get("p95")
    return f"{p95.delta_ms:+,.1f} ms ({p95.ratio:.2f} times)" if p95 else "-"


def _groups(groups: Sequence[Finding]) -> list[str]:
    rows = [
        f"| `{one.group}` | {plain(one.route)} | {plain(one.what)} "
        f"| {one.divergences:,} | {one.state} |"
        for one in groups[:_GROUPS]
    ]
    head = ["| group | route | what | divergences | state |", "|---|---|---|--:|---|"]
    return [*head, *rows] if rows else []


def _folded(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    opening = f"<details><summary>{title}</summary>"
    return [opening, "", *lines, "", "</details>", ""]


def plain(text: str) -> str:
    """Return text of the outside so that no character of it is read as markup."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return "".join(_escaped(c) for c in shown)


def _escaped(character: str) -> str:
    if character in _MENTIONS:  # which no escape keeps from notifying somebody
        return f"{character}\u200b"
    return f"\\{character}" if character in _SPECIAL else character


def code(text: str) -> str:
    """Return text that stays within a code span."""
    return "".join(c if c.isprintable() and c not in "`|" else " " for c in text)
