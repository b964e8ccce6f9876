"""The screen of targets: one is disabled and enabled, and all of them are stopped."""

from __future__ import annotations

import pytest

from shadow_middleware.store.sql import SqlStore
from tests.tui.driving import Screen, play, source_over
from tests.tui.test_sources import served, source

__all__ = ["served", "source"]


@pytest.mark.usefixtures("served")
def test_a_target_is_disabled_with_a_reason_and_enabled_again(
    source: object, store: SqlStore
) -> None:
    """From the store and from the API alike; the row says so at once."""

    async def story(screen: Screen) -> None:
        await screen.press("5", "e")
        assert "Disable this target?" in screen.text
        await screen.type("too slow")
        await screen.press("enter")
        assert "Disabled: it gets no copies." in screen.text
        assert "disabled  disabled “too slow”" in screen.text
        (one,) = store.targets_state().targets
        assert (False, "too slow", "watch") == (one.enabled, one.note, one.by)

        await screen.press("e")
        assert "Enable this target?" in screen.text
        await screen.press("enter")
        (one,) = store.targets_state().targets
        assert one.enabled

    play(source, story, size=(110, 30))


def test_all_copies_are_stopped_and_made_again(store: SqlStore) -> None:
    """After a question; the line below the list says so while it is so."""

    async def story(screen: Screen) -> None:
        await screen.press("5", "X", "escape")
        assert store.targets_state().switch.on
        await screen.press("X")
        await screen.type("incident 7")
        await screen.press("enter")
        assert "The switch is off: no copy is made. (incident 7)" in screen.text
        assert not store.targets_state().switch.on
        await screen.press("X", "enter")
        assert "Copies are made again." in screen.text
        assert store.targets_state().switch.on

    play(source_over(store), story, size=(110, 30))


def test_targets_are_found_by_name_and_address(store: SqlStore) -> None:
    """And what does not fit is said."""

    async def story(screen: Screen) -> None:
        await screen.press("5", "slash")
        await screen.type("nowhere")
        await screen.press("enter")
        assert "Nothing fits." in screen.text

    play(source_over(store), story)
