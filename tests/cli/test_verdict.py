"""`verdict`: exit codes for machines, reasons for people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_do_not_promote_is_one(run: Run, url: str) -> None:
    """Six of 101 disagree, and that is enough to tell that 99.5 % is missed."""
    result = run("verdict", "--store", url, "--min-rate", "0.995")

    assert 1 == result.exit_code
    assert "Verdict on shadow: DO NOT PROMOTE" in result.stdout
    assert "95 of 101 replays agree (94.06 %)" in result.stdout


def test_promote_is_zero(run: Run, url: str) -> None:
    """The same evidence is enough where less is asked."""
    result = run("verdict", "--store", url, "--min-rate", "0.8")

    assert 0 == result.exit_code
    assert "Verdict on shadow: PROMOTE" in result.stdout


def test_not_enough_evidence_is_three(run: Run, url: str, empty_url: str) -> None:
    """Too few, or none at all, promote nothing (W13)."""
    few = run("verdict", "--store", url, "--min-evidence", "500")

    assert 3 == few.exit_code
    assert "101 replays decided, at least 500 asked" in few.stdout


def test_what_else_is_open_is_counted_where_evidence_is_missing(
    run: Run, url: str, tmp_path: Path
) -> None:
    """Whoever waits for the number alone would be told of the next one only then."""
    policy = tmp_path / "policy.toml"
    asked = '[[verdict.routes]]\nroute = "GET /never"\nminimum_evidence = 5\n'
    policy.write_text(f"[verdict]\nminimum_evidence = 500\n{asked}")
    options = ("verdict", "--store", url, "--min-evidence", "500")
    alone, more = run(*options), run(*options, "--policy", str(policy))

    assert "more of what is asked" not in alone.stdout
    assert "1 more of what is asked is open" in more.stdout


def test_an_empty_store_is_not_enough_evidence(run: Run, empty_url: str) -> None:
    """Silence is no agreement (W13)."""
    result = run("verdict", "--store", empty_url)

    assert 3 == result.exit_code
    assert "NOT ENOUGH EVIDENCE" in result.stdout


@pytest.mark.parametrize(
    ("options", "exit_code"),
    [
        (["--min-rate", "0.995"], 1),
        (["--min-rate", "0.995", "--confidence", "0.999"], 3),
        (["--min-rate", "0.8", "--min-coverage", "1"], 0),
        (["--min-rate", "0.83"], 3),
        (["--min-rate", "0.83", "--min-route-evidence", "3"], 1),
        (["--min-rate", "0.83", "--min-route-evidence", "0"], 0),
        (["--route", "GET /a", "--min-evidence", "10", "--min-rate", "0.88"], 0),
        (["--min-rate", "0.8", "--max-noise", "0"], 0),
        (["--since", "2999-01-01"], 3),
    ],
)
def test_every_option_moves_the_verdict(
    run: Run, url: str, options: list[str], exit_code: int
) -> None:
    """Each is alive."""
    assert exit_code == run("verdict", "--store", url, *options).exit_code


def test_json_holds_the_numbers_and_the_code(run: Run, url: str) -> None:
    """A pipeline reads what a person reads."""
    result = run("verdict", "--store", url, "--json", "--min-rate", "0.995")

    found = json.loads(result.stdout)
    assert 1 == result.exit_code == found["exit_code"]
    assert ("shadow-middleware/verdict/1", "do_not_promote") == (
        found["format"],
        found["ruling"],
    )
    assert 0.995 == found["criteria"]["minimum_rate"]
    [target] = found["targets"]
    assert (95, 101) == (target["share"]["agrees"], target["share"]["decided"])
    assert target["share"]["interval"]["high"] < 0.995


@pytest.mark.parametrize(
    "options", [["--min-rate", "99"], ["--confidence", "1"], ["--min-coverage", "-1"]]
)
def test_a_share_outside_its_bounds_is_refused(
    run: Run, url: str, options: list[str]
) -> None:
    """99 is not 0.99."""
    result = run("verdict", "--store", url, *options)

    assert 2 == result.exit_code
    assert options[0] in result.stderr
