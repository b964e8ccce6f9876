"""A real Django project on both databases, in a process of its own: what stays is told."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import PostgresServer

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = Path(__file__).with_name("django_project.py")


def _cases() -> list[str]:
    """Read the names of the cases; importing them would set Django up here."""
    for node in ast.parse(PROJECT.read_text("utf-8")).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "CASES":
            assert isinstance(node.value, ast.Tuple)
            return [ast.unparse(each) for each in node.value.elts]
    raise AssertionError("there are no cases")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def found(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What each case ended with; all run in one process for each kind of database."""
    folder = tmp_path_factory.mktemp("django")
    if request.param == "sqlite":
        places = [str(folder / "shop.db"), str(folder / "audit.db")]
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        places = [server.url(server.create()) for _ in range(2)]
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.isolation.django_project",
            *places,
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    results: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return results


@pytest.mark.parametrize("case", _cases())
def test_a_copy_leaves_nothing_behind(case: str, found: dict[str, str]) -> None:
    """The name says what; afterwards the one order from before is all there is."""
    assert not found[case], found[case]
