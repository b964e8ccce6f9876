"""`targets add`, `set`, `enable`, `disable`, `remove` and `switch`: from a shell, for all."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from shadow_middleware.cli.targets_serve import TOKEN
from tests.cli.conftest import Run

SETTINGS = (
    'shadow_url = "http://v1.test"\ntarget_allow = ["*.lab.test", "127.0.0.1:*"]\n'
)


@pytest.fixture
def at(empty_url: str, tmp_path: Path) -> list[str]:
    """Give the options that name a store, and settings with one target."""
    file = tmp_path / "shadow.toml"
    file.write_text(SETTINGS)
    return ["--store", empty_url, "--config", str(file)]


def as_json(run: Run, at: list[str], *command: str) -> dict[str, Any]:
    """Run a command and return its targets by name."""
    result = run(*command, *at, "--json")
    assert 0 == result.exit_code, result.output
    document = json.loads(result.stdout)
    assert "shadow-middleware/targets/1" == document["format"]
    return {one["target"]: one for one in document["targets"]}


def test_a_target_is_added_with_all_that_can_be_said(run: Run, at: list[str]) -> None:
    """Its name is made of its URL, or given; the list has it at once."""
    made = as_json(
        run, at, "targets", "add", "http://v2.lab.test", "--rate", "0.5", "--methods",
        "GET,POST", "--include", "/a/**", "--exclude", "/a/b", "--concurrency", "4",
        "--rate-limit", "10", "--persistent", "--disabled", "--note", "a try",
    )["v2-lab-test"]  # fmt: skip
    stored = made["standing"]["stored"]
    listed = as_json(run, at, "targets")

    assert (0.5, ["GET", "POST"], ["/a/**"], ["/a/b"], 4, 10.0, True, False) == tuple(
        stored[name]
        for name in ("rate", "methods", "include", "exclude", "concurrency",
                     "rate_limit", "persistent", "enabled")
    )  # fmt: skip
    assert ("a try", "disabled") == (stored["note"], made["standing"]["why"])
    assert {"shadow", "v2-lab-test"} == listed.keys()


def test_fields_change_one_by_one_and_follow_the_settings_again(
    run: Run, at: list[str]
) -> None:
    """What is not named stays."""
    as_json(run, at, "targets", "set", "shadow", "--rate", "0.2", "--rate-limit", "9")
    both = as_json(run, at, "targets", "set", "shadow", "--follow", "rate-limit")
    stated = both["shadow"]["stated"]

    assert (0.2, 0.0) == (stated["rate"], stated["rate_limit"])


def test_targets_are_disabled_enabled_and_removed(run: Run, at: list[str]) -> None:
    """Several at once; a target of the settings comes back as they say."""
    run("targets", "add", "http://v2.lab.test", "--name", "v2", *at)
    off = as_json(run, at, "targets", "disable", "v2", "shadow")
    on = as_json(run, at, "targets", "enable", "v2")
    removed = run("targets", "remove", "v2", "shadow", *at)
    left = as_json(run, at, "targets", "list")

    assert ["disabled"] * 2 == [one["standing"]["why"] for one in off.values()]
    assert "" == on["v2"]["standing"]["why"]
    assert "Removed: v2, shadow" in removed.stdout
    assert {"shadow": "settings"} == {
        name: one["standing"]["origin"] for name, one in left.items()
    }


def test_what_was_set_is_seen_by_a_person(run: Run, at: list[str]) -> None:
    """State, what was set, by whom, and why; nothing of it is a terminal's code."""
    run("targets", "disable", "shadow", "--note", "\x1b[31mslow", *at)
    run("targets", "set", "shadow", "--rate", "0.1", *at)
    text = " ".join(run("targets", *at).stdout.split())

    assert "state disabled" in text
    assert "address http://v1.test" in text
    assert re.search(
        r"set disabled; rate 0\.1 \(.* UTC( by \S+)?\) “\\x1b\[31mslow”", text
    )


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["add", "http://evil.test"], 2, "target_allow has '*.lab.test'"),
        (["add", "v2.lab.test"], 2, "v2.lab.test"),
        (["add", "http://v2.lab.test", "--name", "shadow"], 2, "targets set shadow"),
        (["set", "shadow"], 2, "say what is to be different"),
        (["set", "shadow", "--follow", "speed"], 2, "is none of: url, enabled"),
        (["set", "shadow", "--rate", "7"], 2, "between 0 and 1"),
        (["enable", "shadow", "shadwo"], 2, "did you mean 'shadow'?"),
        (["remove", "shadow"], 2, "targets disable"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_changes(
    run: Run, at: list[str], command: list[str], code: int, said: str
) -> None:
    """One line, exit code 2; the names of one command all hold, or none."""
    result = run("targets", *command, *at)

    assert code == result.exit_code
    assert said in " ".join(re.sub("[│╭╰╮╯─]", "", result.output).split())
    listed = as_json(run, at, "targets")
    assert [None] == [one["standing"]["stored"] for one in listed.values()]


def test_the_switch_is_shown_and_turned(run: Run, at: list[str]) -> None:
    """Off is said above the list of targets too."""
    fresh = run("switch", *at).stdout
    off = run("switch", "off", "--reason", "incident 7", *at).stdout
    listed = " ".join(run("targets", *at).stdout.split())
    on = json.loads(run("switch", "on", *at, "--json").stdout)

    assert "The switch is on: targets get their copies\n" == fresh
    assert "The switch is off: no copy is made; turned" in off
    assert listed.startswith("The switch is off")
    assert "incident 7" in " ".join(off.split())
    assert "gets nothing: all copies are stopped" in listed
    assert ("shadow-middleware/switch/1", True, "") == (
        on["format"],
        on["switch"]["on"],
        on["switch"]["reason"],
    )


def test_the_switch_takes_on_and_off_alone(run: Run, at: list[str]) -> None:
    """And a reason only with one of them."""
    assert 2 == run("switch", "maybe", *at).exit_code
    assert 2 == run("switch", "--reason", "x", *at).exit_code


@pytest.mark.timeout(90)
def test_the_text_api_is_served_to_who_has_the_token(at: list[str]) -> None:
    """On loopback, from a process of its own, off unless somebody starts it."""
    command = [sys.executable, "-m", "shadow_middleware.cli.main", "targets", "serve"]
    with subprocess.Popen(
        [*command, "--port", "0", *at],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, TOKEN: "a-token-of-this-test", "PYTHONUNBUFFERED": "1"},
    ) as server:
        assert server.stdout is not None
        try:
            where = server.stdout.readline().split()[-1]
            asked = urllib.request.Request(
                f"{where}?url=http://v2.lab.test",
                method="PUT",
                headers={"Authorization": "Bearer a-token-of-this-test"},
            )
            with urllib.request.urlopen(asked, timeout=30) as answer:
                text = answer.read()
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(90)

    assert where.startswith("http://127.0.0.1:")
    assert b"http://v2.lab.test v2-lab-test on\n" == text


def test_beyond_loopback_a_token_is_asked_for(run: Run, at: list[str]) -> None:
    """Before anything listens."""
    result = run("targets", "serve", "--host", "0.0.0.0", *at)

    assert 2 == result.exit_code
    assert TOKEN in result.output
