"""What a person decides with a key: the store has it, and the screen says so."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shadow_middleware.knowledge import GroupFilter, GroupState, NoiseRuling
from shadow_middleware.reading import Reading, Triage
from shadow_middleware.settings import load
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.testing import ShadowServer, asgi
from shadow_middleware.tui.stored import StoreSource
from tests.cli.tea import LIVE, REWRITE, shop
from tests.shared import copied
from tests.tui.driving import Screen, play, source_over
from tests.tui.evidence import PRICE, learned

KEYS = {
    "n": (NoiseRuling.NOISE, "Noise from now on"),
    "s": (NoiseRuling.SIGNAL, "A divergence from now on"),
    "l": (NoiseRuling.LEARNED, "What the evidence says holds again"),
}


def kept(store: SqlStore, fingerprint: str = PRICE.fingerprint) -> Any:
    """Return the group as the store has it."""
    (group,) = store.groups(GroupFilter(fingerprint=fingerprint, with_noise=True))
    return group


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("on", ["group", "list"])
def test_noise_is_ruled_once_it_is_confirmed(
    store: SqlStore, on: str, key: str
) -> None:
    """On a group and in the list of noise; the reason is kept with it."""
    store.write(learned())
    ruling, said = KEYS[key]
    other = NoiseRuling.NOISE if key == "s" else NoiseRuling.SIGNAL
    source_over(store).rule(PRICE.fingerprint, other, "")

    async def story(screen: Screen) -> None:
        await screen.press("4", "slash")
        await screen.type("price")
        await screen.press("enter", *(["enter"] if on == "group" else []))
        await screen.press(key)
        await screen.type("why not?")
        await screen.press("enter")

        assert said in screen.text
        assert (ruling, "why not?") == (kept(store).ruling, kept(store).note)

    play(source_over(store), story)


def test_what_was_said_is_gone_after_a_while(store: SqlStore) -> None:
    """A line that stays for ever is read by nobody."""
    clock = [1_790_000_040.0]

    async def story(screen: Screen) -> None:
        await screen.press("2", "enter", "i", "enter")
        assert "Ignored: it no longer counts." in screen.text
        clock[0] += 60
        await screen.tick()
        assert "Ignored: it no longer counts." not in screen.text

    play(source_over(store), story, now=lambda: clock[0])


def test_a_change_is_expected_by_a_rule_that_is_shown_first(store: SqlStore) -> None:
    """Escape adds nothing; the same rule is not added twice."""

    async def story(screen: Screen) -> None:
        await screen.press("2", "enter", "x")
        assert 'action = "expect"' in screen.text
        await screen.press("escape")
        assert [] == store.rules()
        await screen.press("x", "enter")
        (rule,) = store.rules()
        assert ("expect", "/price") == (rule.rule.action, rule.rule.path)
        assert "The rule was added" in screen.text
        await screen.press("x", "enter")
        assert "is there already: nothing was added" in screen.text
        assert 1 == len(store.rules())

    play(source_over(store), story)


def test_without_a_shadow_a_recheck_says_what_is_missing(store: SqlStore) -> None:
    """Before anything is asked, and the screen stays as it is."""

    async def story(screen: Screen) -> None:
        await screen.press("2", "enter", "c")

        assert "Not done: no shadow is set here: name it with shadow_url" in screen.text
        assert "again?" not in screen.text

    play(source_over(store), story)


def test_a_recheck_tells_what_is_fixed_and_resolves_it(
    tea_store: Path, tmp_path: Path
) -> None:
    """The phone is back on the shadow: a key sends the samples, the screen says so."""
    url = copied(tea_store, tmp_path / "tea.db")
    mended = shop({**REWRITE, "phone": LIVE["phone"]})
    with ShadowServer(asgi(mended)) as shadow, closing(SqlStore(url)) as store:
        settings = load({"shadow_url": shadow.url})
        source = StoreSource(Reading(store, settings), Triage(store, settings))

        async def story(screen: Screen) -> None:
            await screen.press("2", "slash")
            await screen.type("/tea phone")
            await screen.press("enter", "enter", "c")
            assert [] == shadow.received
            await screen.press("enter")
            while "under way" in screen.text:
                await screen.tick()

            assert "recheck   fixed, and the group was resolved" in screen.text
            assert "state     resolved" in screen.text

        play(source, story)
        (group,) = (
            one
            for one in store.groups()
            if one.key.path == "/phone" and one.key.route == "GET /tea"
        )
        assert GroupState.RESOLVED is group.state


def test_v_shows_both_answers_side_by_side_and_back(store: SqlStore) -> None:
    """Where there is room they stand so at once; what was chosen holds at any width."""

    def beside(screen: Screen) -> bool:
        return any("19.9" in line and "21" in line for line in screen.lines[10:])

    async def story(screen: Screen) -> None:
        await screen.resize(80, 40)
        await screen.press("2", "enter", "enter")
        assert not beside(screen)
        await screen.press("v")
        assert beside(screen)
        await screen.press("v")
        assert not beside(screen)
        await screen.resize(140, 40)
        assert not beside(screen)
        await screen.press("b", "enter")
        assert beside(screen)
        await screen.resize(80, 40)
        assert not beside(screen)

    play(source_over(store), story)
