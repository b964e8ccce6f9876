"""`coverage`: what was put to the test, as text and as JSON."""

from __future__ import annotations

import json
import time

import pytest

from shadow_middleware.evidence import Batch, Count
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import DAY, KnownRoute, RouteUse
from shadow_middleware.store.sql import SqlStore
from tests.cli.conftest import EVIL, Run


@pytest.fixture
def covered(empty_url: str) -> str:
    """Give a store in which one of three routes was put to the test, and not in full."""
    now = time.time()
    today, minute = int(now // DAY), int(now // 60)
    store = SqlStore(empty_url)
    store.write(
        Batch(
            counts=[Count(minute, "v2", "GET /a", Outcome.MATCH, "", 90)],
            routes=[KnownRoute(r, now) for r in ("GET /a", "POST /a", "GET /idle")],
            uses=[
                RouteUse(today, "GET /a", 2, 900, 90),
                RouteUse(today, "GET /a", 4, 7, 0),
                RouteUse(today, "POST /a", 2, 93, 0),
                RouteUse(today - 9, f"GET {EVIL}", 2, 1_000, 0),
            ],
        )
    )
    store.close()
    return empty_url


def test_the_shares_come_first_and_then_the_gaps(covered: str, run: Run) -> None:
    """In the order of live traffic, each with what is missing."""
    result = run("coverage", "--store", covered)
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]

    assert 0 == result.exit_code
    assert "1 of 3 routes exercised (33.33 %)" in lines
    assert (
        "900 of about 2,000 live requests are like some that were decided (45 %)"
        in lines
    )
    gaps = [line for line in lines if "never" in line]
    assert [
        "1,000 GET \\x1b[31m[bold]/evil used, never mirrored",
        "93 POST /a used, never mirrored",
        "7 GET /a 4xx used, never mirrored",
        "0 GET /idle never used by live traffic",
    ] == gaps


def test_json_has_all_of_it(covered: str, run: Run) -> None:
    """Routes with their classes, targets with their shares and gaps."""
    result = run("coverage", "--store", covered, "--since", "1d", "--json")
    document = json.loads(result.stdout)

    assert "shadow-middleware/coverage/1" == document["format"]
    assert (3, 1) == (document["known"], document["enough"])
    assert {
        "route": "GET /a",
        "known": True,
        "seen": 907,
        "mirrored": 90,
        "classes": [
            {"status_class": 2, "seen": 900, "mirrored": 90},
            {"status_class": 4, "seen": 7, "mirrored": 0},
        ],
        "decided": {"v2": 90},
    } == document["routes"][0]
    (target,) = document["targets"]
    assert (1, 900, 1_000, 0.9) == tuple(
        target[name] for name in ("exercised", "covered", "seen", "traffic_share")
    )
    assert {"route": "GET /idle", "why": "unused", "seen": 0, "classes": []} == target[
        "gaps"
    ][-1]


def test_enough_and_limit_are_heeded(covered: str, run: Run) -> None:
    """A route with fewer decided replays is a gap; the rest of the gaps is counted."""
    result = run("coverage", "--store", covered, "--enough", "91", "--limit", "2")

    assert "0 of 3 routes exercised" in result.stdout
    assert "mirrored, not decided often enough" in result.stdout
    assert "and 2 more; --limit shows them" in result.stdout


def test_a_target_that_is_not_known_is_refused(covered: str, run: Run) -> None:
    """With the nearest one that is."""
    result = run("coverage", "--store", covered, "--target", "v3")

    assert 2 == result.exit_code
    assert "did you mean 'v2'?" in " ".join(result.output.split())


def test_an_empty_store_says_so(empty_url: str, run: Run) -> None:
    """Nothing is no share of anything."""
    result = run("coverage", "--store", empty_url)

    assert (0, "Nothing is recorded yet: no routes, no traffic, no replays.") == (
        result.exit_code,
        result.stdout.strip(),
    )


def test_routes_that_nobody_could_list_are_unknown(url: str, run: Run) -> None:
    """Not a share of 0 and not one of 1."""
    result = run("coverage", "--store", url)

    assert "Which routes the app has is unknown" in result.stdout
    assert "exercised" not in result.stdout
    document = json.loads(run("coverage", "--store", url, "--json").stdout)
    assert None is document["targets"][0]["route_share"]
