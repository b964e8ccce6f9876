"""`capture import` and `capture export`: from a server's log to a file, and on."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from typer.testing import CliRunner, Result

from shadow_middleware.cli import main
from shadow_middleware.traffic.files import open_capture
from shadow_middleware.traffic.recorded import Recorded
from tests.traffic.importers.reading import CUSTOM_NGINX, FIXTURES

LINE = (
    '192.0.2.%d - - [10/Oct/2000:13:%02d:36 +0000] "GET /items/%d HTTP/1.1" 200 5 '
    '"-" "tea/1"\n'
)

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs `capture` in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHADOW_MIDDLEWARE_CONFIG", raising=False)

    def run_it(*arguments: object, given: bytes | None = None) -> Result:
        words = ["capture", *map(str, arguments)]
        return CliRunner().invoke(main.app, words, input=given, env={"COLUMNS": "120"})

    return run_it


def records(path: str = "out.ndjson") -> list[Recorded]:
    """Return the exchanges of a capture file."""
    return [each for each in open_capture(path) if isinstance(each, Recorded)]


def test_logs_become_a_capture_in_the_order_of_their_times(
    run: Run, tmp_path: Path
) -> None:
    """Rotated files in any order, one packed, give one row of exchanges."""
    later = (LINE % (1, 30 + n, 4 + n) for n in range(4))
    earlier = (LINE % (2, n, n) for n in range(4))
    (tmp_path / "access.log").write_text("".join(later))
    with gzip.open(tmp_path / "access.log.1.gz", "wt") as packed:
        packed.write("rubbish\n" + "".join(earlier))
    result = run("import", "access.log", "access.log.1.gz", "-o", "out.ndjson")

    assert 0 == result.exit_code, result.output
    paths = [each.exchange.request.path for each in records()]
    assert [b"/items/%d" % number for number in range(8)] == paths
    assert 2 == len({each.exchange.key for each in records()})
    assert "access.log.1.gz:1  rubbish" in result.output
    assert "8 exchanges, 2 sessions, 2000-10-10 13:00:36" in result.output
    assert "only the headers that were logged are sent" in result.output


def test_the_summary_is_there_for_programs(run: Run) -> None:
    """What was read, what it lacks, and what was no exchange, in numbers."""
    log = FIXTURES / "nginx_combined.log"
    result = run("import", log, "-o", "out.ndjson", "--json")
    found = json.loads(result.output)

    assert "shadow-middleware/capture-import/1" == found["format"]
    assert (6, 1) == (found["exchanges"], found["bad"])
    assert {"name": str(log), "format": "combined", "exchanges": 6, "bad": 1} == (
        found["sources"][0]
    )
    assert 6 == found["missing"]["request_headers"]
    assert 2 == found["missing"]["request_body"]


def test_all_bad_lines_go_to_a_file(run: Run, tmp_path: Path) -> None:
    """Screens show the first few; the file has each with its number and reason."""
    lines = "".join(f"rubbish {number}\n" for number in range(20))
    (tmp_path / "a.log").write_text(lines + LINE % (1, 1, 1))
    options = ("--format", "combined", "--bad-lines", "bad.tsv", "-o", "out.ndjson")
    result = run("import", "a.log", *options)

    assert 0 == result.exit_code
    written = (tmp_path / "bad.tsv").read_text().splitlines()
    assert 20 == len(written)
    assert ["a.log:20", "it does not fit the combined format", "rubbish 19"] == (
        written[-1].split("\t")
    )
    assert "rubbish 4" in result.output
    assert "rubbish 5" not in result.output


def test_a_servers_own_format_is_found_in_its_configuration(
    run: Run, tmp_path: Path
) -> None:
    """`@FILE#NAME` is enough."""
    config = f"log_format own '{CUSTOM_NGINX}';\n"
    (tmp_path / "nginx.conf").write_text(config)
    log = FIXTURES / "nginx_custom.log"
    result = run(
        *("import", log, "-o", "out.ndjson", "--format", "nginx"),
        *("--log-format", "@nginx.conf#own"),
    )

    assert 0 == result.exit_code, result.output
    assert bytes(range(256)) == records()[1].exchange.request.body.data


def test_credentials_are_left_out_unless_asked_otherwise(run: Run) -> None:
    """By default no header of a login is written, masked ones are equal, kept ones real."""
    packets = FIXTURES / "packets.ek"
    seen = {}
    for policy in ("drop", "mask", "keep"):
        run("import", packets, "-o", "out.ndjson", "--credentials", policy)
        seen[policy] = Path("out.ndjson").read_text()
    by_default = run("import", packets, "-o", "out.ndjson")

    assert seen["drop"].count("Authorization") == 0
    assert "s3cr3t" not in seen["drop"] + seen["mask"]
    assert "abcdefghijk12345" not in seen["drop"] + seen["mask"]
    assert re.search(r'"Authorization","Bearer masked-[a-z2-7]{16}"', seen["mask"])
    assert '["Authorization","Bearer abcdefghijk12345"]' in seen["keep"]
    assert "Authorization" not in Path("out.ndjson").read_text()
    assert "Credential headers left out: authorization, cookie" in by_default.output


def test_sessions_are_what_is_said(run: Run) -> None:
    """One header, and none at all; a pseudonym, never the value."""
    log = FIXTURES / "nginx_combined.log"
    run("import", log, "-o", "out.ndjson", "--session", "header:User-Agent")
    keys = [each.exchange.key for each in records()]
    run("import", log, "-o", "none.ndjson", "--session", "none")

    assert 2 == len(set(keys))
    assert not any("curl" in (key or "") for key in keys)
    assert {None} == {each.exchange.key for each in records("none.ndjson")}


def test_importing_again_into_a_directory_gives_the_same_file(run: Run) -> None:
    """Ids, pseudonyms and marks stay, so that two captures can be compared."""
    log = FIXTURES / "nginx_combined.log"
    run("import", log, "-o", "a.ndjson")
    run("import", log, "-o", "b.ndjson")

    a, b = (
        Path(name).read_text().splitlines()[1:] for name in ("a.ndjson", "b.ndjson")
    )
    assert a == b


def test_standard_input_and_output_work(run: Run) -> None:
    """Between pipes, the summary is on standard error."""
    data = (FIXTURES / "apache_combined.log").read_bytes()
    result = run("import", "-", "-o", "-", given=data)

    assert 0 == result.exit_code, result.output
    assert 8 == len(result.stdout.splitlines())
    assert all(json.loads(line) for line in result.stdout.splitlines())
    assert "6 exchanges" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nothing.log",), "nothing.log cannot be read: No such file"),
        (("odd.log",), "odd.log: the format is not sure: its first lines fit none"),
        (("empty.log",), "empty.log: it is empty"),
        (("odd.log", "--format", "iis"), "'iis' is no format; there are: auto, common"),
        (("odd.log", "--session", "x"), "'x' tells no sessions apart"),
        (("odd.log", "--zone", "Mars/Olympus"), "'Mars/Olympus' is no time zone"),
        (("odd.log", "--format", "combined"), "No exchange was found"),
        (("packed.bz2",), "bzip2 -dc FILE | shadow-middleware capture import -"),
        (("wide.log",), "it is UTF-16; give it as UTF-8: iconv"),
        (("capture.ndjson",), "it is a capture file already"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    """Exit code 2, what is wrong, and where; no file is left behind."""
    (tmp_path / "odd.log").write_text("one\ntwo\n")
    (tmp_path / "empty.log").touch()
    (tmp_path / "packed.bz2").write_bytes(b"BZh91AY&SY")
    (tmp_path / "capture.ndjson").write_text('{"capture":1}\n')
    (tmp_path / "wide.log").write_text(LINE % (1, 1, 1), encoding="utf-16")
    result = run("import", *arguments, "-o", "out.ndjson")

    assert 2 == result.exit_code
    assert says in " ".join(result.output.split())
    assert not (tmp_path / "out.ndjson").exists()


def test_a_byte_order_mark_is_no_part_of_the_first_line(
    run: Run, tmp_path: Path
) -> None:
    """Files that went through an editor are read like others."""
    (tmp_path / "a.log").write_text(LINE % (1, 1, 1), encoding="utf-8-sig")
    run("import", "a.log", "-o", "out.ndjson")

    assert 1 == len(records())


def test_an_output_that_is_an_input_or_a_directory_is_refused(
    run: Run, tmp_path: Path
) -> None:
    """Nobody loses a log to a slip of the hand."""
    (tmp_path / "a.log").write_text(LINE % (1, 1, 1))

    same = run("import", "a.log", "-o", "a.log").output
    folder = run("import", "a.log", "-o", ".").output

    assert "a.log is read as well; write to another file" in same
    assert ". is a directory; name a file in it" in folder
    assert (LINE % (1, 1, 1)) == (tmp_path / "a.log").read_text()


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_packed_log_is_read_as_it_is(
    run: Run, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    """Rotated logs are packed, in as many frames as there were turns."""
    halves = [(LINE % (1, 1, n)).encode() * 50 for n in (1, 2)]
    (tmp_path / "a.log").write_bytes(b"".join(map(pack, halves)))
    result = run("import", "a.log", "-o", "out.ndjson")

    assert 0 == result.exit_code, result.output
    assert 100 == len(records())


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_torn_archive_gives_what_is_in_it(
    run: Run, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    """A log that was copied while it was packed loses only its end."""
    lines = "".join(LINE % (1, 1, n) for n in range(5_000)).encode()
    (tmp_path / "a.gz").write_bytes(pack(lines)[:-200])
    result = run("import", "a.gz", "-o", "out.ndjson")

    assert 0 == result.exit_code
    assert len(records()) > 500
    assert "the compressed file ends before its end" in result.output


def test_a_capture_goes_out_as_har_and_comes_back(run: Run) -> None:
    """What an archive can hold is the same after both ways."""
    run("import", FIXTURES / "packets.ek", "-o", "a.ndjson", "--credentials", "keep")
    run("export", "a.ndjson", "--format", "har", "-o", "a.har")
    run("import", "a.har", "-o", "b.ndjson", "--credentials", "keep")

    for one, other in zip(records("a.ndjson"), records("b.ndjson"), strict=True):
        a, b = one.exchange, other.exchange
        assert (a.at, a.route, a.request) == (b.at, b.route, b.request)
        assert a.response == b.response
        assert one.missing == other.missing


def test_damage_in_a_capture_is_told_when_it_is_exported(
    run: Run, tmp_path: Path
) -> None:
    """What can be read goes out; what cannot is counted on standard error."""
    run("import", FIXTURES / "apache_common.log", "-o", "out.ndjson")
    with (tmp_path / "out.ndjson").open("a") as file:
        file.write('{"id": broken\n')
    result = run("export", "out.ndjson", "--format", "ndjson")

    assert 6 == len(result.stdout.splitlines())
    assert "out.ndjson:9: " in result.stderr
    assert (
        2 == run("export", "out.ndjson", "--format", "curl", "--target", "x").exit_code
    )
