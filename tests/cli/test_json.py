"""The shapes that `--json` prints are those that the documentation lists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from shadow_middleware.cli.main import app
from shadow_middleware.cli.screen import print_json
from tests.cli.conftest import Run

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


def documented(kind: str) -> tuple[set[str], set[str]]:
    """Return the members that the documentation lists: of the document, of a target."""
    line = re.search(rf"^\| `{re.escape(kind)}` \| (.*) \|$", DOCS.read_text(), re.M)
    assert line is not None
    inner = re.search(r"\(for each `target`: (.*?)\)", line[1])
    outer = re.sub(r"\(.*?\)", "", line[1])
    names = set(re.findall(r"`(\w+)`", outer))
    return names, set(re.findall(r"`(\w+)`", inner[1])) if inner else set()


@pytest.mark.parametrize(
    "command",
    [
        ["report"],
        ["verdict"],
        ["divergences", "list"],
        ["divergences", "show", "aa-1"],
        ["purge", "--keep", "9"],
        ["db", "upgrade"],
    ],
    ids=" ".join,
)
def test_every_shape_is_as_documented(run: Run, url: str, command: list[str]) -> None:
    """No member that the documentation does not list, and none missing."""
    found = json.loads(run(*command, "--store", url, "--json").stdout)
    members, of_a_target = documented(found["format"])

    assert members == set(found) - {"format"}
    for target in found.get("targets", []):
        assert of_a_target == set(target) - {"target"}


@pytest.mark.parametrize(
    "command",
    [
        ["groups", "list"],
        ["groups", "show", "GROUP"],
        ["groups", "ignore", "GROUP"],
        ["recheck", "GROUP", "--url", "http://127.0.0.1:9"],
        ["noise", "list"],
        ["noise", "show", "GROUP"],
        ["noise", "set", "GROUP", "noise"],
        ["noise", "export"],
        ["rules", "list"],
        ["rules", "add", "--path", "/a"],
        ["rules", "suggest"],
        ["rules", "export"],
    ],
    ids=" ".join,
)
def test_every_shape_of_what_is_learned_is_as_documented(
    run: Run, tea: str, command: list[str]
) -> None:
    """Groups, noise and rules, on what became of real traffic."""
    listed = json.loads(run("groups", "list", "--store", tea, "--json").stdout)
    name = listed["groups"][0]["group"]
    words = [name if word == "GROUP" else word for word in command]
    as_json = [] if command == ["noise", "export"] else ["--json"]
    found = json.loads(run(*words, "--store", tea, *as_json).stdout)
    members, _ = documented(found["format"])

    assert members == set(found) - {"format"}


@pytest.mark.parametrize("command", [["report"], ["verdict"], ["divergences", "list"]])
def test_an_empty_store_gives_valid_json(
    run: Run, empty_url: str, command: list[str]
) -> None:
    """Where there is nothing, there is still a document."""
    printed = run(*command, "--store", empty_url, "--json").stdout

    assert "format" in json.loads(printed, parse_constant=pytest.fail)


def test_json_holds_no_number_that_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """NaN and Infinity are no JSON; they are printed as null."""
    print_json("x", {"values": [float("nan"), float("-inf"), 10**400, "\ud800"]})

    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert [None, None, 10**400, "\ud800"] == found["values"]


WITHOUT = {
    "agent": "runs until it is stopped",
    "capture export": "NDJSON and HAR are JSON",
    "dashboard": "runs until it is stopped",
    "export divergences": "NDJSON is JSON",
    "export groups": "NDJSON is JSON",
    "noise export": "writes JSON, for other stores",
    "targets serve": "runs until it is stopped",
    "watch": "a screen for people",
}
"""Commands that print no JSON, and why."""


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Return every command that does something, with its words."""
    children = getattr(command, "commands", None)
    if children is None:
        yield " ".join(path), command
        return
    for name, child in children.items():
        yield from leaves(child, (*path, name))


@pytest.mark.parametrize(
    ("words", "command"), [pytest.param(*x, id=x[0]) for x in leaves(get_command(app))]
)
def test_every_view_is_also_for_programs(words: str, command: Any) -> None:
    """A command that is added without `--json` says why."""
    options = {name for parameter in command.params for name in parameter.opts}

    assert ("--json" in options) != (words in WITHOUT)
