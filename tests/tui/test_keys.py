"""What each key does, on a real store."""

from __future__ import annotations

from typing import Any

import pytest

from shadow_middleware.knowledge import GroupFilter, GroupState
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.tui.finding import DivergencePage, GroupPage
from shadow_middleware.tui.listing import WINDOW, Listing
from shadow_middleware.tui.page import Page
from shadow_middleware.tui.pages import (
    GroupsPage,
    NoisePage,
    OverviewPage,
    RoutesPage,
)
from shadow_middleware.tui.targets import TargetsPage
from tests.tui.driving import Screen, play, source_over
from tests.tui.evidence import PHONE, PRICE, many_groups

MANY = 2_500


@pytest.fixture
def full(store: SqlStore) -> SqlStore:
    """Give a store with thousands of groups besides."""
    store.write(many_groups(MANY))
    return store


def _place(screen: Screen) -> str:
    """Return what the line below a list says of the cursor."""
    return str(screen.lines[-2].split("(")[0].strip())


PATHS: dict[tuple[str, ...], type[Page]] = {
    (): OverviewPage,
    ("2",): GroupsPage,
    ("3",): RoutesPage,
    ("4",): NoisePage,
    ("5",): TargetsPage,
    ("5", "enter"): GroupsPage,
    ("2", "1"): OverviewPage,
    ("enter",): GroupsPage,
    ("2", "enter"): GroupPage,
    ("2", "enter", "enter"): DivergencePage,
    ("2", "enter", "enter", "escape"): GroupPage,
    ("2", "enter", "enter", "b", "b"): GroupsPage,
    ("2", "b"): OverviewPage,
    ("2", "enter", "enter", "3"): RoutesPage,
    ("3", "enter"): GroupsPage,
    ("question_mark", "escape"): OverviewPage,
    ("question_mark", "question_mark"): OverviewPage,
    ("b", "escape"): OverviewPage,
}


def test_keys_lead_to_a_screen(store: SqlStore) -> None:
    """Three keys lead from the verdict to one answer, and as many back."""

    async def story(screen: Screen) -> None:
        for keys, page in PATHS.items():
            await screen.press("1", *keys)

            assert page is type(screen.app.screen), keys

    play(source_over(store), story)


MOVES: dict[tuple[str, ...], int] = {
    (): 1,
    ("j",): 2,
    ("down",): 2,
    ("j", "j", "k"): 2,
    ("j", "j", "up"): 2,
    ("k",): 1,
    ("pagedown",): 11,
    ("space",): 11,
    ("pagedown", "pagedown", "pageup"): 11,
    ("pageup",): 1,
    ("G",): MANY + 2,
    ("end",): MANY + 2,
    ("G", "j"): MANY + 2,
    ("G", "k"): MANY + 1,
    ("G", "g"): 1,
    ("G", "home"): 1,
    ("G", "pageup"): MANY + 2 - 10,
}


def test_keys_move_in_a_list_of_thousands(full: SqlStore) -> None:
    """Every move lands where it should, across windows as well."""

    async def story(screen: Screen) -> None:
        await screen.press("2")
        for keys, place in MOVES.items():
            await screen.press("g", *keys)

            assert f"{place:,} of {MANY + 2:,}" == _place(screen), keys

    play(source_over(full), story)


def test_a_long_list_is_held_a_window_at_a_time(full: SqlStore) -> None:
    """However many groups there are, few are drawn, and the cursor walks over the edge."""

    async def story(screen: Screen) -> None:
        await screen.press("2", *["pagedown"] * (WINDOW // 10), "k", "j", "k")

        page = screen.page
        assert isinstance(page, Listing)
        assert WINDOW == len(page.window.rows)
        assert (0, f"{WINDOW:,} of {MANY + 2:,}") == (
            page.window.offset,
            _place(screen),
        )
        await screen.press("j")
        assert (WINDOW, f"{WINDOW + 1:,} of {MANY + 2:,}") == (
            page.window.offset,
            _place(screen),
        )

    play(source_over(full), story)


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
def test_q_quits(store: SqlStore, key: str) -> None:
    """One key ends it, from the help as well."""

    async def story(screen: Screen) -> None:
        await screen.press("question_mark")
        await screen.press(key)

        assert not screen.app.is_running or screen.app._exit

    play(source_over(store), story)


def test_a_filter_shows_what_fits(store: SqlStore) -> None:
    """Words are looked for in route and change; keys are letters while one types."""

    async def story(screen: Screen) -> None:
        await screen.press("2", "slash")
        await screen.type("phone b")
        await screen.press("enter")

        assert "1 of 1  filter: phone b" == _place(screen)
        assert "body /phone" in screen.text
        assert "body /price" not in screen.text
        await screen.press("slash")
        await screen.type(" nothing")
        await screen.press("enter")
        assert "Nothing fits.  filter: phone b nothing" == _place(screen)

    play(source_over(store), story)


def test_escape_closes_a_filter_and_changes_nothing(store: SqlStore) -> None:
    """Who thinks better of it is where they were."""

    async def story(screen: Screen) -> None:
        await screen.press("2", "j", "slash")
        await screen.type("phone")
        await screen.press("escape")

        assert "2 of 2" == _place(screen)
        await screen.press("k")
        assert "1 of 2" == _place(screen)

    play(source_over(store), story)


def test_states_are_filtered_by_name(store: SqlStore) -> None:
    """Only groups that count are listed, until others are asked for."""
    source_over(store).decide(PHONE.fingerprint, GroupState.IGNORED, "")

    async def story(screen: Screen) -> None:
        await screen.press("2")
        assert "1 of 1" == _place(screen)
        await screen.press("slash")
        await screen.type("state:ignored")
        await screen.press("enter")
        assert "1 of 1  filter: state:ignored" == _place(screen)
        assert "body /phone" in screen.text
        await screen.press("slash", *["backspace"] * 7)
        await screen.type("all")
        await screen.press("enter")
        assert "1 of 2  filter: state:all" == _place(screen)

    play(source_over(store), story)


def test_routes_lead_to_their_groups(store: SqlStore) -> None:
    """Enter on a route lists what differs there, and nothing else."""

    async def story(screen: Screen) -> None:
        await screen.press("3", "slash")
        await screen.type("/b/")
        await screen.press("enter", "enter")

        assert "1 of 1  filter: state:all   of GET /b/{id}" == _place(screen)
        assert "body /phone" in screen.text
        await screen.press("b")
        assert RoutesPage is type(screen.app.screen)

    play(source_over(store), story)


@pytest.mark.parametrize(
    ("key", "state"),
    [("i", GroupState.IGNORED), ("r", GroupState.RESOLVED), ("o", GroupState.OPEN)],
)
def test_a_decision_is_taken_once_it_is_confirmed(
    store: SqlStore, key: str, state: GroupState
) -> None:
    """The store has it with its reason, and the screen shows it."""
    before = GroupState.IGNORED if state is GroupState.OPEN else GroupState.OPEN
    source_over(store).decide(PRICE.fingerprint, before, "")

    async def story(screen: Screen) -> None:
        await screen.press("2", "slash")
        await screen.type("price state:all")
        await screen.press("enter", "enter", key)
        await screen.type("why not?")
        assert before is _kept(store).state
        await screen.press("enter")

        assert (state, "why not?") == (_kept(store).state, _kept(store).note)
        assert f"state     {state}" in screen.text
        assert "note      why not?" in screen.text

    play(source_over(store), story)


@pytest.mark.parametrize("key", ["i", "r", "o"])
def test_escape_decides_nothing(store: SqlStore, key: str) -> None:
    """A key that was hit by chance does no harm."""

    async def story(screen: Screen) -> None:
        await screen.press("2", "enter", key, "escape")

        assert None is _kept(store).decided_at
        assert GroupPage is type(screen.app.screen)

    play(source_over(store), story)


def test_equal_lines_are_folded_until_f_is_pressed(store: SqlStore) -> None:
    """What is the same does not hide what is not, and can be seen all the same."""

    async def story(screen: Screen) -> None:
        await screen.resize(80, 60)
        await screen.press("2", "enter", "enter")
        assert "equal lines" in screen.text
        assert '"id": 1' not in screen.text
        await screen.press("f")
        assert '"id": 1' in screen.text
        await screen.press("f")
        assert "equal lines" in screen.text

    play(source_over(store), story)


def test_keys_scroll_a_text(store: SqlStore) -> None:
    """A text moves by the same keys as a list."""
    moves = {
        ("j",): 1,
        ("down", "down", "k"): 1,
        ("j", "up"): 0,
        ("pagedown", "pageup"): 0,
        ("G", "g"): 0,
        ("end", "home"): 0,
    }

    async def story(screen: Screen) -> None:
        await screen.resize(80, 14)
        await screen.press("2", "enter", "enter")
        scroll: Any = screen.page.query_one("#scroll")
        for keys, top in moves.items():
            await screen.press("g", *keys)

            assert top == scroll.scroll_y, keys

    play(source_over(store), story)


def test_the_end_of_a_text_is_one_key_away(store: SqlStore) -> None:
    """G shows the last line, a page further shows more than the next line."""

    async def story(screen: Screen) -> None:
        await screen.resize(80, 14)
        await screen.press("2", "enter", "enter", "pagedown")
        scroll: Any = screen.page.query_one("#scroll")
        assert scroll.scroll_y > 5
        await screen.press("G")
        assert scroll.max_scroll_y == scroll.scroll_y > 5

    play(source_over(store), story)


def _kept(store: SqlStore) -> Any:
    (group,) = store.groups(GroupFilter(fingerprint=PRICE.fingerprint))
    return group
