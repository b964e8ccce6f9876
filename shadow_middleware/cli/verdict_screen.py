"""The verdict as a person reads it."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from shadow_middleware.cli.screen import bullets, share_text, visible
from shadow_middleware.report.verdict import Ruling, TargetVerdict, Verdict

__all__ = ["show_verdict"]

_WORDS = {
    Ruling.PROMOTE: ("PROMOTE", "bold green"),
    Ruling.DO_NOT_PROMOTE: ("DO NOT PROMOTE", "bold red"),
    Ruling.NOT_ENOUGH_EVIDENCE: ("NOT ENOUGH EVIDENCE", "bold yellow"),
}


def show_verdict(console: Console, verdict: Verdict) -> None:
    """Print what to do about each target, and why."""
    for target in verdict.targets:
        _show_target(console, target)
    if not verdict.targets:
        words, style = _WORDS[verdict.ruling]
        console.print(Text.assemble((words, style), ": nothing is recorded yet"))


def _show_target(console: Console, target: TargetVerdict) -> None:
    words, style = _WORDS[target.ruling]
    console.print(
        Text.assemble(("Verdict on ", "bold"), visible(target.target, "bold"), ": ")
        + Text(words, style=style)
    )
    evidence = Text(_evidence(target), style="bright_black")
    console.print(bullets(*map(visible, target.reasons), evidence))


def _evidence(target: TargetVerdict) -> str:
    share = target.share
    parts = [f"{share.decided:,} decided"]
    if share.undecided:
        parts.append(f"{share.undecided:,} dropped or incomparable")
    if share.no_evidence:
        parts.append(f"{share.no_evidence:,} live errors or skipped")
    if share.undecided:
        parts.append(f"coverage {share_text(share.coverage)}")
    return "Evidence: " + ", ".join(parts)
