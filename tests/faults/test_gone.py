"""A live process that has gone before its agent began has not gone unheard."""

from __future__ import annotations

import asyncio
import socket

import uvloop

from shadow_middleware.handoff import codec
from shadow_middleware.handoff.intake import Intake
from shadow_middleware.handoff.spawn import KERNEL_BUFFER


class Listener:
    """Stands behind a connection, answers its hello at once, and counts."""

    def __init__(self) -> None:
        self.selected = 0
        self.gone = asyncio.Event()

    def welcome(self, hello: codec.Hello, intake: Intake) -> Listener:
        """Say something to a process that may have gone."""
        intake.send_status(codec.Status(0, 0, 0))
        return self

    def farewell(self, intake: Intake) -> None:
        """Take note."""
        self.gone.set()

    def account(self, session: str, selected: int, drops: dict[str, int]) -> None:
        """Take note of how far the last batch is."""
        self.selected = max(self.selected, selected)


def test_what_a_process_sent_before_it_went_is_read_to_the_end() -> None:
    """It was there for a moment only, as where a server reloads: nothing is lost."""

    async def run() -> int:
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
        ours.sendall(codec.frame(codec.HELLO, codec.Hello(1, "s", b"", 0.0, 0, 0)))
        theirs.sendall(b"unread")  # so that the end of ours is a reset
        for number in range(1, 25):
            batch = codec.BatchFrame()
            assert batch.add((b"x" * 15_000,))
            ours.sendall(batch.seal(number, {}))
        ours.close()
        listener = Listener()
        await asyncio.get_running_loop().create_connection(
            lambda: Intake(listener),  # type: ignore[arg-type]
            sock=theirs,
        )
        async with asyncio.timeout(20.0):
            await listener.gone.wait()
        return listener.selected

    assert 24 == uvloop.run(run())
