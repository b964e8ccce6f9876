"""A dashboard of its own is ready before anybody looks, and says how old that is."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from shadow_middleware.api.opened import Opened
from shadow_middleware.dashboard.app import SCREENS
from shadow_middleware.dashboard.pages import shown_of
from shadow_middleware.dashboard.readiness import Readiness, alone
from shadow_middleware.dashboard.rendering import render
from shadow_middleware.evidence import Batch
from shadow_middleware.reading.remembering import OVERLOADED
from shadow_middleware.settings import load
from shadow_middleware.store.sql import SqlStore
from tests.dashboard.test_rendering import FRAME

READY = [screen for screen in SCREENS if screen.ready]


def opened(url: str) -> Opened:
    """Return a store as `shadow-middleware dashboard` opens it."""
    settings = load({"store_url": url}, source="test", require_target=False)
    return Opened(settings, resting=OVERLOADED)


@pytest.fixture
def evidence(tea: str) -> Iterator[Opened]:
    """Give a store that real traffic has filled, not looked at yet."""
    found = opened(tea)
    yield found
    found.close()


def test_who_looks_first_waits_for_nothing_and_is_told_so(
    evidence: Opened, tea: str
) -> None:
    """All that the pages need was worked out, before the last batch was written."""
    ready = Readiness(SCREENS, evidence, lambda _: True)
    ready.run()
    store = SqlStore(tea)
    store.write(Batch())
    store.close()
    shown = [shown_of(screen, ready.visit()) for screen in READY]

    assert ["overview", "groups"] == [screen.name for screen in READY]
    assert [True, True] == [one.values["behind"] > 0 for one in shown]


def test_a_store_that_is_away_is_looked_at_again() -> None:
    """Nobody is there to be told, and who looks meets it anyway."""
    waited = list[float]()

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return len(waited) == 2

    Readiness(SCREENS, opened("sqlite:////nowhere/at/all.db"), wait).run()

    assert [2.5, 2.5] == waited


def test_the_process_is_as_it_was_afterwards(evidence: Opened) -> None:
    """Threads take turns more often only while it serves, and none is left."""
    before = sys.getswitchinterval()
    with alone(SCREENS, evidence):
        within = sys.getswitchinterval()
    names = [one.name for one in threading.enumerate()]

    assert within < before == sys.getswitchinterval()
    assert "readiness" not in names


@pytest.mark.parametrize(("seconds", "said"), [(0.0, 0), (9.0, 0), (12.0, 1)])
def test_a_page_says_that_it_is_old(seconds: float, said: int) -> None:
    """What is a few seconds old is as people think; beyond that, they are told."""
    values = {**FRAME, "message": "m", "behind": seconds}
    pages = [render("problem.html", values, look=look) for look in (False, True)]

    assert [said, said] == [page.count("As of 12 s ago") for page in pages]
