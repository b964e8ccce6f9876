"""
Two versions of a real application as live and shadow: is the report its release notes?

    python -m benchmarks.real_app                        datasette 0.61.1 against 0.62
    python -m benchmarks.real_app --live 0.64.8 --shadow 0.65.2
    python -m benchmarks.real_app --shadow 0.61.1        the same version: noise alone

Virtual environments are made with packages from PyPI. Live serves datasette with our
middleware around it; the shadow, and a second copy of live as the control, are started
as their users start them. All of it is on the loopback. Requests are sent one after the
other, and each group of the report is held against the release notes: see `notes.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.real_app.notes import PAIRS, Note
from benchmarks.real_app.servers import environment, run
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import CONTROL
from shadow_middleware.store.sql import SqlStore

COMPARED = (Outcome.MATCH, Outcome.NOISE, Outcome.DIVERGENCE)
RULES = Path(__file__).parent / "rules.toml"

Group = dict[str, Any]
"""As `shadow-middleware groups list --json` prints it."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run both versions, send the traffic, print what was found beside the notes."""
    parser = argparse.ArgumentParser(description="Two versions of datasette.")
    parser.add_argument("--live", default="0.61.1", help="a version on PyPI")
    parser.add_argument("--shadow", default="0.62", help="another one")
    parser.add_argument("--requests", type=int, default=3_000)
    parser.add_argument("--keep", type=Path, help="a folder for the environments")
    parser.add_argument("--evidence", type=Path, help="a file to keep what was found")
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        kept = (asked.keep or home / "environments").resolve()
        kept.mkdir(parents=True, exist_ok=True)
        programs = (
            environment(kept, asked.live, ours=True),
            environment(kept, asked.shadow),
            environment(kept, asked.live),
        )
        evidence = (asked.evidence or home / "evidence.db").resolve()
        store = f"sqlite:///{evidence}"
        answers = run(home, programs, store, rules_for(asked, home), asked.requests)
        print(f"datasette {asked.live} as live, {asked.shadow} as shadow")
        print("live answered", dict(sorted(answers.items())))
        show(store, PAIRS.get((asked.live, asked.shadow), ()))


def rules_for(asked: argparse.Namespace, home: Path) -> Path | None:
    """Write the rules of this pair; None where both are one version."""
    if asked.live == asked.shadow:
        return None
    text = RULES.read_text()
    for side in ("live", "shadow"):
        text = text.replace(f"{{{side}}}", re.escape(getattr(asked, side)))
    written = home / "rules.toml"
    written.write_text(text)
    return written


def show(store: str, notes: Sequence[Note]) -> None:
    """Print outcomes, and the groups note by note."""
    with contextlib.closing(SqlStore(store)) as reader:
        outcomes, unseen = Counter[str](), Counter[str]()
        for row in reader.totals():
            if row.target != CONTROL:
                outcomes[str(row.outcome)] += row.count
                if row.outcome not in COMPARED:
                    unseen[f"{row.outcome} {row.reason}: {row.route}"] += row.count
        report = _groups(store)
        found = report["groups"]
        print("outcomes as first judged", dict(outcomes.most_common()))
        for place, count in sorted(unseen.items()):
            print(f"  {count:6} {place}")
        print(f"{len(found)} groups, and {report['states']['noise']} more are noise")
        of_note = {group["group"]: _note_of(reader, group, notes) for group in found}
        for note in notes:
            _row(note, [group for group in found if of_note[group["group"]] is note])
        rest = [group for group in found if of_note[group["group"]] is None]
        _line("", "no note names it", rest)
        for group in rest:
            print(f"  {group['count']:6} {group['route']}  {group['what']}")
        for total in reader.rule_totals():
            print(f"  {total.count:6} {total.hid} by the rule: {total.rule}")


def _groups(store: str) -> dict[str, Any]:
    """Return what the command shows a user, noise left out."""
    command = ("groups", "list", "--json", "--limit", "1000", "--store", store)
    program = "from shadow_middleware.cli.main import main; main()"
    environ = {**os.environ, "SHADOW_MIDDLEWARE_CONFIG": ""}
    said = subprocess.run(
        [sys.executable, "-c", program, *command],
        check=True,
        capture_output=True,
        env=environ,
    )
    report: dict[str, Any] = json.loads(said.stdout)
    return report


def _note_of(reader: SqlStore, group: Group, notes: Iterable[Note]) -> Note | None:
    """Return the note that all the samples of a group are a change of."""
    name = group["group"]
    pairs = [
        (sample.record, found)
        for sample in reader.samples(name)
        for found in sample.record.differences
        if found.group == name
    ]
    for note in notes:
        if pairs and all(note.fits(*pair) for pair in pairs):
            return note
    return None


def _row(note: Note, groups: Sequence[Group]) -> None:
    said = note.says if note.stated else f"{note.says} (not in the notes)"
    _line(f"#{note.issue}", said, groups)


def _line(issue: str, says: str, groups: Sequence[Group]) -> None:
    places = {tuple(g[k] for k in ("part", "path", "kind")) for g in groups}
    answers = max((group["count"] for group in groups), default=0)
    print(
        f"{issue:6} {says:60.60} {len(groups):4} groups {len(places):4} places, "
        f"the largest in {answers} answers"
    )


if __name__ == "__main__":
    main()
