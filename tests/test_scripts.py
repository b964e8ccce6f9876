"""The project's own programs: they run anywhere, and they find what they look for."""

from __future__ import annotations

import ast
import os
import subprocess
import textwrap
from pathlib import Path

import pytest

from scripts import offline, sizes

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ("bench", "demo", "docs", "lint", "test", "venv")


@pytest.mark.parametrize("path", [*(f"scripts/{name}" for name in SCRIPTS), ".ci/run"])
def test_every_script_is_executable_and_parses(path: str) -> None:
    """A fresh clone needs no `chmod`, and no script breaks half way."""
    done = subprocess.run(["bash", "-n", ROOT / path], check=False)

    assert 0 == done.returncode
    assert os.access(ROOT / path, os.X_OK)


def test_an_interpreter_that_is_too_old_is_named(tmp_path: Path) -> None:
    """Whoever chose the wrong Python is told which, and what is needed."""
    old = tmp_path / "python2.7"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(
        [ROOT / "scripts" / "venv", "all"],
        env=os.environ | {"PYTHON": str(old), "VENV": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 2 == done.returncode
    assert f"PYTHON={old} is not Python 3.11 or newer" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_the_length_of_a_function_leaves_its_docstring_out() -> None:
    """A long promise is no long function."""
    (function,) = ast.parse(
        textwrap.dedent('''
            def promise():
                """
                One.

                Two.
                """
                first = 1
                return first
        ''')
    ).body

    assert isinstance(function, ast.FunctionDef)
    assert 2 == sizes.body_lines(function)


def test_long_files_and_functions_are_found(tmp_path: Path) -> None:
    """What has outgrown a screen is named with its size."""
    path = tmp_path / "long.py"
    path.write_text('"""Documented."""\ndef f():\n' + "    x = 1\n" * 401)

    found = [complaint.removeprefix(str(path)) for complaint in sizes.too_long(path)]

    assert [
        ": 402 lines beside docstrings, at most 400",
        ":2: f has 401 body lines, at most 60",
    ] == found


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<script src="https://unpkg.com/x.js"></script>', 1),
        ('<link rel="stylesheet" href="https://fonts.example/css">', 1),
        ('<link href="//cdn.example/x.css" rel="stylesheet">', 1),
        ('<img src="http://badge.example/x.svg">', 1),
        ('<style>@import url("https://fonts.example/css")</style>', 1),
        ("<style>@import '//fonts.example/css'</style>", 1),
        ('<p style="background: url(//badge.example/x.png)">', 1),
        ('<a href="https://example.com/">read</a>', 0),
        ('<script src="assets/x.js"></script>', 0),
        ('<link rel="canonical" href="https://example.com/">', 0),
    ],
)
def test_pages_that_load_from_elsewhere_are_found(
    html: str, expected: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A link may be followed; nothing may be fetched by opening a page."""
    (tmp_path / "page.html").write_text(html)

    assert expected == offline.main(str(tmp_path))
    assert expected == len(capsys.readouterr().out.splitlines())
