"""`targets`: whether each shadow answers, as text and as JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from shadow_middleware.evidence import Batch, Count, Progress
from shadow_middleware.exchange import Outcome
from shadow_middleware.report.judgement import BREAKER_OPEN
from shadow_middleware.store.sql import SqlStore
from tests.cli.conftest import EVIL, Run


@pytest.fixture
def two(empty_url: str) -> str:
    """Give a store with a shadow that answers, and one whose breaker is open."""
    now = time.time()
    minute = int(now // 60)
    store = SqlStore(empty_url)
    store.write(
        Batch(
            counts=[
                Count(minute, "v2", "GET /a", Outcome.MATCH, "", 1_200, EVIL),
                Count(minute, "v3", "GET /a", Outcome.TIMEOUT, "read", 5),
                Count(minute, "v3", "GET /a", Outcome.SKIPPED, BREAKER_OPEN, 90),
            ],
            progress=[Progress("aa", "v2", 1_203, 1_200, now)],
        )
    )
    store.close()
    return empty_url


def test_each_target_says_whether_it_answers(two: str, run: Run) -> None:
    """Its breaker, its replays and its versions; nothing of it is a terminal's code."""
    result = run("targets", "--store", two)
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]

    assert 0 == result.exit_code
    assert ["v2", "breaker closed"] == lines[:2]
    assert "replays 1,200 answered, 0 failed, 0 not sent; 3 in flight" in lines
    assert ["v3", "breaker open: nothing is sent"] == lines[
        (at := lines.index("v3")) : at + 2
    ]
    assert "replays 0 answered, 5 failed, 90 not sent; 0 in flight" in lines
    assert any(line.startswith("\\x1b[31m[bold]/evil") for line in lines)


def test_json_has_the_same_as_the_api(two: str, run: Run) -> None:
    """What programs read has a shape that stays."""
    document = json.loads(run("targets", "--store", two, "--json").stdout)
    first, second = document["targets"]

    assert "shadow-middleware/targets/1" == document["format"]
    assert ("v2", "closed", 3) == (
        first["target"],
        first["breaker"]["state"],
        first["in_flight"],
    )
    assert [EVIL] == [one["version"] for one in first["versions"]]
    assert ("open", None) == (second["breaker"]["state"], second["stated"])


def test_what_the_settings_state_is_shown(two: str, run: Run, tmp_path: Path) -> None:
    """Address and rate, where a configuration file names the target."""
    config = tmp_path / "shadow.toml"
    config.write_text(
        f"store_url = {json.dumps(two)}\nrate = 0.25\n"
        "[[targets]]\nname = 'v2'\nurl = 'http://127.0.0.1:9000'\n"
    )
    text = " ".join(run("targets", "--config", str(config)).stdout.split())

    assert "address http://127.0.0.1:9000" in text
    assert "mirrored 25 % of requests" in text


def test_a_store_without_targets_says_so(empty_url: str, run: Run) -> None:
    """Nothing is no error."""
    result = run("targets", "--store", empty_url)

    assert (0, "No target yet: nothing was mirrored to any.\n") == (
        result.exit_code,
        result.stdout,
    )
