"""Every screen as it is seen, compared with a copy that is kept."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from shadow_middleware.knowledge import DAY
from shadow_middleware.reading import Reading, Triage
from shadow_middleware.reading.triage import Job
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.tui.stored import StoreSource
from tests.tui.driving import Screen, play, same_as_kept, source_over
from tests.tui.evidence import learned

SIZES = {"small": (80, 24), "large": (140, 44)}
SCREENS = {
    "overview": (),
    "groups": ("2",),
    "group": ("2", "enter"),
    "divergence": ("2", "enter", "enter"),
    "routes": ("3",),
    "noise": ("4",),
    "targets": ("5",),
    "help": ("question_mark",),
    "ask": ("2", "enter", "i"),
    "ask-expect": ("2", "enter", "x"),
    "ask-recheck": ("2", "enter", "c"),
    "divergence-other-view": ("2", "enter", "enter", "v"),
    "divergence-unfolded": ("2", "enter", "enter", "f"),
}
PLAIN = ("overview", "groups", "ask", "divergence-other-view")
"""Screens that are looked at without colours as well."""
LEARNED = {
    "noise-learned": ("4",),
    "group-learned": ("4", "enter"),
    "ask-noise": ("4", "n"),
    "noise-ruled": ("4", "j", "n", "enter"),
}
JOBS = {
    "recheck-under-way": Job(running=True),
    "recheck-fixed": Job(running=False, fate="fixed", resolved=True),
    "recheck-diverging": Job(
        running=False,
        fate="still diverging",
        reasons=[("body /price is 21 where live said 19.9", 3), ("another", 1)],
    ),
    "recheck-failed": Job(running=False, problem="the shadow [b]refused[/b]"),
}


@pytest.mark.parametrize("size", SIZES)
def test_every_screen_looks_as_it_was_approved(store: SqlStore, size: str) -> None:
    """What is seen changes only where somebody has looked at it again."""

    async def story(screen: Screen) -> None:
        for name, keys in SCREENS.items():
            await screen.press(*keys)
            same_as_kept(f"{name}-{size}", screen.text)
            await screen.press("escape", "1")

    play(source_over(store), story, size=SIZES[size])


def test_what_is_learned_looks_as_it_was_approved(store: SqlStore) -> None:
    """What is noise and what counts, the rates that it rests on, and what was ruled."""
    store.write(learned())
    today = datetime.fromtimestamp(time.time() // DAY * DAY, UTC).date().isoformat()

    async def story(screen: Screen) -> None:
        for name, keys in LEARNED.items():
            await screen.press(*keys)
            same_as_kept(name, screen.text.replace(today, "2026-09-21"))
            await screen.press("escape", "1")

    play(source_over(store), story, size=(100, 30))


def test_a_recheck_looks_as_it_was_approved(store: SqlStore) -> None:
    """Under way, fixed, diverging with its reasons, failed."""

    class Rechecked(StoreSource):
        current: Job | None = None

        def job(self, fingerprint: str) -> Job | None:
            return self.current

    source = Rechecked(Reading(store), Triage(store))

    async def story(screen: Screen) -> None:
        await screen.press("2", "enter")
        for name, job in JOBS.items():
            source.current = job
            await screen.tick()
            same_as_kept(name, screen.text)

    play(source, story)


def test_a_screen_says_the_same_without_colours(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR takes every colour away, and no word."""
    monkeypatch.setenv("NO_COLOR", "1")

    async def story(screen: Screen) -> None:
        for name in PLAIN:
            await screen.press(*SCREENS[name])
            assert screen.colours == set()
            same_as_kept(f"{name}-small", screen.text)
            await screen.press("escape", "1")

    play(source_over(store), story)


def test_colours_are_there_where_they_may_be(store: SqlStore) -> None:
    """The test above would see one."""

    async def story(screen: Screen) -> None:
        assert screen.colours != set()

    play(source_over(store), story)
