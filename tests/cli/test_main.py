"""The command line as a whole: help, errors, stores, and the small commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import shadow_middleware
from shadow_middleware.cli.options import seconds_of, since_of
from tests.cli.conftest import Run, words

COMMANDS = [
    ["demo"],
    ["report"],
    ["divergences", "list"],
    ["divergences", "show"],
    ["verdict"],
    ["groups", "list"],
    ["groups", "show"],
    ["groups", "ignore"],
    ["groups", "resolve"],
    ["groups", "reopen"],
    ["recheck"],
    ["noise", "list"],
    ["noise", "show"],
    ["noise", "export"],
    ["noise", "set"],
    ["rules", "list"],
    ["rules", "add"],
    ["rules", "remove"],
    ["rules", "check"],
    ["rules", "suggest"],
    ["rules", "export"],
    ["agent"],
    ["purge"],
    ["db", "upgrade"],
]
MODULE = [sys.executable, "-m", "shadow_middleware.cli.main"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("columns", [60, 120])
def test_every_command_has_help_with_an_example(
    run: Run, command: list[str], columns: int
) -> None:
    """A newcomer can follow it, on a narrow terminal as well."""
    result = run(*command, "--help", columns=columns)

    assert 0 == result.exit_code
    assert "Example" in result.stdout
    assert f"shadow-middleware {' '.join(command)}" in " ".join(result.stdout.split())
    assert columns >= max(map(len, result.stdout.split("\n")))


def test_no_command_is_a_question_for_help(run: Run) -> None:
    """All commands are listed, and where to begin."""
    shown = run().output

    for command in COMMANDS:
        assert command[0] in shown
    assert "shadow-middleware demo" in shown


def test_version(run: Run) -> None:
    """`--version` prints one line."""
    expected = f"shadow-middleware {shadow_middleware.__version__}\n"

    assert expected == run("--version").stdout


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1.5h", 5400), ("2w", 1209600)]
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    """A number and a unit."""
    assert seconds == seconds_of(text, "--since")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (None, None),
        ("10s", 990.0),
        ("1970-01-01T00:01", 60.0),
        ("1970-01-01T01:01+01:00", 60.0),
        ("1970-01-02", 86_400.0),
    ],
)
def test_since_is_a_length_or_a_time(text: str | None, at: float | None) -> None:
    """Without an offset a time is UTC."""
    assert at == since_of(text, 1000.0)


@pytest.mark.parametrize("text", ["yesterday", "", "5", "-1h", "1y", "12:61", "1hh"])
def test_no_time_is_an_error_that_shows_how(text: str) -> None:
    """What cannot be read is refused."""
    with pytest.raises(typer.BadParameter, match="write 90s"):
        since_of(text, 1000.0)


def test_a_missing_store_is_one_line_and_two(run: Run, tmp_path: Path) -> None:
    """No traceback; exit code 2; nothing on stdout; no file made by looking."""
    result = run("report", "--store", f"sqlite:///{tmp_path}/none.db")

    assert (2, "") == (result.exit_code, result.stdout)
    assert result.stderr.startswith("shadow-middleware: ")
    assert 1 == result.stderr.count("\n")
    assert [] == list(tmp_path.iterdir())


def test_no_store_at_all_is_said(run: Run) -> None:
    """An empty address keeps nothing, so there is nothing to read."""
    for command in (["report"], ["db", "upgrade"]):
        result = run(*command, "--store", "")

        assert 2 == result.exit_code
        assert "store_url is empty" in result.stderr


def test_a_password_is_not_printed(run: Run) -> None:
    """Neither a wrong address nor one that does not answer shows it."""
    for address in ("postgresql://me:hunter2@127.0.0.1:1/x", "mysql://me:hunter2@h/x"):
        result = run("report", "--store", address)

        assert 2 == result.exit_code
        assert "hunter2" not in result.output


def test_the_store_may_stand_in_the_environment(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SHADOW_MIDDLEWARE_STORE_URL is where to look without --store."""
    monkeypatch.setenv("SHADOW_MIDDLEWARE_STORE_URL", url)

    assert "95" in run("report").stdout


def test_the_store_may_stand_in_a_file(run: Run, url: str, tmp_path: Path) -> None:
    """`--config` names a TOML file; `--store` wins over it."""
    file = tmp_path / "shadow.toml"
    file.write_text(f'store_url = "{url}"\n')

    assert 0 == run("report", "--config", str(file)).exit_code
    wins = run("report", "--config", str(file), "--store", "sqlite:///none.db")
    assert 2 == wins.exit_code


def test_the_default_store_is_that_of_the_settings(run: Run) -> None:
    """Without any option it is the file that the middleware writes."""
    assert "shadow_middleware.db" in run("report").stderr


def test_a_wrong_setting_is_two(run: Run, tmp_path: Path) -> None:
    """A misspelt key in the file is named."""
    file = tmp_path / "shadow.toml"
    file.write_text("store_ulr = 'x'\n")

    result = run("report", "--config", str(file))

    assert 2 == result.exit_code
    assert "store_ulr" in result.stderr


def test_upgrade_makes_the_tables_once(run: Run, tmp_path: Path) -> None:
    """The second time there is nothing to do."""
    option = ["--store", f"sqlite:///{tmp_path}/new.db"]

    first = run("db", "upgrade", *option).stdout
    second = run("db", "upgrade", *option).stdout

    assert first.startswith("Upgraded the tables from nothing to ")
    assert second.startswith("The tables are up to date: ")
    found = json.loads(run("db", "upgrade", *option, "--json").stdout)
    assert found["before"] == found["now"]


def test_purge_by_number_keeps_the_newest(run: Run, url: str) -> None:
    """Counts stay, so the report stays true (W32)."""
    result = run("purge", "--store", url, "--keep", "1", "--json")

    assert 2 == json.loads(result.stdout)["removed"]["divergences"]
    left = json.loads(run("divergences", "list", "--store", url, "--json").stdout)
    assert ["bb-1"] == [one["exchange_id"] for one in left["divergences"]]
    [target] = json.loads(run("report", "--store", url, "--json").stdout)["targets"]
    assert 5 == target["outcomes"]["divergence"]


def test_purge_by_age(run: Run, url: str) -> None:
    """What is older goes; the rest stays."""
    result = run("purge", "--store", url, "--older-than", "1h")

    assert "1 divergences" in result.stdout
    assert 0 == result.exit_code


def test_purge_wants_to_know_what(run: Run, url: str) -> None:
    """Without an option nothing is removed."""
    result = run("purge", "--store", url)

    assert 2 == result.exit_code
    assert "--older-than 30d" in result.stderr


def test_an_agent_needs_an_address(run: Run) -> None:
    """Anything but a Unix socket is refused."""
    result = run("agent", "--listen", "tcp:8000")

    assert 2 == result.exit_code
    assert "unix:PATH" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "there is no broker to take from: name one with --broker"),
        (["--broker", "nats://127.0.0.1:9"], "no shadow to replay to: name one with"),
    ],
)
def test_a_worker_says_what_it_lacks(run: Run, options: list[str], said: str) -> None:
    """In the words of its own options."""
    result = run("worker", *options)

    assert 2 == result.exit_code
    assert said in words(result)


def test_a_full_disk_is_one_line_and_two(url: str) -> None:
    """Where results go to a file that has no room."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("a disk is only full here where the system pretends it")
    with full.open("w") as nowhere:
        result = subprocess.run(
            [*MODULE, "report", "--store", url],
            stdout=nowhere,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (2, "shadow-middleware: No space left on device\n") == (
        result.returncode,
        result.stderr,
    )


def test_the_installed_command_runs(url: str) -> None:
    """A real process: results on stdout, plain, nothing on stderr."""
    command = [*MODULE, "report", "--store", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (0, "") == (done.returncode, done.stderr)
    assert "\x1b" not in done.stdout
    assert "105 selected" in done.stdout


def test_an_error_of_a_real_process_has_no_traceback(tmp_path: Path) -> None:
    """One line on stderr and the exit code."""
    command = [*MODULE, "verdict", "--store", f"sqlite:///{tmp_path}/none.db"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))


def test_a_terminal_that_knows_no_arrows_is_served(url: str) -> None:
    """A character that cannot be shown is no error."""
    done = subprocess.run(
        [*MODULE, "divergences", "list", "--store", url],
        capture_output=True,
        timeout=60,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
    )

    assert (0, b"") == (done.returncode, done.stderr)
    assert b"200 ? 404" in done.stdout


def test_help_is_quick_because_nothing_heavy_is_loaded() -> None:
    """Only the command that needs a library pays for it."""
    code = (
        "import shadow_middleware.cli.main, sys; "
        "print([m for m in ('sqlalchemy', 'alembic', 'httpx', 'httptools', 'deepdiff') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )

    assert "[]\n" == done.stdout
