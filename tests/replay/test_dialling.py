"""How long a connection may take, where it is the agent itself that is slow."""

from __future__ import annotations

import asyncio
import threading

import pytest

from shadow_middleware.replay.dialling import in_beats


async def handshake(turns: int, held: float) -> str:
    """Take so many turns of the loop, each of which holds it for so long."""
    for _ in range(turns):
        threading.Event().wait(held)
        await asyncio.sleep(0)
    return "connected"


def test_a_loop_that_gets_no_processor_blames_nobody_for_it() -> None:
    """Six turns in twice the time that there was: the server had answered at once."""
    found = asyncio.run(in_beats(handshake(6, 0.03), 0.1, beat=0.01))

    assert "connected" == found


def test_who_never_answers_is_given_up() -> None:
    """And what waited for it ends too."""
    ended = []

    async def unanswered() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(TimeoutError):
        asyncio.run(in_beats(unanswered(), 0.05, beat=0.01))
    assert [True] == ended


def test_what_fails_says_so_at_once() -> None:
    """A refusal is no timeout."""

    async def refused() -> None:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        asyncio.run(in_beats(refused(), 60.0))


def test_who_waits_no_more_ends_the_work() -> None:
    """A replay that is cancelled leaves no handshake behind."""
    ended = []

    async def unanswered() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def impatient() -> None:
        waiting = asyncio.ensure_future(in_beats(unanswered(), 60.0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait((waiting,))

    asyncio.run(impatient())
    assert [True] == ended
