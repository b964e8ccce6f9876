"""The overview in words: verdict, agreement, outcomes, latency, accounts, A/A."""

from __future__ import annotations

from rich.text import Text

from shadow_middleware.report.control import Control
from shadow_middleware.report.hints import Hint
from shadow_middleware.report.latency import Percentiles
from shadow_middleware.report.summary import TargetSummary
from shadow_middleware.report.verdict import Ruling, TargetVerdict
from shadow_middleware.tui.source import Overview
from shadow_middleware.tui.words import (
    DIM,
    HEAD,
    beside,
    lines,
    ms,
    one_line,
    share,
    shown,
)

__all__ = ["RULINGS", "overview_text"]

RULINGS = {
    Ruling.PROMOTE: ("PROMOTE", "bold green"),
    Ruling.DO_NOT_PROMOTE: ("DO NOT PROMOTE", "bold red"),
    Ruling.NOT_ENOUGH_EVIDENCE: ("NOT ENOUGH EVIDENCE", "bold yellow"),
}
_STYLES = {
    "match": "green",
    "noise": "green",
    "divergence": "red",
    "shadow_error": "magenta",
    "timeout": "magenta",
}
_WIDE = 100
_ROOM = 52
_BAR = 18
_MOST_REASONS = 8
"""Reasons that are told here, of each target."""
_FEW = 4
_NOTHING = (
    "Nothing is recorded yet. Once the middleware has mirrored a request, its outcome "
    "shows here within seconds."
)


def overview_text(data: Overview, width: int) -> Text:
    """Return all targets, one below the other, for a screen so many cells wide."""
    verdicts = {one.target: one for one in data.verdict.targets}
    parts = [
        lines(_target(one, verdicts.get(one.target), data.summary.control, width))
        for one in data.summary.targets
    ]
    return Text("\n\n").join(parts) if parts else Text(_NOTHING)


def _target(
    one: TargetSummary,
    verdict: TargetVerdict | None,
    control: Control | None,
    width: int,
) -> list[Text]:
    outcomes, latency = _outcomes(one), _latency(one)
    middle = (
        beside(outcomes, latency, _ROOM)
        if width >= _WIDE
        else [*outcomes, Text(), *latency]
    )
    return [
        _ruling(one, verdict),
        _agreement(verdict),
        *_accounts(one),
        _control(control),
        Text(),
        *middle,
        *_reasons(verdict),
        *_hints(one),
    ]


def _ruling(one: TargetSummary, verdict: TargetVerdict | None) -> Text:
    words, style = RULINGS[verdict.ruling if verdict else Ruling.NOT_ENOUGH_EVIDENCE]
    name = one_line(one.target, HEAD)
    return Text.assemble(("Target ", HEAD), name, ": ", (words, style))


def _reasons(verdict: TargetVerdict | None) -> list[Text]:
    reasons = verdict.reasons if verdict else []
    if not reasons:
        return []
    said = [one_line(f" • {text}") for text in reasons[:_MOST_REASONS]]
    if reasons[_MOST_REASONS:]:
        more = len(reasons) - _MOST_REASONS
        said.append(Text(f" • {more} more: shadow-middleware verdict", DIM))
    return [Text(), Text("Reasons", HEAD), *said]


def _hints(one: TargetSummary) -> list[Text]:
    if not one.hints:
        return []
    said = [shown(f" • {_counted(hint)}") for hint in one.hints[:_FEW]]
    return [Text(), Text("Hints", HEAD), *said]


def _counted(hint: Hint) -> str:
    """Return the hint's text, with its number where the text does not hold it."""
    number = f"{hint.count:,}"
    told = not hint.count or number in hint.text
    return hint.text if told else f"{hint.text} ({number} times)"


def _agreement(verdict: TargetVerdict | None) -> Text:
    if verdict is None or verdict.share.rate is None:
        return Text.assemble(("Agreement  ", HEAD), "nothing is decided yet")
    found = verdict.share
    text = Text.assemble(("Agreement  ", HEAD), (share(found.rate), HEAD))
    if found.interval is not None:
        low, high = share(found.interval.low), share(found.interval.high)
        text.append(f", between {low} and {high}")
    return text.append(f"  ({found.agrees:,} of {found.decided:,} decided)")


def _outcomes(one: TargetSummary) -> list[Text]:
    rows = [Text(f"{'outcome':<14}{'count':>11}{'share':>9}", HEAD)]
    for name, count in one.outcomes.items():
        style = _STYLES.get(name, "")
        part = one.shares[name]
        figures = f"{count:>11,}{share(part):>9}  "
        bar = "█" * (round(part * _BAR) or 1)
        rows.append(Text.assemble((f"{name:<14}", style), figures, (bar, style)))
    return rows


def _latency(one: TargetSummary) -> list[Text]:
    head = Text(f"{'latency ms':<12}{'p50':>10}{'p95':>10}{'p99':>10}", HEAD)
    found = one.latency
    if found is None:
        return [head, Text("no times of both sides yet", DIM)]
    return [
        head,
        _three("live", found.live_ms),
        _three("shadow", found.shadow_ms),
        _three("delta", found.delta_ms, signed=True),
    ]


def _three(name: str, values: Percentiles, *, signed: bool = False) -> Text:
    figures = (values.p50, values.p95, values.p99)
    return Text(f"{name:<12}" + "".join(f"{ms(x, signed=signed):>10}" for x in figures))


def _accounts(one: TargetSummary) -> list[Text]:
    """Return the law of conservation in numbers, and what was dropped."""
    law = (
        f"{one.selected:,} selected = {one.ended:,} ended + {one.in_flight:,} in flight"
    )
    line = Text.assemble(("Accounts   ", HEAD), law)
    if one.unaccounted:
        line.append(f" + {one.unaccounted:,} UNACCOUNTED FOR", "bold red")
    else:
        line.append(", nothing missing")
    return [line, Text.assemble(("Drops      ", HEAD), one_line(_drops(one)))]


def _drops(one: TargetSummary) -> str:
    dropped = one.outcomes.get("dropped", 0)
    if not dropped:
        return "none"
    reasons = [x for x in one.reasons if x.outcome == "dropped"]
    named = ", ".join(f"{x.reason} {x.count:,}" for x in reasons[:_FEW])
    return f"{dropped:,}: {named}"


def _control(control: Control | None) -> Text:
    head = ("A/A        ", HEAD)
    if control is None:
        return Text.assemble(head, "no control has been asked")
    compared = control.agreed + control.differed
    text = f"{control.agreed:,} of {compared:,} agree ({share(control.rate)})"
    failed = f"; the control failed {control.failed:,} times" if control.failed else ""
    return Text.assemble(head, f"live and its control: {text}{failed}")
