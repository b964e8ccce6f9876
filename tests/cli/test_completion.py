"""Shells complete our commands, as the documentation says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shadow_middleware.cli.main import app

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "shadow_middleware.cli.main"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "_TYPER_COMPLETE_TESTING": "1"}


def completed(words: str, place: int) -> list[str]:
    """Return what bash is offered for the word at that place."""
    asked = {
        "_SHADOW_MIDDLEWARE_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(place),
    }
    runner = CliRunner(env={**asked, "_TYPER_COMPLETE_TESTING": "1"})
    return runner.invoke(app, prog_name="shadow-middleware").stdout.split()


@pytest.mark.parametrize(
    ("words", "place", "expected"),
    [
        ("shadow-middleware verd", 1, "verdict"),
        ("shadow-middleware export gr", 2, "groups"),
        ("shadow-middleware export groups --for", 3, "--format"),
        ("shadow-middleware export groups --format ju", 4, "junit"),
        ("shadow-middleware groups list --part bo", 4, "body"),
    ],
)
def test_a_shell_is_offered_what_fits(words: str, place: int, expected: str) -> None:
    """Commands, options, and values where there is a choice."""
    assert [expected] == completed(words, place)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_names_our_command(shell: str) -> None:
    """`--show-completion`, which finds out the shell by itself outside of tests."""
    environment = {
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
        "_SHADOW_MIDDLEWARE_COMPLETE": f"source_{shell}",
    }
    ran = CliRunner(env=environment).invoke(
        app, ["--show-completion"], prog_name="shadow-middleware"
    )

    assert (0, True) == (ran.exit_code, "shadow-middleware" in ran.stdout)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_takes_the_script(tmp_path: Path) -> None:
    """The script of a real process is one that bash can read."""
    script = subprocess.run(
        COMMAND,
        env=ENVIRONMENT | {"_SHADOW_MIDDLEWARE_COMPLETE": "source_bash"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    file = tmp_path / "completion.sh"
    file.write_text(script)

    subprocess.run(["bash", "-n", file], check=True)
    assert "complete" in script
