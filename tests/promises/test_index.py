"""The page of promises is held to the tests, and the tests to the page."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "promises.md"
LAST = 68

LATER: dict[int, str] = {}
"""Promises of parts that are not built yet, with the reason."""

ROW = re.compile(r"^### W(\d+) · (.+)$")
PROOF = re.compile(r"^- `(tests/[\w/]+\.py)::(test_\w+)`$")
NUMBER = re.compile(r"\bW([1-9]\d?)\b")


def read_page() -> dict[int, list[tuple[str, str]]]:
    """Return each row of the page with the tests that it names."""
    rows: dict[int, list[tuple[str, str]]] = {}
    for line in PAGE.read_text("utf-8").splitlines():
        if row := ROW.match(line):
            number = int(row[1])
            assert number not in rows, f"W{number} is there twice"
            rows[number] = []
        elif proof := PROOF.match(line):
            rows[number].append((proof[1], proof[2]))
        else:
            assert not line.startswith(("###", "- ")), f"cannot be read: {line}"
    return rows


@cache
def proofs_in(path: Path) -> dict[str, set[int]]:
    """Return each test of a module with the promises that its docstring names."""
    module = ast.parse(path.read_text("utf-8"))
    return {
        node.name: {int(n) for n in NUMBER.findall(ast.get_docstring(node) or "")}
        for node in module.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


ROWS = read_page()


def test_every_promise_is_kept_or_is_of_a_later_part() -> None:
    """None is forgotten, and none is both promised and put off."""
    assert list(range(1, LAST + 1)) == sorted([*ROWS, *LATER])


@pytest.mark.parametrize("number", ROWS, ids=lambda number: f"W{number}")
def test_every_promise_names_tests_that_prove_it(number: int) -> None:
    """Each exists, and says in its docstring what it proves."""
    assert ROWS[number]
    for path, name in ROWS[number]:
        assert number in proofs_in(ROOT / path)[name], f"{path}::{name}"


def test_no_test_proves_what_is_not_promised() -> None:
    """A number in a docstring leads to the page; a slip of the pen leads nowhere."""
    named = {
        number
        for path in (ROOT / "tests").rglob("test_*.py")
        for numbers in proofs_in(path).values()
        for number in numbers
    }

    assert set(ROWS) == named


def test_the_page_can_be_found() -> None:
    """It stands in the navigation of the documentation."""
    assert ": promises.md\n" in (ROOT / "mkdocs.yml").read_text("utf-8")
