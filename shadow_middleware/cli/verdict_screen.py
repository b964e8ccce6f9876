"""The verdict as a person reads it."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from shadow_middleware.cli.screen import bullets, share_text, table, visible
from shadow_middleware.inference import Interval
from shadow_middleware.report.checks import Criterion, State
from shadow_middleware.report.figures import percent
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
    beside = [visible(text, "bright_black") for text in _beside(target)]
    console.print(bullets(*map(visible, target.reasons), *beside))
    if target.share.rate is not None:
        _show_rates(console, target)


def _beside(target: TargetVerdict) -> list[str]:
    share = target.share
    parts = [f"{share.decided:,} decided"]
    if share.noise:
        parts.append(f"{share.noise:,} of them agree but for noise")
    if share.undecided:
        parts.append(f"{share.undecided:,} dropped or incomparable")
    if share.no_evidence:
        parts.append(f"{share.no_evidence:,} live errors, skipped or left out")
    if share.undecided:
        parts.append(f"coverage {share_text(share.coverage)}")
    said = ["Evidence: " + ", ".join(parts)]
    if more := _open_beside(target):
        said.append(f"{more} more of what is asked is open: --format markdown has all")
    if target.unanswered:
        reasons = ", ".join(f"{n:,} {why}" for why, n in target.unanswered.items())
        said.append(f"Without an answer of the shadow's: {reasons}")
    if target.in_flight:
        said.append(
            f"{target.in_flight:,} are still under way; --wait 1m waits for them"
        )
    return [*said, *_version(target)]


def _open_beside(target: TargetVerdict) -> int:
    """Return how many criteria are open beside those that are named, and any rate's."""
    if target.ruling is not Ruling.NOT_ENOUGH_EVIDENCE:
        return 0
    still_open = {
        one.text
        for one in target.checks
        if one.state is State.OPEN and one.criterion is not Criterion.RATE
    }
    return len(still_open.difference(target.reasons))


def _version(target: TargetVerdict) -> list[str]:
    if target.all_versions or not (target.version or target.left_out):
        return []
    names = sorted(target.left_out, key=lambda name: -target.left_out[name])
    left = ", ".join(
        f"{target.left_out[name]:,} of {name or 'no version'}" for name in names[:3]
    )
    more = f" and {len(names) - 3} more versions" if names[3:] else ""
    rest = f"; replays of others do not count: {left}{more}" if names else ""
    return [f"Version judged: {target.version or 'none named'}{rest}"]


def _show_rates(console: Console, target: TargetVerdict) -> None:
    share, traffic = target.share, target.traffic_weighted
    rows = table("agreement", "rate", "bounds", right=("rate",))
    for name, rate, bounds in (
        ("as sampled, however often one looks", share.rate, share.interval),
        ("  Wilson, for one look", share.rate, share.wilson),
        ("  Clopper-Pearson, for one look", share.rate, share.clopper_pearson),
        ("each route the same", target.unweighted.rate, target.unweighted.interval),
        ("weighed by live traffic", traffic.rate, traffic.interval),
    ):
        if not name.startswith("weighed") or traffic.by == "traffic":
            rows.add_row(name, share_text(rate), _bounds(bounds))
    console.print(rows)


def _bounds(bounds: Interval | None) -> str:
    return "-" if bounds is None else f"{percent(bounds.low)} to {percent(bounds.high)}"
