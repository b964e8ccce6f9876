"""Captured text on every screen: it is shown, and never obeyed."""

from __future__ import annotations

import pytest

from shadow_middleware.evidence import Batch, Count
from shadow_middleware.exchange import Kind, Outcome, Part
from shadow_middleware.knowledge import GroupKey, NoiseBase, NoiseCount, Sighting
from shadow_middleware.store.sql import SqlStore
from tests.tui.driving import Screen, play, source_over
from tests.tui.evidence import AT, EVIL

SHOWN = r"red]/evil[/] \x1b[2J\x07\u202e[link=x]"
"""What is to be seen of it: every character, none of them acted on."""

KEY = GroupKey(EVIL, EVIL, Part.BODY, f"/{EVIL}", Kind.CHANGED, "string", "string")


def _unwrapped(screen: Screen) -> str:
    """Return what is seen without its line ends, spaces and boxes."""
    return "".join(screen.text.replace("│", "").split())


@pytest.fixture
def evil(store: SqlStore) -> SqlStore:
    """Give a store in which names are hostile as well."""
    minute, day = int(AT // 60), int(AT // 86_400)
    found = Count(minute, EVIL, EVIL, Outcome.DIVERGENCE, KEY.fingerprint, 50)
    dropped = Count(minute, EVIL, EVIL, Outcome.DROPPED, EVIL, 5)
    batch = Batch(
        counts=[found, dropped],
        sightings=[Sighting(KEY, 50, AT - 60, AT)],
        noise=[NoiseCount(day, "", KEY.fingerprint, 200, "", raw=50)],
        noise_bases=[NoiseBase(day, "", EVIL, EVIL, 200, raw=50)],
    )
    store.write(batch)
    return store


@pytest.mark.parametrize(
    "keys",
    [
        (),
        ("2",),
        ("2", "enter"),
        ("2", "enter", "i"),
        ("2", "G", "enter"),
        ("2", "G", "enter", "enter"),
        ("2", "G", "enter", "enter", "f"),
        ("3",),
        ("3", "j", "enter"),
    ],
)
def test_captured_text_is_inert(evil: SqlStore, keys: tuple[str, ...]) -> None:
    """No screen reads it as markup, and no control character of it gets through."""

    async def story(screen: Screen) -> None:
        await screen.press(*keys)

        assert SHOWN.replace(" ", "") in _unwrapped(screen)
        assert screen.text.replace("\n", "").isprintable()

    play(source_over(evil), story, size=(160, 60))


def test_a_note_is_inert(evil: SqlStore) -> None:
    """What somebody typed is shown as it was typed."""

    async def story(screen: Screen) -> None:
        await screen.press("2", "enter", "o")
        await screen.type("[red]no[/red]")
        await screen.press("enter")

        assert "note      [red]no[/red]" in screen.text

    play(source_over(evil), story)


def test_a_filter_is_inert(evil: SqlStore) -> None:
    """What is looked for is shown as it was typed."""

    async def story(screen: Screen) -> None:
        await screen.press("2", "slash")
        await screen.type("[red]")
        await screen.press("enter")

        assert "Nothing fits.  filter: [red]" in screen.text

    play(source_over(evil), story)
