"""Every screen as it is seen, compared with a copy that is kept."""

from __future__ import annotations

import pytest

from shadow_middleware.store.sql import SqlStore
from tests.tui.driving import Screen, play, same_as_kept, source_over

SIZES = {"small": (80, 24), "large": (140, 44)}
SCREENS = {
    "overview": (),
    "groups": ("2",),
    "group": ("2", "enter"),
    "divergence": ("2", "enter", "enter"),
    "routes": ("3",),
    "noise": ("4",),
    "help": ("question_mark",),
    "ask": ("2", "enter", "i"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_looks_as_it_was_approved(
    store: SqlStore, name: str, size: str
) -> None:
    """What is seen changes only where somebody has looked at it again."""

    async def story(screen: Screen) -> None:
        await screen.press(*SCREENS[name])

        same_as_kept(f"{name}-{size}", screen.text)

    play(source_over(store), story, size=SIZES[size])


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_says_the_same_without_colours(
    store: SqlStore, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR takes every colour away, and no word."""
    monkeypatch.setenv("NO_COLOR", "1")

    async def story(screen: Screen) -> None:
        await screen.press(*SCREENS[name])

        assert screen.colours == set()
        same_as_kept(f"{name}-small", screen.text)

    play(source_over(store), story)


def test_colours_are_there_where_they_may_be(store: SqlStore) -> None:
    """The test above would see one."""

    async def story(screen: Screen) -> None:
        assert screen.colours != set()

    play(source_over(store), story)
