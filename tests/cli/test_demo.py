"""`demo`: a real run on the agent engine finds everything that is planted."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from shadow_middleware.cli.demo.planted import PLANTED
from shadow_middleware.cli.demo.stage import DemoError, stage
from shadow_middleware.report.holdings import Holdings

MODULE = [sys.executable, "-m", "shadow_middleware.cli.main"]


@pytest.mark.timeout(120)
def test_the_demo_finds_everything_planted(tmp_path: Path) -> None:
    """Two real servers and an agent; every request is accounted for (W13)."""
    store = f"sqlite:///{tmp_path / 'demo.db'}"
    done = subprocess.run(
        [*MODULE, "demo", "--seconds", "3", "--rate", "40", "--store", store, "--json"],
        capture_output=True,
        text=True,
        timeout=110,
    )

    found = json.loads(done.stdout)
    assert [] == [one["name"] for one in found["planted"] if not one["found"]]
    assert 0 == done.returncode
    [target] = found["report"]["targets"]
    assert target["selected"] == sum(target["outcomes"].values())
    assert {"match", "noise", "divergence"} == set(target["outcomes"])
    assert "do_not_promote" == found["verdict"]["ruling"]
    read = subprocess.run(
        [*MODULE, "report", "--store", store, "--json"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert target["ended"] == json.loads(read.stdout)["targets"][0]["ended"]


@pytest.mark.timeout(120)
def test_without_a_terminal_it_prints_and_ends() -> None:
    """The report, one divergence, what was planted, and the verdict."""
    done = subprocess.run(
        [*MODULE, "demo", "--seconds", "3"], capture_output=True, text=True, timeout=110
    )

    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert f"{len(PLANTED)} of {len(PLANTED)}" in done.stdout
    for one in PLANTED:
        assert one.name in done.stdout
    assert "DO NOT PROMOTE" in done.stdout
    assert "4111" not in done.stdout


@pytest.mark.timeout(60)
def test_a_demo_that_is_told_to_end_leaves_nothing_behind(tmp_path: Path) -> None:
    """SIGTERM stops the servers and removes the files."""
    with subprocess.Popen(
        [*MODULE, "demo"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
    ) as demo:
        assert demo.stdout is not None
        head = "".join(itertools.islice(demo.stdout, 4))
        live_port = int(head.partition("127.0.0.1:")[2].partition(" ")[0])
        demo.terminate()
        demo.stdout.read()

    assert 128 + signal.SIGTERM == demo.returncode
    assert [] == list(tmp_path.iterdir())
    with socket.socket() as probe:
        assert 0 != probe.connect_ex(("127.0.0.1", live_port))


def test_nothing_is_found_where_nothing_is_recorded() -> None:
    """Each check can fail."""
    assert [] == [one.name for one in PLANTED if one.found(Holdings(totals=[]))]


def test_a_server_that_does_not_start_is_an_error_of_ours() -> None:
    """Settings that are wrong end the demo with a sentence, and leave nothing behind."""
    with (
        pytest.raises(DemoError, match=r"live server.*no_such"),
        stage("", {"no_such": 1}),
    ):
        pass
