"""
Half an hour of traffic with faults among it: does anything grow?

    python -m benchmarks.soak [--minutes 30] [--rate 1000]

A live app under uvicorn with its agent, a shadow and 64 clients. The time is six
rounds; each stops the agent, locks the store, and lets the shadow be slow, silent,
broken and down. The first round also kills the agent twice, and warms up. Through the
other five memory, descriptors and threads of live and agent must be flat: the upper
end of the slope's interval of 95 % is below a bound. Ends with what had to hold; with 1
where it is not flat, live failed, the account is not exact, a write was sent twice, or
all of it broke off or took a quarter of an hour longer than it should.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import psutil

from benchmarks.drill import harm
from benchmarks.drill.account import Account, account, p99
from benchmarks.drill.flat import slope_of
from benchmarks.drill.harm import Harm
from benchmarks.drill.scenes import Scene
from benchmarks.drill.stage import Stage, in_time

ROUNDS: Final = 6
HARMS: Final[tuple[Harm, ...]] = (
    harm.agent_stopped_once,
    harm.shadow_is("slow", 2.0),
    harm.sqlite_locked,
    harm.shadow_is("frozen"),
    harm.shadow_is("resetting"),
    harm.shadow_is("failing"),
)
SETTINGS: Final = {
    "queue_count": 5_000,
    "breaker_retry_after": 5.0,
    "breaker_ramp_up": 5.0,
}
"""A shadow that failed is asked again soon: a breaker that is open is no work."""
BOUNDS: Final = {
    ("live", "MiB"): 8.0,
    ("live", "descriptors"): 1.0,
    ("live", "threads"): 1.0,
    ("agent", "MiB"): 24.0,
    ("agent", "descriptors"): 8.0,
    ("agent", "threads"): 2.0,
}
"""What each may grow by in an hour, at most."""
LONGEST: Final = 900.0
"""Seconds that it may take beside its rounds, whatever happens."""
ENOUGH: Final = 0.98
"""Share of the requests that were to be sent, for the soak to be one at that rate."""
EVERY: Final = 1.0
"""Seconds between two looks."""


class Look(NamedTuple):
    """What a process holds at a time."""

    at: float
    figures: dict[str, float]


class Figure(msgspec.Struct, frozen=True):
    """One line of the table."""

    process: str
    what: str
    first: float
    """Median of the first round after the warm-up."""
    last: float
    slope: float
    """Growth in an hour."""
    high: float
    """The upper end of its interval."""
    bound: float

    @property
    def flat(self) -> bool:
        """Whether it is sure not to grow by more than the bound."""
        return self.high <= self.bound


class Watch:
    """Looks at live and at its agent, again and again, on a thread of its own."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._over = threading.Event()
        self.looks: dict[str, list[Look]] = {"live": [], "agent": []}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        live = psutil.Process(self._stage.live.pid)
        while not self._over.wait(EVERY):
            agents = self._stage.agents()
            for name, process in [("live", live), *(("agent", a) for a in agents[:1])]:
                try:
                    self.looks[name].append(_look(process))
                except psutil.Error:  # it was killed a moment ago
                    continue

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()


def _look(process: psutil.Process) -> Look:
    with process.oneshot():
        return Look(
            time.monotonic(),
            {
                "MiB": process.memory_info().rss / 2**20,
                "descriptors": process.num_fds(),
                "threads": process.num_threads(),
            },
        )


def figures(looks: Mapping[str, list[Look]], since: float, long: float) -> list[Figure]:
    """Return every line of the table, from the looks of rounds so long after a time."""
    made = []
    for (process, what), bound in BOUNDS.items():
        points = [
            ((one.at - since) / 3600, one.figures[what])
            for one in looks[process]
            if since <= one.at < since + (ROUNDS - 1) * long
        ]
        slope = slope_of(points, long / 3600)
        few = max(1, len(points) // (ROUNDS - 1))
        first, last = (
            statistics.median(figure for _, figure in some)
            for some in (points[:few], points[-few:])
        )
        made.append(Figure(process, what, first, last, slope.middle, slope.high, bound))
    return made


class Soaked(NamedTuple):
    """What a soak came to."""

    figures: list[Figure]
    account: Account
    rate: float
    """Requests a second that there were."""
    p99: float
    """Of live, in seconds."""

    def holds(self, rate: float) -> dict[str, bool]:
        """Return what had to hold, and whether it did."""
        one = self.account
        return {
            f"{rate:g} requests a second": self.rate >= ENOUGH * rate,
            "live errors 0": not one.errors,
            "law of conservation exact": one.whole,
            "no write sent twice": not one.writes_twice,
            **{
                f"{each.what} of {each.process} flat": each.flat
                for each in self.figures
            },
        }


def soak(folder: Path, minutes: float, rate: float) -> Soaked:
    """Run all of it."""
    url = f"sqlite:///{folder}/store.db"
    scene, long = Scene(url, url), minutes * 60 / ROUNDS
    capacity = int(rate * (minutes * 60 + 300) * 1.05)
    with Stage(folder, SETTINGS, rate=rate, capacity=capacity) as stage:
        stage.begin()
        watch, began = Watch(stage), time.monotonic()
        warm = began + long
        for number in range(ROUNDS):
            _round(stage, scene, began + number * long, long, kills=number == 0)
        watch.end()
        ended = time.monotonic()
        stage.silence()
        stage.finish(120.0)
        found = account(stage.ledger, url)
        return Soaked(
            figures(watch.looks, warm, long),
            found,
            found.asked / (ended - stage.begun),
            p99(stage.ledger, began, ended),
        )


def _round(
    stage: Stage, scene: Scene, began: float, long: float, *, kills: bool
) -> None:
    """Do every harm for a third of its share of the round."""
    share = long / len(HARMS)
    for number, harmful in enumerate(HARMS):
        _sleep_until(began + (number + 1 / 3) * share)
        if kills and number in (1, 3):
            stage.agent().kill()
        harmful(stage, scene, share / 3)
    _sleep_until(began + long)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def shown(soaked: Soaked) -> str:
    """Return the figures in Markdown, and the account in words."""
    lines = [
        "| process | | first | last | growth in an hour | at most | bound | |",
        "|---|---|--:|--:|--:|--:|--:|---|",
    ]
    lines += [
        f"| {figure.process} | {figure.what} | {figure.first:.1f} "
        f"| {figure.last:.1f} | {figure.slope:+.1f} | {figure.high:+.1f} "
        f"| {figure.bound:g} | {'flat' if figure.flat else '**grows**'} |"
        for figure in soaked.figures
    ]
    one = soaked.account
    lines += [
        "",
        f"{soaked.rate:,.0f} requests/s, p99 of live {soaked.p99 * 1e3:.1f} ms; "
        f"{one.asked:,} requests, {one.errors} live errors",
        f"account {'exact' if one.whole else 'NOT EXACT'}: {one.outcomes}",
        f"never sent {one.never_came:,}, writes twice {one.writes_twice}, reads twice "
        f"{one.reads_twice}, reordered {one.reordered}",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=1000.0)
    asked = parser.parse_args(arguments)
    try:
        with (
            in_time(asked.minutes * 60 + LONGEST),
            tempfile.TemporaryDirectory(prefix="soak-") as folder,
        ):
            soaked = soak(Path(folder), asked.minutes, asked.rate)
    except Exception as error:  # noqa: BLE001 -- told, as the one line there is
        traceback.print_exc()
        print(
            f"| the soak came to its end | **no** | {type(error).__name__}: {error} |"
        )
        return 1
    print(shown(soaked) + "\n\n| what has to hold | |\n|---|---|")
    holds = soaked.holds(asked.rate)
    for name, held in holds.items():
        print(f"| {name} | {'yes' if held else '**no**'} |")
    return 0 if all(holds.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
