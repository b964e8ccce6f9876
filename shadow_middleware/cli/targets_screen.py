"""Targets on a terminal: whether each gets copies, what was set, whether it answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.text import Text

from shadow_middleware.cli.screen import moment, share_text, table, visible
from shadow_middleware.report.standing import (
    Standing,
    set_in_words,
    standing_in_words,
    tone_of,
)
from shadow_middleware.report.targets import Breaker, Stated, TargetState
from shadow_middleware.targets import Health, StoredTarget, Switch

__all__ = ["show_switch", "show_targets"]

_VERSIONS: Final = 5
_BREAKER: Final = {
    "closed": ("closed", "green"),
    "opened": ("was open for a while", "yellow"),
    "open": ("open: nothing is sent", "bold red"),
    "unknown": ("no replay lately", "bright_black"),
}
_TONES: Final = {
    "good": "green",
    "quiet": "bright_black",
    "warn": "yellow",
    "bad": "bold red",
}


def show_switch(console: Console, switch: Switch) -> None:
    """Say how the switch over all targets is, by whom, since when and why."""
    words = "on: targets get their copies" if switch.on else "off: no copy is made"
    line = Text.assemble(
        "The switch is ", (words, "green" if switch.on else "bold red")
    )
    if switch.at:
        line.append(f"; turned {moment(switch.at)} UTC")
        line.append_text(_by(switch.by))
    if switch.reason:
        line.append_text(Text(": ") + visible(switch.reason))
    console.print(line)


def show_targets(
    console: Console, found: list[TargetState], switch: Switch | None = None
) -> None:
    """Say all that is known of each; the switch only where it is off."""
    if switch is not None and not switch.on:
        show_switch(console, switch)
        console.print()
    if not found:
        console.print("No target yet: nothing was mirrored to any.")
    for one in found:
        console.print(visible(one.target, "bold"))
        _show_target(console, one)
        console.print()


def _show_target(console: Console, one: TargetState) -> None:
    words, style = _BREAKER[one.breaker.state]
    console.print(Text.assemble(" breaker    ", (words, style)))
    console.print(f" replays    {_replays(one.breaker, one.in_flight)}")
    if one.address:
        console.print(Text(" address    ") + visible(one.address))
    if one.stated is not None:
        console.print(f" mirrored   {_mirrored(one.stated)}")
    if one.standing is not None:
        for line in _standing(one.standing):
            console.print(line)
    last = "never" if one.last_at is None else f"{moment(one.last_at)} UTC"
    console.print(f" processes  {one.sessions:,} heard of lately, the last {last}")
    _show_versions(console, one)


def _show_versions(console: Console, one: TargetState) -> None:
    named = [seen for seen in one.versions if seen.version]
    if named:
        rows = table(
            "version", "first seen", "last seen", "replays", right=("replays",)
        )
        for seen in named[:_VERSIONS]:
            first, at = moment(seen.first_minute * 60), moment(seen.last_minute * 60)
            rows.add_row(visible(seen.version), first, at, f"{seen.count:,}")
        console.print(rows)


def _replays(breaker: Breaker, in_flight: int) -> str:
    return (
        f"{breaker.answered:,} answered, {breaker.failed:,} failed, "
        f"{breaker.not_sent:,} not sent; {in_flight:,} in flight"
    )


def _mirrored(stated: Stated) -> str:
    return f"{share_text(stated.rate)} of requests" if stated.enabled else "nothing"


def _standing(one: Standing) -> Iterator[Text]:
    state = visible(standing_in_words(one), _TONES[tone_of(one)])
    health = one.health
    if health.health is not Health.HEALTHY and health.failing_since:
        state.append(f"; since {moment(health.failing_since)} UTC", "bright_black")
    yield Text(" state      ") + state
    if one.problem:
        yield Text(" problem    ") + visible(one.problem, "yellow")
    if one.stored is not None:
        yield Text(" set        ") + _set(one.stored)


def _set(one: StoredTarget) -> Text:
    said = "; ".join(set_in_words(one)) or "nothing but what is shown above"
    line = visible(said)
    if one.at:
        line.append(f" ({moment(one.at)} UTC", "bright_black")
        line.append_text(_by(one.by)).append(")", "bright_black")
    if one.note:
        line.append_text(Text(" “") + visible(one.note) + Text("”"))
    return line


def _by(who: str) -> Text:
    return Text(" by ") + visible(who) if who else Text()
