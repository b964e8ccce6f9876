"""`capture info|cat|grep|merge|redact|verify`: looking into files, and making others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shadow_middleware.exchange import Request
from shadow_middleware.settings import Settings
from shadow_middleware.traffic.files import CaptureFile, open_capture
from shadow_middleware.traffic.ndjson import Account, Head, encode
from shadow_middleware.traffic.recorded import Recorded
from shadow_middleware.traffic.writer import CaptureWriter
from tests.cli.conftest import EVIL, Run, words
from tests.traffic.making import a_record

HEAD = Head(1, "test")


def write(path: Path, *records: Recorded) -> Path:
    """Write a capture file, and return where it is."""
    with CaptureFile(path, HEAD) as file:
        for record in records:
            file.add(record)
    return path


def exchanges(path: Path) -> list[Recorded]:
    """Return what can be read of a file."""
    return [each for each in open_capture(path) if isinstance(each, Recorded)]


def ids(path: Path) -> list[str]:
    """Return the ids in a file, in order."""
    return [record.exchange.id for record in exchanges(path)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a directory with two files, three exchanges and one session."""
    folder = tmp_path / "captures"
    folder.mkdir()
    write(folder / "1.ndjson.zst", a_record(1), a_record(2, key="masked-ann"))
    post = Request("POST", b"/items", b"", [(b"X-Shop", b"berlin")])
    write(
        folder / "2.ndjson.gz", a_record(3, request=post, response=None, route="/items")
    )
    return folder


def test_info_says_what_is_in_the_files(folder: Path, run: Run) -> None:
    """Counts, span, routes, statuses, sizes, sessions."""
    found = json.loads(run("capture", "info", str(folder), "--json").stdout)

    assert "shadow-middleware/capture-info/1" == found["format"]
    assert (3, 3, 0) == (found["exchanges"], found["sampled"], found["bad_records"])
    assert (1_700_000_001.0, 1_700_000_003.0) == (found["first"], found["last"])
    assert {"GET /items/{id}": 2, "POST /items": 1} == found["routes"]
    assert {"200": 2, "none": 1} == found["statuses"]
    assert (1, 1) == (found["sessions"], found["with_session"])
    assert ["ok", "ok"] == [file["state"] for file in found["files"]]


@pytest.mark.parametrize("columns", [80, 120])
def test_info_is_readable(folder: Path, run: Run, columns: int) -> None:
    """On terminals of both widths."""
    result = run("capture", "info", str(folder), columns=columns)

    shown = words(result)
    assert "3 exchanges in 2 files" in shown
    assert "GET /items/{id} 2 66.67 %" in shown
    assert "1; 2 exchanges without one" in shown
    assert max(map(len, result.stdout.splitlines())) <= columns


def test_info_tells_what_was_sampled_and_not_written(tmp_path: Path, run: Run) -> None:
    """The agent's own files account for everything that it took."""
    writer = CaptureWriter(
        Settings(capture_to=str(tmp_path), queue_count=1), interval=60
    )
    for number in range(3):
        writer.add(a_record(number).exchange, 10)
    writer.close(10.0)

    shown = words(run("capture", "info", str(tmp_path)))

    assert "2 of 3 sampled exchanges were not written" in shown
    assert "2 queue_full: the agent's queue was full" in shown


def test_cat_prints_a_line_for_each_or_all_of_it(folder: Path, run: Run) -> None:
    """For people and, as JSON, for programs."""
    lines = run("capture", "cat", str(folder)).stdout.splitlines()
    as_json = run("capture", "cat", str(folder), "--json").stdout.splitlines()
    full = words(run("capture", "cat", str(folder), "--full", "--limit", "1"))

    assert 3 == len(lines) == len(as_json)
    expected = "2023-11-14 22:13:21.000  200     0.00 ms  GET    /items/1?a=1"
    assert expected == lines[0]
    assert "feed-1" == json.loads(as_json[0])["id"]
    assert 'Content-Type: application/json [{"id": 1, "name": "tea"}]' in full


def test_nothing_of_the_traffic_reaches_the_terminal_as_it_is(
    tmp_path: Path, run: Run
) -> None:
    """Control characters are shown, not obeyed."""
    evil = Request("GET", EVIL.encode(), b"", [(EVIL.encode(), EVIL.encode())])
    path = write(tmp_path / "a.ndjson", a_record(1, request=evil, route=EVIL))
    for command in ("cat --full", "cat", "info"):
        result = run("capture", *command.split(), str(path))

        assert "\x1b" not in result.stdout
        assert "\\x1b[31m[bold]/evil" in result.stdout.replace("\n", "")


def test_grep_prints_what_fits_everything_that_is_asked(folder: Path, run: Run) -> None:
    """As lines, as JSON, or as a number."""
    asked = ["--route", "GET /items/{id}", "--status", "2xx", "--text", '"ID": 2', "-i"]
    asked += ["--header", "content-type:json", "--since", "2023-11-14T22:13:21"]
    result = run("capture", "grep", str(folder), *asked, "--json")

    assert ["feed-2"] == [json.loads(line)["id"] for line in result.stdout.splitlines()]
    assert 0 == result.exit_code
    assert "1\n" == run("capture", "grep", str(folder), *asked, "--count").stdout


def test_grep_that_finds_nothing_says_so_by_its_exit_code(
    folder: Path, run: Run
) -> None:
    """As grep does."""
    assert 1 == run("capture", "grep", str(folder), "--method", "PUT").exit_code


def test_merge_puts_all_in_order_once(folder: Path, run: Run, tmp_path: Path) -> None:
    """By time, whatever the order of the files; what is twice there is left out."""
    early = write(tmp_path / "z.ndjson", a_record(0), a_record(2, key="masked-ann"))
    out = tmp_path / "all.ndjson.zst"

    result = run("capture", "merge", str(early), str(folder), "-o", str(out), "--json")

    told = json.loads(result.stdout)
    assert (4, 1, 3) == (told["exchanges"], told["copies"], told["files"])
    assert ["feed-0", "feed-1", "feed-2", "feed-3"] == ids(out)


def test_merge_follows_writers_through_their_rotated_files(
    tmp_path: Path, run: Run
) -> None:
    """Files of two workers, each rotated, come out as one row."""
    names = {
        "20260101T000000.000Z-1.aa-0001.ndjson.zst": [1, 3],
        "20260101T000000.000Z-2.bb-0001.ndjson.zst": [2, 5],
        "20260101T010000.000Z-1.aa-0002.ndjson.zst": [4, 6],
    }
    for name, numbers in names.items():
        write(tmp_path / name, *map(a_record, numbers))
    out = tmp_path / "out" / "all.ndjson"
    out.parent.mkdir()
    run("capture", "merge", str(tmp_path), "-o", str(out))

    assert [f"feed-{number}" for number in range(1, 7)] == ids(out)


def test_redact_takes_out_more_and_leaves_the_source(tmp_path: Path, run: Run) -> None:
    """By header, place in JSON and pattern; equal values get equal marks."""
    request = Request("GET", b"/tea/no-77", b"", [(b"X-User", b"tea")])
    source = write(tmp_path / "a.ndjson.zst", a_record(1, request=request))
    before = source.read_bytes()
    out = tmp_path / "b.ndjson"
    asked = ["--header", "x-user", "--path", "/**/name", "--pattern", "no-77"]

    result = run("capture", "redact", str(source), "-o", str(out), *asked)

    assert "more is masked in 1 of them" in words(result)
    assert before == source.read_bytes()
    (left,) = exchanges(out)
    user = dict(left.exchange.request.headers)[b"X-User"]
    assert user.startswith(b"masked-")
    assert left.exchange.response is not None
    assert user in left.exchange.response.body.data
    assert b"no-77" not in left.exchange.request.path
    assert ("request.path", "request.headers", "response.body") == left.masked


def test_verify_says_where_what_is_damaged(tmp_path: Path, run: Run) -> None:
    """Exit 1, the file, the place; whole files are said to be whole."""
    good = write(tmp_path / "good.ndjson.zst", a_record(1))
    bad = tmp_path / "bad.ndjson.zst"
    data = bytearray(write(bad, a_record(1), a_record(2)).read_bytes())
    data[len(data) // 2] ^= 1
    bad.write_bytes(data)

    assert 0 == run("capture", "verify", str(good)).exit_code
    result = run("capture", "verify", str(good), str(bad))
    assert 1 == result.exit_code
    assert f"{bad}:" in words(result)
    found = json.loads(run("capture", "verify", str(bad), "--json").stdout)
    assert 1 == found["damaged"]
    assert found["files"][0]["bad"][0]["reason"]


def test_verify_misses_what_the_accounts_speak_of(tmp_path: Path, run: Run) -> None:
    """A line that somebody took out is found, though every other is sound."""
    path = tmp_path / "a.ndjson"
    account = Account(2, 2, closed=True)
    path.write_bytes(encode(HEAD) + encode(a_record(1)) + encode(account))

    result = run("capture", "verify", str(path))

    assert 1 == result.exit_code
    assert "it once held 1 exchange more" in words(result)


def test_a_file_without_its_end_is_no_damage(tmp_path: Path, run: Run) -> None:
    """Being written, or left by a writer that was killed."""
    for name, state in (("a.ndjson.part", "being written"), ("b.ndjson", "not closed")):
        path = tmp_path / name
        account = encode(Account(1, 1))
        path.write_bytes(encode(HEAD) + encode(a_record(1)) + account)
        result = run("capture", "verify", str(path))

        assert 0 == result.exit_code
        assert state in words(result)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["info", "nowhere"], "nowhere: there is no such file or directory"),
        (["grep", "a.ndjson", "--status", "99"], "'99' is no status; write 200, 5xx"),
        (["grep", "a.ndjson", "--text", "("], "no pattern"),
        (["grep", "a.ndjson", "--header", ":x"], "':x' names no header"),
        (["merge", "a.ndjson", "-o", "a.ndjson"], "is read as well"),
        (["merge", "a.ndjson", "-o", "no/b.ndjson"], "no/b.ndjson cannot be written"),
        (["merge", "-", "a.ndjson", "-o", "a.ndjson"], "is read as well"),
        (["merge", "a.ndjson", "-o", "."], ". is a directory; name a file in it"),
        (["export", "a.ndjson", "--format", "har", "-o", "."], "is a directory"),
        (["grep", "a.ndjson", "--until", "soon"], "for --until: 'soon' is no time"),
        (["redact", "a.ndjson", "-o", "b", "--pattern", "("], "is not an RE2 pattern"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, run: Run, arguments: list[str], said: str
) -> None:
    """Each with exit code 2, and what would be right."""
    write(tmp_path / "a.ndjson", a_record(1))
    result = run("capture", *arguments)

    assert 2 == result.exit_code
    assert said in words(result)


def test_a_log_given_as_a_capture_is_told_how_to_become_one(
    run: Run, tmp_path: Path
) -> None:
    """A newcomer's first mistake has its remedy beside it."""
    log = tmp_path / "access.log"
    log.write_text("192.0.2.7 - - [10/Oct/2026:13:55:36 +0200] no capture\n", "utf-8")

    out = ["-o", str(tmp_path / "out")]
    more = {"export": ["--format", "har", *out], "merge": out, "redact": out}
    for command in ("info", "cat", "grep", "export", "merge", "redact"):
        result = run("capture", command, str(log), *more.get(command, []))

        assert 2 == result.exit_code
        assert "shadow-middleware capture import" in words(result)
    assert [log] == [*tmp_path.iterdir()]
