"""`noise`: what is learned, shown, exported, read again, and overruled; on real evidence."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shadow_middleware.evidence import Batch, Count
from shadow_middleware.exchange import Outcome
from shadow_middleware.store.sql import SqlStore
from tests.cli.conftest import Run, words
from tests.cli.test_groups import groups, of


def noise(run: Run, *options: str) -> dict[str, Any]:
    """Return what `noise list` says as JSON."""
    result = run("noise", "list", "--json", *options)
    assert 0 == result.exit_code, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_the_profile_tells_rates_and_what_is_held(run: Run, tea: str) -> None:
    """What the control shows as well is noise; what it never shows is not."""
    found = noise(run, "--store", tea, "--route", "GET /tea")

    held = {one["path"]: one for one in found["noise"]}
    assert (True, "control") == (held["/lot"]["noise"], held["/lot"]["why"])
    assert {"seen": 20.0, "of": 20.0} == held["/lot"]["control"]
    assert {"seen": 20.0, "of": 20.0} == held["/lot"]["raw"]
    assert {"seen": 0.0, "of": 20.0} == held["/price"]["control"]
    assert not held["/price"]["noise"]
    assert 1 == held["/lot"]["days"]
    assert 0 == found["overflow"]


@pytest.mark.parametrize(
    ("options", "total"),
    [
        ([], 12),
        (["--held", "noise"], 2),
        (["--held", "signal"], 10),
        (["--route", "GET /tea"], 4),
        (["--target", "other"], 0),
    ],
)
def test_every_filter_of_the_profile(
    run: Run, tea: str, options: list[str], total: int
) -> None:
    """By place, and by what is held."""
    with closing(SqlStore(tea)) as store:
        store.write(Batch(counts=[Count(1, "other", "GET /tea", Outcome.MATCH, "", 1)]))

    assert total == noise(run, "--store", tea, *options)["total"]


def test_the_profile_in_pages(run: Run, tea: str) -> None:
    """`--limit` and `--offset`."""
    pages = [
        noise(run, "--store", tea, "--limit", "5", "--offset", offset)["noise"]
        for offset in ("0", "5", "10")
    ]

    assert [5, 5, 2] == [len(page) for page in pages]
    assert 12 == len({one["group"] for page in pages for one in page})


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_profile_fits_the_screen(run: Run, tea: str, columns: int) -> None:
    """With the reason of each, on every terminal."""
    result = run("noise", "list", "--store", tea, columns=columns)

    assert columns >= max(map(len, result.stdout.split("\n")))
    assert "12 of 12." in result.stdout


def test_an_exported_profile_is_read_again(run: Run, tea: str, tmp_path: Path) -> None:
    """The same rows, wherever the store is by then."""
    file = tmp_path / "profile.json"
    file.write_text(run("noise", "export", "--store", tea).stdout)

    assert "shadow-middleware/noise-profile/1" == json.loads(file.read_text())["format"]
    assert noise(run, "--store", tea) == noise(run, "--from", str(file))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("{}", "this is no exported noise profile"),
        (
            '{"format": "other/1", "at": 1, "cells": [], "bases": [], "groups": []}',
            "other/1",
        ),
    ],
)
def test_what_is_no_profile_is_refused(
    run: Run, tmp_path: Path, text: str, said: str
) -> None:
    """In one line, with what can be read."""
    file = tmp_path / "profile.json"
    file.write_text(text)
    result = run("noise", "list", "--from", str(file))

    assert 2 == result.exit_code
    assert said in words(result)
    assert 1 == result.stderr.count("\n")
    assert 2 == run("noise", "list", "--from", str(tmp_path / "none")).exit_code


def test_a_person_stands_above_what_is_learned(run: Run, tea: str) -> None:
    """Noise, a divergence, and back to what the evidence says."""
    price = of(run, tea, "/price")

    def state(word: str) -> tuple[str, str]:
        result = run("noise", "set", price, word, "--store", tea, "--note", "so it is")
        assert 0 == result.exit_code, result.output
        [one] = [
            g
            for g in groups(run, tea, "--state", "all")["groups"]
            if g["group"] == price
        ]
        return one["state"], one["note"]

    assert ("noise", "so it is") == state("noise")
    assert "A person ruled: noise." in words(
        run("noise", "show", price, "--store", tea)
    )
    assert ("open", "so it is") == state("signal")
    assert ("open", "so it is") == state("learned")


def test_a_ruling_needs_a_word_that_is_one(run: Run, tea: str) -> None:
    """The right ones are named."""
    result = run("noise", "set", of(run, tea, "/price"), "quiet", "--store", tea)

    assert 2 == result.exit_code
    assert "'noise', 'signal', 'learned'" in words(result)


def test_why_something_is_noise_is_said_with_its_numbers(run: Run, tea: str) -> None:
    """In sentences."""
    said = words(run("noise", "show", of(run, tea, "/lot"), "--store", tea))

    assert "Yes: live and its control differ there as well." in said
    assert "live against its control: 20 of 20 (100 %)" in said


def test_an_empty_profile_says_what_would_fill_it(run: Run, empty_url: str) -> None:
    """The settings are named."""
    said = words(run("noise", "list", "--store", empty_url))

    assert "control_url" in said
    assert "self_probe" in said
