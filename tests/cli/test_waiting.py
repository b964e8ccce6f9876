"""Evidence comes some seconds after the requests: `--wait` waits for it, and no longer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shadow_middleware.cli import main, waiting
from shadow_middleware.cli.waiting import STILL, is_still
from shadow_middleware.evidence import Batch, Progress
from shadow_middleware.report.holdings import SILENT_AFTER
from shadow_middleware.store.memory import MemoryStore
from shadow_middleware.store.sql import SqlStore
from tests.store.evidence import count

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("sessions", "still"),
    [
        pytest.param([], False, id="nothing yet"),
        pytest.param([(10, 9, STILL)], False, id="one is under way"),
        pytest.param([(10, 10, STILL / 2)], False, id="it has just ended"),
        pytest.param([(10, 10, STILL)], True, id="it has ended"),
        pytest.param([(10, 10, STILL), (5, 4, STILL)], False, id="one of two"),
        pytest.param([(10, 9, SILENT_AFTER + 1)], True, id="it died long ago"),
    ],
)
def test_what_is_under_way_is_waited_for(
    sessions: list[tuple[int, int, float]], still: bool
) -> None:
    """By what each session selected, what of it has ended, and when that was."""
    store = MemoryStore(clock=lambda: NOW)
    store.write(
        Batch(
            progress=[
                Progress(f"s{number}", "shadow", selected, ended, NOW - ago)
                for number, (selected, ended, ago) in enumerate(sessions)
            ]
        )
    )

    assert still == is_still(store)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What happens, one thing after the other, while a command rests."""
    left: list[Callable[[], None]] = []
    rested = [0.0]

    def sleep(seconds: float) -> None:
        rested[0] += seconds
        if left:
            left.pop(0)()

    monkeypatch.setattr(waiting, "sleep", sleep)
    monkeypatch.setattr(waiting, "monotonic", lambda: rested[0])
    monkeypatch.setattr(waiting, "STILL", 0.0)
    return left


@pytest.mark.parametrize("command", ["report", "verdict"])
def test_a_store_that_comes_late_is_waited_for(
    tmp_path: Path, steps: list[Callable[[], None]], command: str
) -> None:
    """It is made, then something is under way, then all has ended: that is what is told."""
    url = f"sqlite:///{tmp_path}/store.db"

    def write(ended: int) -> None:
        store = SqlStore(url)
        now = store.time()
        progress = [Progress("s", "shadow", 7, ended, now)]
        store.write(Batch(counts=[count(ended)] if ended else [], progress=progress))
        store.close()

    steps += [lambda: write(0), lambda: write(7)]
    result = CliRunner().invoke(main.app, [command, "--store", url, "--wait", "1m"])

    assert [] == steps
    assert result.exit_code in (0, 3), result.output
    assert "7 selected = 7 ended" in result.output or "7 decided" in result.output


def test_a_wait_has_an_end(tmp_path: Path, steps: list[Callable[[], None]]) -> None:
    """Then what is missing is told as without it, and what is under way by its number."""
    url = f"sqlite:///{tmp_path}/store.db"
    runner = CliRunner()
    none = runner.invoke(main.app, ["verdict", "--store", url, "--wait", "1s"])
    store = SqlStore(url)
    progress = [Progress("s", "shadow", 9, 7, store.time())]
    store.write(Batch(counts=[count(7)], progress=progress))
    store.close()
    some = runner.invoke(main.app, ["verdict", "--store", url, "--wait", "1s"])
    wrong = runner.invoke(main.app, ["report", "--store", url, "--wait", "soon"])

    assert "there is no store" in none.output
    assert "2 are still under way" in some.output
    assert (2, True) == (wrong.exit_code, "no length of time" in wrong.output)
