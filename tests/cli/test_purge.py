"""`shadow-middleware purge` says what went, each kind of row by itself."""

from __future__ import annotations

import json
import time
from contextlib import closing

import pytest

from shadow_middleware.evidence import Batch
from shadow_middleware.knowledge import DAY, RouteUse, RuleHit, Sighting, Signature
from shadow_middleware.store.sql import SqlStore
from tests.cli.conftest import Run, words
from tests.store.learned import base, cell, group_key, sample


def learn(url: str, days_ago: int) -> None:
    """Write of each kind what was learned so many days ago."""
    at = time.time() - days_ago * DAY
    day = int(at // DAY)
    key = group_key("/name")
    learned = Batch(
        sightings=[Sighting(key, 1, at, at)],
        signatures=[Signature("old", ("aa", "bb"))],
        samples=[sample(key.fingerprint, "gone-1", slot) for slot in range(3)],
        noise=[cell(key.fingerprint, day=day, raw=1)],
        noise_bases=[base(day=day, raw=1)],
        rule_hits=[RuleHit(name, "shadow", "changed", 7, at) for name in "abcde"],
        uses=[RouteUse(day, f"GET /{n}", 2, 1, 1) for n in range(4)],
    )
    with closing(SqlStore(url, clock=lambda: at)) as store:
        store.write(learned)


def test_each_kind_of_row_has_its_number_and_a_word(run: Run, empty_url: str) -> None:
    """Fields of the JSON form are no words for people."""
    learn(empty_url, days_ago=40)

    told = run("purge", "--store", empty_url, "--older-than", "30d").stdout

    assert (
        "Removed rows: 0 counts, 0 latencies, 0 divergences, 0 losses, 0 progress, "
        "3 samples of groups, 2 counts of noise, 1 groups, 1 signatures, "
        "5 hits of rules, 4 uses of routes, 0 runs\n"
    ) == told


def test_a_script_reads_every_number(run: Run, empty_url: str) -> None:
    """Under the names that they have in Python."""
    learn(empty_url, days_ago=40)

    told = run("purge", "--store", empty_url, "--older-than", "30d", "--json").stdout

    removed = json.loads(told)["removed"]
    assert (3, 2, 1, 1, 5, 4) == tuple(
        removed[name]
        for name in ("samples", "noise", "groups", "signatures", "rule_hits", "uses")
    )


def test_what_was_learned_lately_stays(run: Run, empty_url: str) -> None:
    """All but the samples, which have no divergence to show."""
    learn(empty_url, days_ago=20)

    told = run("purge", "--store", empty_url, "--older-than", "30d", "--json").stdout

    gone = {name for name, n in json.loads(told)["removed"].items() if n}
    assert {"samples"} == gone


def test_help_says_what_goes_and_what_stays(run: Run) -> None:
    """What is learned is named; a person's word is kept."""
    told = " ".join(run("purge", "--help").stdout.replace("│", " ").split())

    assert "noise, groups, hits of rules, uses of routes" in told
    assert "What a person decided stays" in told
    assert "and their samples" in told


def test_the_newest_stay_up_to_a_weight(run: Run, url: str) -> None:
    """By number and by weight at once; the report says what went, and why."""
    told = run("purge", "--store", url, "--keep-bytes", "1KB", "--json").stdout

    gone = json.loads(told)["removed"]["divergences"]
    assert gone > 0
    said = words(run("report", "--store", url))
    assert "No longer in the store" in said
    assert f"{gone:,} stored divergences went (beyond the bytes to keep)" in said
    removed = json.loads(run("report", "--store", url, "--json").stdout)["removed"]
    assert [("divergences", "bytes")] == sorted(
        {(one["what"], one["why"]) for one in removed}
    )


def test_it_may_be_done_as_agents_do_it(run: Run, empty_url: str) -> None:
    """By the settings, where no agent runs all the time."""
    learn(empty_url, days_ago=500)

    told = run("purge", "--store", empty_url, "--configured", "--json").stdout

    removed = json.loads(told)["removed"]
    assert (2, 1, 5) == (removed["noise"], removed["groups"], removed["rule_hits"])


def test_two_at_once_are_refused_as_configured(run: Run, empty_url: str) -> None:
    """Whoever is at it goes on."""
    with closing(SqlStore(empty_url)) as store:
        store.lease_retention("an agent", 60.0)

    told = run("purge", "--store", empty_url, "--configured")

    assert 0 != told.exit_code
    assert "another process removes" in words(told)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--keep-bytes", "4 parsecs"], "is no size; write 500MB"),
        (["--configured", "--keep", "9"], "--configured alone"),
        ([], "say what may go"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    run: Run, empty_url: str, options: list[str], complaint: str
) -> None:
    """With what would be right."""
    told = run("purge", "--store", empty_url, *options)

    assert 2 == told.exit_code
    assert complaint in words(told)
