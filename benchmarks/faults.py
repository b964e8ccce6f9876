"""
What becomes of live, of the account and of copies while things die.

    python -m benchmarks.faults [--seconds 60] [--only TEXT] [--list] [--rows FILE]

For each fault a live app with its agent, a shadow that counts and clients that know
what they sent are started, each a process of its own. Traffic runs for half of the
time, then through the fault for all of it, then until all is well again. Three of ten
requests are writes, and all are mirrored. A shadow that failed is asked again after 10 s
and has all of its copies 10 s later; by default that is 60 s and 30 s. Disks and networks of their own need root and
Linux; those rows are left out where that is not there. A row that breaks off or takes
too long is told at the end, and the others go on. Ends with the table and with what had
to hold in each row; with 1 where something did not, and 2 where no row was asked for.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from benchmarks.drill import harm, scenes
from benchmarks.drill.account import (
    Account,
    account,
    captured_in,
    ended_in,
    p99,
    recovered_after,
)
from benchmarks.drill.harm import Harm
from benchmarks.drill.scenes import Scene, SetScene
from benchmarks.drill.stage import UVICORN, Server, Stage, in_time

PATIENCE: Final = 120.0
"""Seconds that recovery may take before a drill gives up on it."""
LONGEST: Final = 600.0
"""Seconds that a row may take beside its faults, whatever happens."""
CALM: Final = 3.0
"""Seconds of good order that end a drill."""
SOON: Final = {"breaker_retry_after": 10.0, "breaker_ramp_up": 10.0}
"""A shadow that fails is asked again sooner than by default, or drills would be long."""
GUNICORN: Final = (
    "-m gunicorn benchmarks.drill.app:wsgi_app -k gthread --threads 8 --workers 2 "
    "--bind {host}:{port} --log-level warning --graceful-timeout 20"
)


class Fault(NamedTuple):
    """One row of the table."""

    name: str
    harm: Harm
    scene: SetScene = scenes.alone
    settings: Mapping[str, Any] = MappingProxyType({})
    server: Server = Server()
    rate: float = 200.0
    beside: bool = False
    """Whether the server itself disturbs its clients: then it is shown without us too."""


FAULTS: Final = (
    Fault("agent killed (-9)", harm.agent_killed),
    Fault("agent stopped (SIGSTOP)", harm.agent_stopped),
    Fault("Postgres killed (-9)", harm.postgres_killed, scenes.with_postgres),
    Fault("Postgres stopped (SIGSTOP)", harm.postgres_stopped, scenes.with_postgres),
    Fault("SQLite locked", harm.sqlite_locked),
    Fault("Postgres locked", harm.postgres_locked, scenes.with_postgres),
    Fault("broker: agent killed (-9)", harm.agent_killed, scenes.with_broker),
    Fault("broker: worker killed (-9)", harm.worker_killed, scenes.with_broker),
    Fault("broker: worker stopped", harm.worker_stopped, scenes.with_broker),
    Fault("broker: broker killed (-9)", harm.broker_killed, scenes.with_broker),
    Fault("broker: broker stopped", harm.broker_stopped, scenes.with_broker),
    Fault("disk full: store and captures", harm.disk_full, scenes.on_small_disk),
    Fault("network cut: shadow, Postgres", harm.network_cut, scenes.two_hosts),
    Fault("shadow stopped (SIGSTOP)", harm.shadow_stopped),
    Fault("shadow slow (2 s)", harm.shadow_is("slow", 2.0)),
    Fault("shadow never answers", harm.shadow_is("frozen")),
    Fault("shadow lies: length too long", harm.shadow_is("lying_long")),
    Fault("shadow lies: length too short", harm.shadow_is("lying_short")),
    Fault("shadow speaks no HTTP", harm.shadow_is("garbage")),
    Fault("shadow endless", harm.shadow_is("endless")),
    Fault("shadow resets", harm.shadow_is("resetting")),
    Fault("shadow answers 503", harm.shadow_is("failing")),
    Fault("clock jumps", harm.clock_jumps),
    Fault(
        "10 times what the shadow takes",
        harm.shadow_overloaded,
        settings={"queue_count": 2_000},
    ),
    Fault(
        "10 times what the agent takes",
        harm.agent_overloaded,
        settings={"buffer_count": 5_000, "queue_count": 5_000},
        rate=400.0,
    ),
    Fault("bodies of 1 GB", harm.large_bodies, beside=True),
    Fault(
        "gunicorn reloads (HUP)",
        harm.hung_up,
        server=Server(GUNICORN, fresh=True),
        beside=True,
    ),
    Fault(
        "gunicorn forks (preload)",
        harm.workers_replaced,
        server=Server(GUNICORN + " --preload", fresh=True),
        beside=True,
    ),
    Fault(
        "uvicorn reloads (--reload)",
        harm.source_changed,
        server=Server(UVICORN + " --reload --reload-dir {folder}/watched", fresh=True),
        beside=True,
    ),
)


class Row(msgspec.Struct, frozen=True):
    """What a drill came to."""

    fault: str
    account: Account
    slower: float
    """p99 of live during the fault, as a multiple of before."""
    copies_back: float
    """Seconds after the fault until every request reached the shadow in time."""
    evidence_back: float
    """Seconds after the fault until the store knew of all before it; -1 where never."""
    note: str
    slower_bare: float = 0.0
    """The same without us, where the fault itself disturbs live; 0 where not asked."""
    lost: int = 0
    """Exchanges that the broker had confirmed and of which nobody knows any more."""


HOLDS: Final[Mapping[str, Callable[[Row], bool]]] = MappingProxyType(
    {
        "live errors 0, of what reached it": lambda row: (
            row.account.errors == row.account.turned_away
        ),
        "a server that reloads turned nobody away": lambda row: (
            not row.account.turned_away
        ),
        "law of conservation exact": lambda row: row.account.whole,
        "captures exact": lambda row: "not exact" not in row.note,
        "nothing lost that the broker had confirmed": lambda row: not row.lost,
        "no write sent twice": lambda row: not row.account.writes_twice,
        f"copies back within {PATIENCE:g} s": lambda row: row.copies_back < PATIENCE,
        f"evidence back within {PATIENCE:g} s": lambda row: row.evidence_back >= 0,
    }
)
"""What has to hold in each row."""
SERVERS_OWN: Final = "a server that reloads turned nobody away"
"""What is told, and fails nothing: no code of ours had met those requests."""


def drill(fault: Fault, seconds: float, folder: Path) -> Row:
    """Run one fault, and say what it came to."""
    (folder / "watched").mkdir()
    with fault.scene(folder) as scene, _stage(fault, scene, folder) as stage:
        for extra in scene.extras:
            stage.start(*extra, far=True)
        for _ in range(scene.workers):
            stage.employ()
        stage.begin()
        time.sleep(max(2.0, seconds / 2))
        began = time.monotonic()
        note = fault.harm(stage, scene, seconds)
        ended, known = time.monotonic(), stage.ledger.come()
        evidence = _calm(stage, ended, known)
        stage.silence()
        stage.finish()
        stage.dismiss()
        ledger = stage.ledger
        slower = p99(ledger, began, ended) / p99(ledger, stage.begun, began)
        found = account(ledger, scene.read_url)
        if folder_of := stage.settings.get("capture_to"):
            note += f"; {captured_in(folder_of, found.came)}"
        lost = 0
        if scene.broker is not None:
            stored = scenes.stored_by(scene.broker, stage.killed + 1)
            lost, words = _confirmed(stored, found)
            note += f"; {words}"
        return Row(
            fault.name,
            found,
            slower,
            recovered_after(ledger, ended),
            evidence,
            note,
            lost=lost,
        )


def _confirmed(stored: int, found: Account) -> tuple[int, str]:
    """Return how much was lost of all that the broker had confirmed, and say it."""
    unsent = stored - (found.asked - found.never_came)
    unknown = sum(n for name, n in found.outcomes.items() if "fate_unknown" in name)
    lost = max(0, unsent - unknown)
    said = f"{stored:,} confirmed by the broker, {lost} lost"
    more = f", {unsent} writes of unknown fate unsent" if unsent > 0 else ""
    return lost, said + more


def bare(fault: Fault, seconds: float, folder: Path) -> float:
    """Return how much slower the same fault makes a live app that has none of ours."""
    (folder / "watched").mkdir()
    with (
        fault.scene(folder) as scene,
        _stage(fault, scene, folder, enabled=False) as stage,
    ):
        stage.begin()
        time.sleep(max(2.0, seconds / 2))
        began = time.monotonic()
        fault.harm(stage, scene, seconds)
        ended = time.monotonic()
        stage.silence()
        ledger = stage.ledger
        return p99(ledger, began, ended) / p99(ledger, stage.begun, began)


def _stage(fault: Fault, scene: Scene, folder: Path, *, enabled: bool = True) -> Stage:
    return Stage(
        folder,
        {
            "enabled": enabled,
            **SOON,
            "store_url": scene.store_url,
            **scene.settings,
            **fault.settings,
        },
        server=fault.server,
        net=scene.net,
        rate=fault.rate,
        read_url=scene.read_url,
        environ={"DRILL_CLOCK": "1"},
    )


def _calm(stage: Stage, since: float, known: int) -> float:
    """Wait until copies and evidence are back; how long the evidence took."""
    evidence, deadline = -1.0, since + PATIENCE
    while (now := time.monotonic()) < deadline:
        if evidence < 0 and ended_in(stage.read_url) >= known:
            evidence = now - since
        late = recovered_after(stage.ledger, max(since, now - CALM), until=now - 1.5)
        if evidence >= 0 and not late and now - since > CALM + 1.5:
            break
        time.sleep(0.25)
    return evidence


def shown(rows: Iterable[Row]) -> str:
    """Return the table, in Markdown."""
    lines = [
        "| fault | requests | live errors | p99 | account | not sent, and why "
        "| writes twice | copies back | evidence back | |",
        "|---|--:|--:|--:|---|---|--:|--:|--:|---|",
    ]
    for row in rows:
        one = row.account
        whole = "exact" if one.whole else f"**{one.selected - one.came:+}**"
        evidence = (
            f"{row.evidence_back:.1f} s" if row.evidence_back >= 0 else "**never**"
        )
        lines.append(
            f"| {row.fault} | {one.asked:,} | {_errors(one)} | {_slower(row)} | {whole} "
            f"| {_unsent(one)} | {one.writes_twice} | {row.copies_back:.1f} s "
            f"| {evidence} | {row.note} |"
        )
    return "\n".join(lines)


def _row(fault: Fault, seconds: float) -> Row:
    with tempfile.TemporaryDirectory(prefix="drill-") as folder:
        row = drill(fault, seconds, Path(folder))
    if not fault.beside:
        return row
    with tempfile.TemporaryDirectory(prefix="drill-") as folder:
        slower = bare(fault, seconds, Path(folder))
    return msgspec.structs.replace(row, slower_bare=slower)


def _errors(one: Account) -> str:
    if not one.turned_away:
        return f"{one.errors}"
    return f"{one.errors} ({one.turned_away} never reached the app)"


def _slower(row: Row) -> str:
    ours = f"{row.slower:.1f}"
    return f"{ours} (without us {row.slower_bare:.1f})" if row.slower_bare else ours


def _unsent(one: Account) -> str:
    reasons = [
        f"{count:,} {name.partition(': ')[2]}"
        for name, count in one.outcomes.items()
        if name.startswith(("dropped", "skipped", "live_error"))
    ]
    return f"{one.never_came:,}" + (f" ({', '.join(reasons)})" if reasons else "")


def judged(rows: Sequence[Row], broken: Mapping[str, str]) -> tuple[str, bool]:
    """Return what had to hold and where it did not, in Markdown; and whether all did."""
    lines, good = ["| what has to hold | | where not |", "|---|---|---|"], not broken
    for name, holds in HOLDS.items():
        others = [row.fault for row in rows if not holds(row)]
        good &= not others or name == SERVERS_OWN
        held = "**no**" if others else "yes" if rows else ""
        lines.append(f"| {name} | {held} | {'; '.join(others)} |")
    lines += [
        f"| {name} came to its end | **no** | {w} |" for name, w in broken.items()
    ]
    return "\n".join(lines), good


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the faults, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", default="", help="faults whose name has this in it")
    parser.add_argument("--list", action="store_true", help="name the faults, and end")
    parser.add_argument("--rows", type=Path, help="a file to append rows to, as JSON")
    asked = parser.parse_args(arguments)
    faults = [fault for fault in FAULTS if asked.only in fault.name]
    if asked.list:
        print("\n".join(fault.name for fault in faults))
        return 0
    if not faults:
        print(f"no fault has {asked.only!r} in its name: --list", file=sys.stderr)
        return 2
    rows: list[Row] = []
    broken: dict[str, str] = {}
    for fault in faults:
        if fault.scene in scenes.PRIVILEGED and not scenes.is_allowed():
            print(f"left out, needs root: {fault.name}", file=sys.stderr)
            continue
        _run(fault, asked.seconds, rows, broken)
        if asked.rows and rows and rows[-1].fault == fault.name:
            with asked.rows.open("ab") as file:
                file.write(msgspec.json.encode(rows[-1]) + b"\n")
    words, good = judged(rows, broken)
    print(shown(rows) + "\n\n" + words)
    return 0 if good else 1


def _run(fault: Fault, seconds: float, rows: list[Row], broken: dict[str, str]) -> None:
    """Have one more row, or one more that broke off; the others are to go on."""
    times = 4.0 if fault.beside else 2.0
    try:
        with in_time(times * seconds + LONGEST):
            row = _row(fault, seconds)
    except Exception as error:  # noqa: BLE001 -- the fence around a row
        traceback.print_exc()
        broken[fault.name] = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    else:
        rows.append(row)
        print(msgspec.json.encode(row).decode(), file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
