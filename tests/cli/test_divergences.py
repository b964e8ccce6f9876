"""`divergences list` and `show`: what changed, and safe to print."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from shadow_middleware.evidence import Batch
from shadow_middleware.store.sql import SqlStore
from tests.cli.conftest import Run
from tests.report.records import record


def test_the_list_has_the_newest_first(run: Run, url: str) -> None:
    """One line for each, with the route, both statuses and what differs."""
    result = run("divergences", "list", "--store", url)

    lines = [line for line in result.stdout.split("\n") if "GET /" in line]
    assert 0 == result.exit_code
    assert ["GET /b/{id}", "GET /a", "GET /a"] == [
        next(route for route in ("GET /b/{id}", "GET /a") if route in line)
        for line in lines
    ]
    assert "200 → 404" in lines[0]
    assert "header cache-control missing and 1 more" in lines[0]
    assert "3 of 3, the newest first." in result.stdout


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ([], ["bb-1", "aa-1", "aa-2"]),
        (["--route", "GET /a"], ["aa-1", "aa-2"]),
        (["--since", "1h"], ["bb-1", "aa-1"]),
        (["--target", "shadow"], ["bb-1", "aa-1", "aa-2"]),
        (["--limit", "1"], ["bb-1"]),
    ],
)
def test_every_option_of_the_list_has_its_effect(
    run: Run, url: str, options: list[str], ids: list[str]
) -> None:
    """Filters and limit, as JSON."""
    result = run("divergences", "list", "--store", url, "--json", *options)

    found = json.loads(result.stdout)
    assert "shadow-middleware/divergences/1" == found["format"]
    assert ids == [one["exchange_id"] for one in found["divergences"]]


def test_a_cut_list_says_how_many_there_are(run: Run, url: str) -> None:
    """`total` counts what `--limit` left out."""
    found = run("divergences", "list", "--store", url, "--limit", "1")

    assert "1 of 3, the newest first." in found.stdout


def test_no_divergence_fits(run: Run, empty_url: str) -> None:
    """An empty list is no error."""
    result = run("divergences", "list", "--store", empty_url)

    assert (0, "No stored divergence fits.\n") == (result.exit_code, result.stdout)


def test_show_prints_what_changed(run: Run, url: str) -> None:
    """Place, kind, both values, and the bodies as a diff."""
    result = run("divergences", "show", "aa-1", "--store", url)

    lines = [" ".join(line.split()) for line in result.stdout.split("\n")]
    assert 0 == result.exit_code
    assert "body /price changed 19.9 21" in lines
    assert '- "price": 19.9,' in lines
    assert '+ "price": 21,' in lines
    assert "request GET /a?page=1" in lines
    assert "time live 2.0 ms, shadow 30.0 ms" in lines
    assert "Headers - live + shadow" not in lines


def test_values_are_shown_as_they_were_sent(run: Run, url: str) -> None:
    """A number's form and a member that is there twice are what may differ."""
    live, shadow = '{"price": 1.0}', '{"price": 1.00, "price": 1}'
    sent = record("cc-1", live_body=live, shadow_body=shadow)
    with closing(SqlStore(url)) as store:
        store.write(Batch(divergences=[sent]))
    result = run("divergences", "show", "cc-1", "--store", url, "--full")

    lines = ["".join(line.split()) for line in result.stdout.split("\n")]
    assert ['-"price":1.0', '+"price":1.00,', '+"price":1'] == [
        line for line in lines if line[:1] in ("-", "+")
    ]
    assert '"price":1.00,' in lines


def test_show_explains_what_a_person_should_know(run: Run, url: str) -> None:
    """Hint, cut and a dropped predecessor are said; changed headers are shown."""
    printed = run("divergences", "show", "bb-1", "--store", url).stdout

    for words in [
        "a hint (`credentials`)",
        "reached its budget",
        "an earlier exchange of the same key was dropped",
        "header cache-control",
        "-cache-control: no-store",
        "(none)",
    ]:
        assert words in printed


@pytest.mark.parametrize(
    "command", [["list"], ["show", "bb-1"], ["show", "bb-1", "--full"]]
)
def test_no_control_character_of_the_traffic_reaches_the_terminal(
    run: Run, url: str, command: list[str]
) -> None:
    """What a client sent can neither colour nor command a terminal."""
    result = run("divergences", *command, "--store", url)

    assert 0 == result.exit_code
    assert "\x1b" not in result.stdout


def test_markup_of_the_traffic_is_text(run: Run, url: str) -> None:
    """Square brackets are printed as they came."""
    assert (
        "\\x1b[31m[bold]/evil"
        in run("divergences", "show", "bb-1", "--store", url).stdout
    )


def test_full_prints_both_answers(run: Run, url: str) -> None:
    """`--full` adds request and answers with all headers."""
    short = run("divergences", "show", "aa-1", "--store", url).stdout
    full = run("divergences", "show", "aa-1", "--store", url, "--full").stdout

    assert "Shadow answer" not in short
    assert "Shadow answer" in full
    assert "accept: */*" in full


@pytest.mark.parametrize("columns", [60, 200])
def test_show_fits_the_screen(run: Run, url: str, columns: int) -> None:
    """A narrow terminal folds."""
    result = run(
        "divergences", "show", "bb-1", "--full", "--store", url, columns=columns
    )

    assert columns >= max(map(len, result.stdout.split("\n")))


def test_a_beginning_of_an_id_shows_all_it_fits(run: Run, url: str) -> None:
    """As the store finds them, and as JSON."""
    result = run("divergences", "show", "aa", "--store", url, "--json")

    ids = [one["exchange_id"] for one in json.loads(result.stdout)["divergences"]]
    assert ["aa-1", "aa-2"] == sorted(ids)


@pytest.mark.parametrize("key", ["", " ", "zz", "99999"])
def test_an_id_that_nothing_has_is_an_error(run: Run, url: str, key: str) -> None:
    """It says where the ids are; an empty one is not the beginning of all."""
    result = run("divergences", "show", key, "--store", url)

    assert (2, "") == (result.exit_code, result.stdout)
    assert "divergences list" in " ".join(result.stderr.replace("│", "").split())


def test_show_of_another_target_is_an_error(run: Run, url: str) -> None:
    """`--target` narrows; what is not there is said, with where to look."""
    result = run("divergences", "show", "aa-1", "--store", url, "--target", "other")

    assert 2 == result.exit_code
    assert "'aa-1'" in result.stderr
    assert "divergences list" in " ".join(result.stderr.replace("│", "").split())
