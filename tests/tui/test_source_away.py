"""What is seen while the source is away, and when it is back."""

from __future__ import annotations

import itertools

from shadow_middleware.evidence import Batch, Count
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import GroupFilter
from shadow_middleware.store.sql import SqlStore
from tests.tui.driving import Away, Screen, play, source_over
from tests.tui.evidence import AT, PRICE, many_groups


def test_the_last_good_data_stays_with_a_banner(store: SqlStore) -> None:
    """Nobody takes old figures for new ones, and nobody loses them."""
    source = Away(source_over(store))
    time = iter([AT, AT + 10, AT + 20, AT + 30])

    async def story(screen: Screen) -> None:
        good = screen.lines[1:14]
        assert "SOURCE AWAY" not in screen.text
        source.gone = "no such [bold]disk"
        await screen.tick()
        await screen.tick()

        banner = " ".join(screen.text.split())
        assert "SOURCE AWAY since 14:14:10 UTC" in banner
        assert "shown is what was read at 14:14:00 UTC" in banner
        assert "no such [bold]disk" in banner
        assert good[:10] == screen.lines[3:13]
        source.gone = ""
        await screen.tick()
        assert "SOURCE AWAY" not in screen.text
        assert good == screen.lines[1:14]

    play(source, story, now=lambda: next(time))


def test_the_last_good_data_stays_on_every_screen_that_had_some(
    store: SqlStore,
) -> None:
    """Who looks around while the source is away finds what was read before."""
    source = Away(source_over(store))
    time = itertools.count(AT, 10)

    async def story(screen: Screen) -> None:
        await screen.press("2", "enter")
        group = screen.lines[1:5]
        await screen.press("b", "3")
        source.gone = "no such disk"
        await screen.press("1")
        assert "105 ended" in screen.text
        assert "shown is what was read at 14:14:00" in " ".join(screen.text.split())
        await screen.press("2")
        assert "body /price" in screen.text
        await screen.press("enter")
        assert all(line in screen.lines for line in group)
        await screen.press("4")
        assert "nothing was read yet" in " ".join(screen.text.split())

    play(source, story, now=lambda: next(time))


def test_a_screen_that_was_never_read_says_so(store: SqlStore) -> None:
    """A source that is away from the start ends nothing; it is asked again."""
    source = Away(source_over(store))
    source.gone = "refused"

    async def story(screen: Screen) -> None:
        assert "nothing was read yet" in " ".join(screen.text.split())
        await screen.press("2")
        assert "SOURCE AWAY" in screen.text
        source.gone = ""
        await screen.tick()
        assert "body /price" in screen.text
        assert "SOURCE AWAY" not in screen.text

    play(source, story)


def test_a_decision_that_failed_is_said_to_have(store: SqlStore) -> None:
    """Who decided something learns that nothing was decided."""
    source = Away(source_over(store))

    async def story(screen: Screen) -> None:
        await screen.press("2", "enter", "i")
        source.gone = "locked"
        await screen.press("enter")

        assert "Not done: locked" in screen.text
        assert "SOURCE AWAY" in screen.text

    play(source, story)
    (group,) = store.groups(GroupFilter(fingerprint=PRICE.fingerprint))
    assert None is group.decided_at


def test_what_is_new_shows_with_the_next_reading(store: SqlStore) -> None:
    """Figures follow the store without a key."""

    async def story(screen: Screen) -> None:
        assert "105 ended" in screen.text
        count = Count(int(AT // 60), "shadow", "GET /a", Outcome.MATCH, "", 1_000)
        store.write(Batch(counts=[count]))
        await screen.tick()
        assert "1,105 ended" in screen.text

    play(source_over(store), story)


def test_the_cursor_stays_on_its_row_while_others_come(store: SqlStore) -> None:
    """A list that grows above the cursor does not move another row under it."""

    async def story(screen: Screen) -> None:
        await screen.press("2")
        assert "1 of 2" in screen.text
        store.write(many_groups(30))
        await screen.tick()
        here = screen.lines[-2].split()[0]
        assert here != "1"
        await screen.press("enter")
        assert f"group     {PRICE.fingerprint}" in screen.text

    play(source_over(store), story)


def test_a_group_that_was_purged_says_so(store: SqlStore) -> None:
    """What goes while one looks at it is no error."""
    source = source_over(store)

    async def story(screen: Screen) -> None:
        await screen.press("2", "enter", "enter")
        store.purge(before=AT + 1e6)
        await screen.tick()
        assert "It is not kept any more." in screen.text
        await screen.press("b")
        await screen.tick()
        assert "It is not kept any more." in screen.text

    play(source, story)


def test_reading_again_can_be_asked_for(store: SqlStore) -> None:
    """Ctrl-L does not wait for the interval."""
    time = itertools.count(AT, 60)

    async def story(screen: Screen) -> None:
        assert "read 14:14:00 UTC" in screen.text
        await screen.press("ctrl+l")
        assert "read 14:15:00 UTC" in screen.text

    play(source_over(store), story, now=lambda: next(time))
