"""Screens of stores that are empty, learned or full, and of odd sizes."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from shadow_middleware.evidence import Batch, Count, Progress
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import (
    DAY,
    Decision,
    NoiseBase,
    NoiseCount,
    NoiseRuling,
)
from shadow_middleware.store.sql import SqlStore
from tests.tui.driving import Screen, play, source_over
from tests.tui.evidence import AT, PHONE, PRICE


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ((), "Nothing is recorded yet."),
        (("2",), "No group counts against the shadow."),
        (("2", "enter", "j", "G"), "No group counts against the shadow."),
        (("3",), "No route was mirrored yet."),
        (("4",), "Nothing is learned yet."),
        (("5",), "No target yet"),
        (("5", "e", "j"), "No target yet"),
    ],
)
def test_an_empty_store_says_what_is_missing(
    tmp_path: Path, keys: tuple[str, ...], said: str
) -> None:
    """A first look is no blank screen, and no key on it an error."""
    with closing(SqlStore(f"sqlite:///{tmp_path / 'empty.db'}")) as store:

        async def story(screen: Screen) -> None:
            await screen.press(*keys)

            assert said in screen.text

        play(source_over(store), story)


def test_noise_says_why_it_is_noise(store: SqlStore) -> None:
    """A list of what is held, and a group that says the same in a sentence."""
    today = int(time.time() // DAY)
    store.write(
        Batch(
            noise=[NoiseCount(today, "", PHONE.fingerprint, 200, "", raw=2)],
            noise_bases=[NoiseBase(today, "", "shadow", "GET /b/{id}", 200, raw=8)],
        )
    )
    store.decide(Decision(group=PRICE.fingerprint, at=AT, ruling=NoiseRuling.NOISE))

    async def story(screen: Screen) -> None:
        await screen.press("4")
        lines = [line.split() for line in screen.lines]
        assert ["counts", "25", "%", "-", "-"] == lines[4][:5]
        assert "(a person said so)" in screen.text
        await screen.press("enter")
        assert "noise?    A person ruled: noise." in screen.text
        assert "state     noise" in screen.text
        await screen.press("b", "j", "enter")
        assert "noise?    Not known: no control" in screen.text
        assert "live against the shadow: 2 of 8 (25 %)" in screen.text

    play(source_over(store), story, size=(120, 24))


def test_the_control_has_a_row_of_its_own(store: SqlStore) -> None:
    """The A/A row says how often live agreed with itself."""
    minute = int(AT // 60)
    counts = [
        Count(minute, "control", "GET /a", Outcome.MATCH, "", 9),
        Count(minute, "control", "GET /a", Outcome.DIVERGENCE, "", 1),
        Count(minute, "control", "GET /a", Outcome.TIMEOUT, "read", 3),
    ]
    store.write(Batch(counts=counts))

    async def story(screen: Screen) -> None:
        assert "live and its control: 9 of 10 agree (90 %)" in screen.text
        assert "the control failed 3 times" in " ".join(screen.text.split())

    play(source_over(store), story)


def test_a_broken_law_of_conservation_is_said_aloud(store: SqlStore) -> None:
    """What was lost with a host is told in words, not only in red."""
    store.write(Batch(progress=[Progress("bb", "shadow", 7, 0, AT)]))

    async def story(screen: Screen) -> None:
        assert "+ 7 UNACCOUNTED FOR" in " ".join(screen.text.split())
        assert "nothing missing" not in screen.text

    play(source_over(store), story)


@pytest.mark.parametrize("keys", [(), ("2",), ("3",), ("2", "enter")])
def test_a_screen_follows_the_terminal(store: SqlStore, keys: tuple[str, ...]) -> None:
    """Another width is laid out anew; nothing is beyond the edge, even of a tiny one."""

    async def story(screen: Screen) -> None:
        await screen.press(*keys)
        small = screen.lines
        await screen.resize(130, 40)
        assert 40 == len(screen.lines)
        await screen.resize(30, 8)
        assert 8 == len(screen.lines)
        await screen.resize(80, 24)
        assert small == screen.lines

    play(source_over(store), story)


def test_only_what_is_new_enough_counts(store: SqlStore) -> None:
    """A source of the last hour holds nothing of the hours before."""

    async def story(screen: Screen) -> None:
        assert "selected = 0 ended" in screen.text
        await screen.press("2")
        assert "No group counts" in screen.text
        await screen.press("3")
        assert "No route was mirrored yet." in screen.text

    play(source_over(store, since=AT + 3600), story)
