"""The one command of each example: it plays everything and ends by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from examples.django_app import planted as django_planted
from examples.fastapi_app import planted as fastapi_planted
from examples.stage.faults import Planted
from examples.stage.servers import ROOT, free_port

pytestmark = pytest.mark.usefixtures("children_uncounted")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("examples.fastapi_app", fastapi_planted),
        ("examples.django_app", django_planted),
    ],
)
def test_one_command_shows_each_planted_difference(
    module: str, planted: ModuleType, tmp_path: Path
) -> None:
    """What the README says first works as it stands, and leaves nothing behind."""
    ports = ["--port", str(free_port()), "--shadow-port", str(free_port())]
    ended = subprocess.run(
        [sys.executable, "-m", module, "--seconds", "1", "--rate", "60", *ports],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "140", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == ended.returncode, ended.stderr
    lines = ended.stdout.splitlines()
    assert [] == [
        fault.name
        for fault in planted.PLANTED
        if fault.part != "latency" and not any(names(fault, line) for line in lines)
    ]
    assert any(line.startswith("ALERT GET ") for line in lines)
    assert any(line.startswith("Verdict on shadow: ") for line in lines)
    assert [] == list(tmp_path.glob("shadow-example-*"))


def names(fault: Planted, line: str) -> bool:
    """Whether a line of the report's table of groups is about this fault."""
    return f" {fault.endpoint}  {where(fault)}" in line


def where(fault: Planted) -> str:
    """Return the place of a fault as the report words it, as far as it is known."""
    if fault.path == "**":
        return fault.part
    if fault.path.startswith("set-cookie/"):
        return f"cookie {fault.path.removeprefix('set-cookie/')}:"
    return " ".join(filter(None, (fault.part, fault.path))) + ":"
