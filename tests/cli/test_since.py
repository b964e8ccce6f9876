"""`--since` means the same to every command: it is told by the store's clock."""

from __future__ import annotations

import json
import time

import pytest

from shadow_middleware.store.sql import SqlStore
from tests.cli.conftest import Run

LISTS = ["divergences", "groups"]


@pytest.mark.parametrize("command", LISTS)
def test_lists_are_of_the_last_hours_of_the_store(
    command: str, tea: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a store's clock is a year ahead of this host's, all of it is long ago."""
    seen = [_total(run, command, tea)]
    monkeypatch.setattr(SqlStore, "time", lambda _: time.time() + 365 * 86_400)
    seen.append(_total(run, command, tea))

    assert [True, False] == [total > 0 for total in seen]


def test_a_verdict_is_of_the_last_hours_of_the_store(
    tea: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says it begins with is that time."""
    ahead = time.time() + 365 * 86_400
    monkeypatch.setattr(SqlStore, "time", lambda _: ahead)
    found = run("verdict", "--store", tea, "--since", "1h", "--format", "json")

    assert ahead - 3_600 == pytest.approx(json.loads(found.stdout)["since"])


def _total(run: Run, command: str, url: str) -> int:
    found = run(command, "list", "--store", url, "--since", "24h", "--json")
    total: int = json.loads(found.stdout)["total"]
    return total
