"""What was put to the test, on a terminal: shares first, then the gaps."""

from __future__ import annotations

from typing import Final

from rich.console import Console

from shadow_middleware.cli.screen import share_text, table, visible
from shadow_middleware.report.coverage import Coverage, Gap, TargetCoverage, Why

__all__ = ["show_coverage"]

_WORDS: Final = {
    Why.UNUSED: "never used by live traffic",
    Why.UNMIRRORED: "used, never mirrored",
    Why.UNDECIDED: "mirrored, not decided often enough",
}


def show_coverage(console: Console, coverage: Coverage, limit: int) -> None:
    """Print the coverage of each target, with at most `limit` gaps."""
    if not coverage.routes:
        console.print("Nothing is recorded yet: no routes, no traffic, no replays.")
        return
    if not coverage.known:
        console.print(
            "Which routes the app has is unknown: no router could be asked. "
            "Listed here is what live traffic used."
        )
    if not coverage.targets:
        console.print("No replay has ended yet, so nothing was put to the test.")
    for target in coverage.targets:
        _show_target(console, target, limit)


def _show_target(console: Console, target: TargetCoverage, limit: int) -> None:
    console.print()
    console.print(visible(target.target, "bold"))
    if target.known:
        console.print(
            f"  {target.exercised:,} of {target.known:,} routes exercised "
            f"({share_text(target.route_share)})"
        )
    console.print(
        f"  {target.covered:,} of about {target.seen:,} live requests are like some "
        f"that were decided ({share_text(target.traffic_share)})"
    )
    if not target.gaps:
        console.print("  No gaps.")
        return
    gaps = table("live requests", "route", "gap", right=("live requests",))
    for gap in target.gaps[:limit]:
        gaps.add_row(f"{gap.seen:,}", visible(gap.route), _in_words(gap))
    console.print(gaps)
    if (more := len(target.gaps) - limit) > 0:
        console.print(f"  and {more:,} more; --limit shows them")


def _in_words(gap: Gap) -> str:
    if gap.why is not Why.PARTIAL:
        return _WORDS[gap.why]
    classes = ", ".join(f"{number}xx" for number in gap.classes)
    return f"{classes} used, never mirrored"
