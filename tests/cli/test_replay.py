"""`replay` and `runs`: what they refuse, print, return, and leave in the store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from shadow_middleware.exchange import Response
from shadow_middleware.testing import ShadowServer
from shadow_middleware.testing.wire import Reply
from shadow_middleware.traffic.recorded import Missing
from tests.cli.conftest import Run, words
from tests.cli.test_json import documented
from tests.offline.recordings import recorded, written

NOWHERE = "http://127.0.0.1:9"
FEW = ("--speed", "max", "--target")


@pytest.fixture(scope="module")
def shadow() -> Iterator[ShadowServer]:
    """Give a healthy shadow for all tests of this module."""
    with ShadowServer() as server:
        yield server


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give a file of 120 readings on two routes, and 3 writes."""
    records = [
        recorded(n, route=f"/{'ab'[n % 2]}/{{id}}", key=f"k{n % 9}") for n in range(120)
    ]
    records += [recorded(200 + n, "POST") for n in range(3)]
    return str(written(tmp_path_factory.mktemp("c") / "t.ndjson.zst", records))


@pytest.fixture
def store(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the store that commands use by themselves."""
    monkeypatch.setenv("SHADOW_MIDDLEWARE_STORE_URL", empty_url)
    return empty_url


def json_of(run: Run, *arguments: str) -> dict[str, Any]:
    """Return what a command prints as JSON."""
    found: dict[str, Any] = json.loads(run(*arguments, "--json").stdout)
    return found


def test_a_replay_reports_and_rules(
    run: Run, shadow: ShadowServer, capture: str, store: str, tmp_path: Path
) -> None:
    """Exit code 0 to promote; what was left out is said with how to include it."""
    shadow.become(Reply.json({"ok": True}))
    policy = tmp_path / "policy.toml"
    policy.write_text("[verdict]\nminimum_rate = 0.9\n")

    asked = ("replay", capture, *FEW, shadow.url, "--policy", str(policy))
    result = run(*asked)
    as_json = json_of(run, *asked)

    assert 0 == result.exit_code, result.output
    said = words(result)
    assert "123 records = 123 to replay" in said
    assert "3 writes are left out (3 POST); to send them: --methods" in said
    assert "Verdict on shadow: PROMOTE" in said
    assert "live is not called" in said
    members, _ = documented(as_json["format"])
    assert members - {"substitutions"} == set(as_json) - {"format"}
    assert (0, 123) == (as_json["exit_code"], as_json["progress"]["ended"])


def test_a_run_is_beside_live_and_found_by_name(
    run: Run, shadow: ShadowServer, capture: str, store: str
) -> None:
    """Every command that reads evidence reads a run when it is asked to."""
    shadow.become(Reply.json({"ok": 1}))
    found = run("replay", capture, *FEW, shadow.url, "--name", "branch")
    assert 1 == found.exit_code, found.output

    assert [] == json_of(run, "report")["targets"]
    assert 123 == json_of(run, "report", "--run", "branch")["targets"][0]["ended"]
    assert 3 == run("verdict").exit_code
    assert 1 == run("verdict", "--run", "branch").exit_code
    assert 0 == json_of(run, "divergences", "list")["total"]
    assert 120 == json_of(run, "divergences", "list", "--run", "branch")["total"]
    [a, b] = json_of(run, "groups", "list", "--run", "branch")["groups"]
    assert [60, 60] == [a["count"], b["count"]]
    exported = run("export", "divergences", "--run", "branch").stdout.splitlines()
    assert 120 == len(exported)
    key = str(
        json_of(run, "divergences", "list", "--run", "branch")["divergences"][0]["id"]
    )
    assert 2 == run("divergences", "show", key).exit_code
    assert 0 == run("divergences", "show", key, "--run", "branch").exit_code
    listed = words(run("divergences", "list", "--run", "branch"))
    assert "divergences show ID --run branch" in listed
    assert "run branch" in words(run("report", "--run", "branch"))
    hint = f"recheck {a['group'][:8]} --resolve --run branch"
    assert hint in words(run("groups", "show", a["group"], "--run", "branch"))
    shadow.become(Reply.json({"ok": True}))
    assert 2 == run("recheck", a["group"]).exit_code
    assert 0 == run("recheck", a["group"], "--resolve", "--run", "branch").exit_code
    assert 1 == json_of(run, "groups", "list", "--run", "branch")["total"]
    assert 0 == run("groups", "reopen", a["group"], "--run", "branch").exit_code
    assert 0 == run("groups", "ignore", a["group"], "--run", "branch").exit_code
    assert 1 == json_of(run, "groups", "list", "--run", "branch")["total"]
    assert 0 == json_of(run, "groups", "list", "--state", "all")["total"]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            '[[transform]]\nfunction = "nowhere:step"',
            "cannot import 'nowhere:step'",
        ),
        ('transport = "nowhere:transport"', "cannot import 'nowhere:transport'"),
    ],
)
def test_what_cannot_be_made_is_said_before_there_is_a_run(
    run: Run, capture: str, store: str, tmp_path: Path, setting: str, said: str
) -> None:
    """No run stays behind that seems to have been killed."""
    config = tmp_path / "shadow.toml"
    config.write_text(setting)
    found = run(
        *("replay", capture, "--target", "http://127.0.0.1:1", "--config", str(config))
    )

    assert 2 == found.exit_code
    assert said in words(found)
    assert [] == json_of(run, "runs", "list")["runs"]


def test_two_runs_tell_what_a_build_fixed_and_broke(
    run: Run, shadow: ShadowServer, capture: str, store: str, tmp_path: Path
) -> None:
    """As text, JSON, Markdown and JUnit; the exit code is for CI."""
    for name, answer in (("good", True), ("bad", 1), ("mended", True)):
        shadow.become(Reply.json({"ok": answer}))
        run("replay", capture, *FEW, shadow.url, "--name", name)
    run("replay", capture, *FEW, shadow.url, "--name", "half", "--route", "/a/{id}")

    worse = json_of(run, "runs", "diff", "good", "bad")
    assert (1, [60, 60]) == (
        worse["exit_code"],
        [one["after"] for one in worse["broke"]],
    )
    better = json_of(run, "runs", "diff", "bad", "mended")
    assert (0, 2, []) == (better["exit_code"], len(better["fixed"]), better["broke"])
    same = json_of(run, "runs", "diff", "bad", "bad")
    assert (0, 2) == (same["exit_code"], len(same["still"]))
    partly = json_of(run, "runs", "diff", "bad", "half")
    assert ["GET /a/{id}"] == [one["route"] for one in partly["fixed"]]
    assert ["GET /b/{id}"] == [one["route"] for one in partly["unknown"]]
    assert ["GET /b/{id}"] == partly["only_before"]

    assert 1 == run("runs", "diff", "good", "bad").exit_code
    assert "2 broke, 0 fixed" in words(run("runs", "diff", "good", "bad"))
    markdown = run("runs", "diff", "good", "bad", "--format", "markdown").stdout
    assert "### Replay: 2 broke" in markdown
    junit = run("runs", "diff", "good", "bad", "--format", "junit").stdout
    assert "2" == ElementTree.fromstring(junit).get("failures")

    for command in (["list"], ["show", "bad"], ["diff", "good", "bad"]):
        printed = json_of(run, "runs", *command)
        members, _ = documented(printed["format"])
        assert members == set(printed) - {"format"}

    listed = json_of(run, "runs", "list")
    assert ["half", "mended", "bad", "good"] == [one["name"] for one in listed["runs"]]
    shown = run("runs", "show", "bad")
    assert "DO NOT PROMOTE" in words(shown)
    assert 0 == run("runs", "remove", "bad").exit_code
    assert 3 == json_of(run, "runs", "list")["total"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name files to replay, or a run to --resume"),
        (("no-such-file", "--target", NOWHERE), "there is no such file"),
        (("{file}",), "say where the shadow is: --target URL"),
        (("{file}", "--target", "nowhere"), "--target: 'nowhere' is not an http://"),
        (("{file}", "--target", NOWHERE, "--until", "soon"), "for --until: 'soon' is"),
        (("{file}", "--target", NOWHERE, "--speed", "fast"), "is no speed"),
        (("{file}", "--target", NOWHERE, "--rate", "0"), "0 is no rate"),
        (
            ("{file}", "--target", NOWHERE, "--rate", "5", "--speed", "2x"),
            "leave one of them out",
        ),
        (("{file}", "--target", NOWHERE, "--status", "6xx"), "is no status"),
        (("{file}", "--target", NOWHERE, "--path", "/none"), "left out by the filters"),
        (("{file}", "--target", "http://live.example"), "--allow-live-host"),
        (("-", "--target", NOWHERE), "standard input can be read once"),
        (("--resume", "zzz"), "no run begins with 'zzz'"),
        (("--resume", "zzz", "--speed", "max"), "says nothing beside --resume"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(
    run: Run, capture: str, store: str, arguments: tuple[str, ...], said: str
) -> None:
    """Exit code 2, and a sentence that says what would be right."""
    result = run("replay", *(one.replace("{file}", capture) for one in arguments))

    assert 2 == result.exit_code
    assert said in words(result)
    assert 0 == json_of(run, "runs", "list")["total"]


def test_a_file_without_answers_needs_a_control(
    run: Run, shadow: ShadowServer, store: str, tmp_path: Path
) -> None:
    """It is said before anything is sent; with one, two addresses are compared."""
    shadow.become(Reply.json({"ok": True}))
    shadow.clear()
    records = [recorded(n, response=None, missing=[Missing.RESPONSE]) for n in range(3)]
    file = str(written(tmp_path / "t.ndjson", records))

    refused = run("replay", file, *FEW, shadow.url)
    assert 2 == refused.exit_code
    assert "3 of 3 exchanges have no recorded answer" in words(refused)
    assert [] == shadow.received

    with ShadowServer(Reply.json({"ok": True})) as control:
        found = json_of(run, "replay", file, *FEW, shadow.url, "--control", control.url)
    assert {"match": 3} == found["report"]["targets"][0]["outcomes"]


def test_what_was_not_recorded_is_said(
    run: Run, shadow: ShadowServer, store: str, tmp_path: Path
) -> None:
    """And is no evidence: too little to rule on."""
    shadow.become(Reply.json({"ok": True}))
    missing = [Missing.RESPONSE_BODY, Missing.RESPONSE_HEADERS]
    records = [recorded(n, response=Response(200), missing=missing) for n in range(5)]
    file = str(written(tmp_path / "t.ndjson", records))

    result = run("replay", file, *FEW, shadow.url)

    assert 3 == result.exit_code
    assert "5 lack the body of live's answer" in words(result)
    assert re.search(r"incomparable\s+5", result.output)


def test_a_done_run_is_not_resumed(
    run: Run, shadow: ShadowServer, store: str, tmp_path: Path
) -> None:
    """There is nothing to go on with."""
    file = written(tmp_path / "t.ndjson", [recorded(1)])
    run("replay", str(file), *FEW, shadow.url, "--name", "done")

    assert "is done" in words(run("replay", "--resume", "done"))
