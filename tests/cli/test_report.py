"""`report`: what is printed, on wide screens and narrow ones, and as JSON."""

from __future__ import annotations

import json
import time

import pytest

from shadow_middleware.cli.evidence import holdings
from shadow_middleware.cli.screen import ms
from shadow_middleware.report.sketch import bucket_of, quantile
from shadow_middleware.store.memory import MemoryStore
from shadow_middleware.store.sql import SqlStore
from tests.cli.conftest import Run, evidence, words


def three(milliseconds: float) -> str:
    """Return how the percentiles of equal times are printed."""
    us = quantile({bucket_of(milliseconds * 1e3): 1}, 0.5)
    assert us is not None
    return " / ".join([ms(us / 1e3)] * 3)


def test_the_report_shows_totals_routes_latency_and_differences(
    run: Run, url: str
) -> None:
    """Conservation, outcomes, both legs and the top differences (W13, W32)."""
    result = run("report", "--store", url)

    assert 0 == result.exit_code
    assert "105 selected = 101 ended + 4 in flight" in result.stdout
    for line in [
        ["match", "95", "94.06 %"],
        ["GET /b/{id}", "3", "66.67 %", "33.33 %"],
        ["GET /a", three(2), three(30)],
        ["GET /a", "body /price", "changed", "aa-1"],
        ["GET /b/{id}", "header cache-control", "missing", "bb-1"],
        ["a hint (`credentials`)"],
    ]:
        assert any(
            all(word in printed for word in line)
            for printed in result.stdout.split("\n")
        ), line


@pytest.mark.parametrize("columns", [60, 100, 200])
def test_no_line_is_wider_than_the_screen(run: Run, url: str, columns: int) -> None:
    """A narrow terminal shows everything, folded."""
    result = run("report", "--store", url, columns=columns)

    assert columns >= max(map(len, result.stdout.split("\n")))
    assert "cache-control" in result.stdout


@pytest.mark.parametrize("columns", [80, 120])
def test_every_screen_has_the_latency_of_both_legs(
    run: Run, url: str, columns: int
) -> None:
    """p50, p95 and p99 of live and of shadow, on a terminal of the usual width too."""
    shown = run("report", "--store", url, columns=columns).stdout
    _, _, shown = shown.partition("Latency")

    heads, row = shown.split("\n")[2], shown.split("\n")[4]
    assert ["route", "live", "shadow"] == heads.split()[:3]
    assert 2 == pytest.approx(float(row.split()[2]), rel=0.03)
    assert 30 == pytest.approx(float(row.split()[7]), rel=0.03)


def test_json_is_the_same_data(run: Run, url: str) -> None:
    """One document, with a name for its shape."""
    found = json.loads(run("report", "--store", url, "--json").stdout)

    assert "shadow-middleware/report/1" == found["format"]
    [target] = found["targets"]
    assert (105, 101, 4) == (target["selected"], target["ended"], target["in_flight"])
    assert {"match": 95, "divergence": 5, "timeout": 1} == target["outcomes"]
    assert ["GET /a", "GET /b/{id}"] == [one["route"] for one in target["routes"]]
    assert 30 == pytest.approx(target["latency"]["shadow_ms"]["p99"], rel=0.02)


def test_one_route_alone(run: Run, url: str) -> None:
    """`--route` leaves out all others, in every part."""
    command = ["report", "--store", url, "--json", "--route", "GET /b/{id}"]

    [target] = json.loads(run(*command).stdout)["targets"]

    assert {"divergence": 2, "timeout": 1} == target["outcomes"]
    assert None is target["latency"]
    assert {"GET /b/{id}"} == {one["route"] for one in target["differences"]}


def test_a_target_or_route_nobody_saw_is_an_error_with_the_nearest(
    run: Run, url: str
) -> None:
    """A typing mistake is no empty report."""
    target = run("report", "--store", url, "--target", "shadwo")
    route = run("report", "--store", url, "--route", "GET /b/{ib}")

    assert (2, 2) == (target.exit_code, route.exit_code)
    assert "did you mean 'shadow'?" in target.stderr
    assert "did you mean 'GET /b/{id}'?" in route.stderr


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ("1d", "in the last 1d"),
        ("2026-01-31T12:00Z", "since 2026-01-31T12:00Z"),
        ("2026-01-31", "since 2026-01-31"),
    ],
)
def test_the_time_that_is_covered_is_told(
    run: Run, url: str, since: str, said: str
) -> None:
    """As it was asked for."""
    result = run("report", "--store", url, "--since", since)

    assert said in words(result)


def test_since_leaves_out_what_is_older(run: Run, url: str) -> None:
    """Differences are drawn from divergences of that time only."""
    command = ["report", "--store", url, "--json"]

    looked_at = [
        json.loads(run(*command, *since).stdout)["targets"][0]["looked_at"]
        for since in ([], ["--since", "1h"], ["--since", "1d"])
    ]

    assert [3, 2, 3] == looked_at


def test_limit_bounds_the_top_differences(run: Run, url: str) -> None:
    """`--limit` is how many groups are shown."""
    command = ["report", "--store", url, "--json", "--limit", "1"]

    [target] = json.loads(run(*command).stdout)["targets"]

    assert ["/price"] == [one["path"] for one in target["differences"]]
    assert 2 == target["more_differences"]


def test_what_the_limit_leaves_out_is_said(run: Run, url: str) -> None:
    """With the option that shows it."""
    cut = run("report", "--store", url, "--limit", "1").stdout

    assert "2 more, seen less often: --limit 3" in cut
    assert "seen less often" not in run("report", "--store", url).stdout


def test_an_empty_store_says_what_to_expect(run: Run, empty_url: str) -> None:
    """Nothing recorded is no error."""
    result = run("report", "--store", empty_url)

    assert 0 == result.exit_code
    assert result.stdout.startswith("Nothing is recorded since the beginning.")


def test_evidence_of_any_store_reads_the_same() -> None:
    """The memory store serves reports as the database does."""
    store = MemoryStore(most_divergences=100)
    store.write(evidence(1_700_000_000.0))

    held = holdings(store, None, None, None)

    assert 101 == sum(row.count for row in held.totals)
    assert 3 == len(held.divergences)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.126, "0.13"), (2.04, "2.0"), (1234.5, "1,234"), (-0.5, "-0.50")],
)
def test_milliseconds_have_the_digits_that_matter(
    value: float | None, text: str
) -> None:
    """Small ones are not rounded away."""
    assert text == ms(value)


def test_postgres_reads_as_sqlite_does(
    run: Run, url: str, empty_postgres_url: str
) -> None:
    """The same evidence gives the same report from either store (W33)."""
    store = SqlStore(empty_postgres_url)
    store.write(evidence(time.time()))
    store.close()

    [sqlite, postgres] = [
        json.loads(run("report", "--store", one, "--json").stdout)
        for one in (url, empty_postgres_url)
    ]

    assert sqlite == postgres
