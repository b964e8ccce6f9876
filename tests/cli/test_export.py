"""`shadow-middleware export`: what other programs read, whole and well formed."""

from __future__ import annotations

import io
import json
import math
import os
import pty
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from shadow_middleware.cli.export import newest_first
from shadow_middleware.evidence import ANY, Batch
from shadow_middleware.store.memory import MemoryStore
from shadow_middleware.store.sql import SqlStore
from tests.cli.conftest import EVIL, Run, words
from tests.report.records import record

ROOT = Path(__file__).parents[2]


def test_divergences_are_a_line_of_json_each(run: Run, url: str) -> None:
    """NDJSON is the default: one object a line, the newest first, both answers in it."""
    result = run("export", "divergences", "--store", url)
    rows = [json.loads(line) for line in result.output.splitlines()]

    assert 0 == result.exit_code
    assert ["bb-1", "aa-1", "aa-2"] == [row["exchange_id"] for row in rows]
    assert {"divergence"} == {row["kind"] for row in rows}
    assert '{"price": 21, "name": "lamp"}' == rows[1]["shadow_body"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--limit", "1"), ["bb-1"]),
        (("--since", "1h"), ["bb-1", "aa-1"]),
        (("--route", "GET /a"), ["aa-1", "aa-2"]),
        (("--target", "shadow"), ["bb-1", "aa-1", "aa-2"]),
    ],
)
def test_an_export_is_as_narrow_as_it_is_asked_to_be(
    options: tuple[str, ...], expected: list[str], run: Run, url: str
) -> None:
    """Every option of the selection does what it says."""
    result = run("export", "divergences", "--store", url, *options)

    assert expected == [
        json.loads(line)["exchange_id"] for line in result.output.splitlines()
    ]


def test_har_has_an_entry_for_each_side(run: Run, url: str) -> None:
    """HTTP Archive 1.2 with every member that the format requires."""
    result = run("export", "divergences", "--store", url, "--format", "har")
    log = json.loads(result.output)["log"]

    assert ("1.2", "shadow-middleware") == (log["version"], log["creator"]["name"])
    assert 6 == len(log["entries"])
    for entry in log["entries"]:
        needed = {"startedDateTime", "time", "request", "response", "cache", "timings"}
        assert needed <= entry.keys()
        assert {"method", "url", "httpVersion", "headers"} <= entry["request"].keys()
        assert {"status", "content", "redirectURL"} <= entry["response"].keys()
        assert entry["request"]["url"].startswith("http://")
    live, shadow = log["entries"][2:4]
    assert ["live", "shadow"] == [live["_leg"], shadow["_leg"]]
    assert [{"name": "page", "value": "1"}] == live["request"]["queryString"]
    assert '{"price": 19.9, "name": "lamp"}' == live["response"]["content"]["text"]
    assert "body /price changed: 19.9 → 21" in shadow["comment"]


def test_junit_has_a_failure_for_each_divergence(run: Run, url: str) -> None:
    """Whatever control character is in a path, the document is sound."""
    result = run("export", "divergences", "--store", url, "--format", "junit")
    (suite,) = fromstring(result.output).findall("testsuite")

    assert ("3", 3) == (suite.get("tests"), len(suite.findall("testcase/failure")))
    assert "body /price changed" in (suite.findall("*/failure")[1].text or "")


def test_markdown_shows_what_differs_and_lets_nothing_out_of_its_fence(
    run: Run, empty_url: str
) -> None:
    """A body with a fence in it, and a route with markup, stay text."""
    with closing(SqlStore(empty_url)) as store:
        body = "```\n# out\n````"
        evil = record("a-1", route="GET /<b>@you", shadow_body=body, live_body=EVIL)
        store.write(Batch(divergences=[evil]))
    result = run("export", "divergences", "--store", empty_url, "--format", "markdown")

    assert "# Shadow divergences: 1" in result.output
    assert "`````text\n```\n# out\n````\n`````" in result.output
    assert "\\<b\\>@\u200byou" in result.output
    assert "\x1b" not in result.output


def test_groups_are_exported_as_they_are_judged(run: Run, tea: str) -> None:
    """Of real traffic: the same groups as in the list, in every format."""
    listed = json.loads(run("groups", "list", "--store", tea, "--json").output)
    rows = [
        json.loads(line)
        for line in run("export", "groups", "--store", tea).output.splitlines()
    ]
    names = [row["fingerprint"] for row in rows]
    assert names
    assert listed["total"] == len(names)

    xml = fromstring(
        run("export", "groups", "--store", tea, "--format", "junit").output
    )
    assert len(names) == len(xml.findall("testsuite/testcase/failure"))
    markdown = run("export", "groups", "--store", tea, "--format", "markdown").output
    assert all(f"| `{name}` |" in markdown for name in names)
    har = json.loads(run("export", "groups", "--store", tea, "--format", "har").output)
    assert set(names) <= {g for e in har["log"]["entries"] for g in e["_groups"]}


def test_what_does_not_count_is_skipped_in_junit(run: Run, tea: str) -> None:
    """`--state all`: an ignored group is in the document, and is no failure."""
    name = json.loads(run("export", "groups", "--store", tea).output.splitlines()[0])
    run("groups", "ignore", name["fingerprint"], "--store", tea)
    plain = run("export", "groups", "--store", tea).output
    result = run(
        *("export", "groups", "--store", tea, "--state", "all", "--format", "junit")
    )
    skipped = fromstring(result.output).findall("testsuite/testcase/skipped")

    assert name["fingerprint"] not in plain
    assert "ignored" in {one.get("message") for one in skipped}


def test_only_the_samples_of_a_group_are_exported(run: Run, tea: str) -> None:
    """`--group` takes the beginning of a fingerprint, as other commands do."""
    group = json.loads(run("export", "groups", "--store", tea).output.splitlines()[0])
    rows = run(
        *("export", "divergences", "--store", tea),
        *("--group", group["fingerprint"][:8]),
    ).output.splitlines()

    assert rows
    assert all(group["fingerprint"] in json.loads(row)["groups"] for row in rows)


@pytest.mark.parametrize(
    ("options", "holds"),
    [
        (("--limit", "1"), lambda rows, every: every[:1] == rows),
        (("--since", "2999-01-01T00:00"), lambda rows, every: not rows),
    ],
    ids=lambda one: one[0] if isinstance(one, tuple) else "",
)
def test_groups_are_narrowed_as_asked(
    options: tuple[str, ...], holds: Any, run: Run, tea: str
) -> None:
    """Every option of the selection does what it says."""
    every = run("export", "groups", "--store", tea).output.splitlines()
    rows = run("export", "groups", "--store", tea, *options).output.splitlines()

    assert every
    assert holds(rows, every)


def test_a_state_that_does_not_exist_is_refused(run: Run, url: str) -> None:
    """With those that do."""
    result = run("export", "groups", "--store", url, "--state", "opne")

    assert 2 == result.exit_code
    assert "regressed" in result.output


def test_a_file_appears_when_it_is_whole(run: Run, url: str, tmp_path: Path) -> None:
    """`--output`: nothing is on standard output, and no draft is left."""
    file = tmp_path / "out" / "d.ndjson"
    file.parent.mkdir()
    result = run("export", "divergences", "--store", url, "-o", str(file))

    assert (0, "") == (result.exit_code, result.output)
    assert 3 == len(file.read_text("utf-8").splitlines())
    assert [file] == list(file.parent.iterdir())


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("/nowhere/at/all", "/nowhere/at/all cannot be written: No such file"),
        (f"{__file__}/below", "below cannot be written: Not a directory"),
        (".", "--output: . is a directory; name a file in it"),
    ],
)
def test_a_file_that_cannot_be_written_is_named(
    run: Run, url: str, output: str, said: str
) -> None:
    """And no trace of ours is shown."""
    result = run("export", "divergences", "--store", url, "-o", output)

    assert 2 == result.exit_code
    assert said in words(result)


@pytest.mark.parametrize("page", [1, 2, 3, 7, 100])
def test_pages_leave_nothing_out_and_nothing_twice(page: int) -> None:
    """Also where many happened at the very same moment, in the middle of a page."""
    store = MemoryStore()
    times = [5.0, 5.0, 4.0, 3.0, 3.0, 3.0, 3.0, 3.0, 2.0, 2.0]
    store.write(
        Batch(divergences=[record(f"x-{n}", at=at) for n, at in enumerate(times)])
    )
    found = [one.id for one in newest_first(store, ANY, page)]

    assert 10 == len(found) == len(set(found))
    assert found == [one.id for one in store.divergences(limit=100)]
    assert math.isfinite(times[0])


def test_what_is_written_meanwhile_moves_no_page() -> None:
    """A store that grows while it is read gives each old divergence once."""
    store = MemoryStore()
    store.write(Batch(divergences=[record(f"x-{n}", at=float(n)) for n in range(9)]))
    seen = []
    for one in newest_first(store, ANY, 3):
        seen.append(one.record.exchange_id)
        store.write(Batch(divergences=[record(f"new-{len(seen)}", at=99.0)]))

    assert [f"x-{n}" for n in reversed(range(9))] == seen


def test_long_work_shows_a_bar_on_a_terminal_only(url: str, tmp_path: Path) -> None:
    """On standard error, where the terminal is, and never in what is exported."""
    command = [sys.executable, "-m", "shadow_middleware.cli.main", "export"]
    arguments: list[Any] = [*command, "divergences", "--store", url]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm"}
    master, slave = pty.openpty()
    file = tmp_path / "d.ndjson"
    subprocess.run(
        [*arguments, "-o", str(file)], stderr=slave, env=environment, check=True
    )
    os.close(slave)
    with io.FileIO(master) as terminal:
        shown = terminal.read(65_536) or b""
    quiet = subprocess.run(arguments, env=environment, capture_output=True, check=True)

    assert b"3/3" in shown
    assert b"" == quiet.stderr
    assert file.read_bytes() == quiet.stdout


def test_hostile_text_stays_inert(run: Run, url: str) -> None:
    """No control character of traffic reaches a terminal through an export."""
    for form in ("ndjson", "har", "junit", "markdown"):
        output = run("export", "divergences", "--store", url, "--format", form).output

        assert "\x1b" not in output
        assert EVIL not in output
