"""A worker that stood still goes on where its lease is its own still."""

from __future__ import annotations

import asyncio

from shadow_middleware.exchange import Request, Response, Timing
from shadow_middleware.replay.base import Answer
from shadow_middleware.worker.gate import Gate, GatedSender

REQUEST = Request("POST", b"/orders")


class Postman:
    """A sender that takes note of what goes out."""

    def __init__(self) -> None:
        self.sent: list[Request] = []

    async def send(self, request: Request) -> Answer:
        """Answer at once."""
        self.sent.append(request)
        return Answer(Response(200, ()), Timing(0, 1, 2))

    async def aclose(self) -> None:
        """Do nothing."""


def test_what_waited_for_a_lease_goes_out_when_it_is_renewed() -> None:
    """Else every replay of that moment would keep its place for ever, and its key's."""

    async def run() -> None:
        now, postman = [0.0], Postman()
        gate = Gate(10.0, lambda: now[0])
        sender = GatedSender(postman, gate)
        gate.renewed(0.0)
        now[0] = 9.0
        sending = [asyncio.ensure_future(sender.send(REQUEST)) for _ in range(3)]
        await asyncio.sleep(0)
        assert [] == postman.sent

        gate.renewed(9.0)
        async with asyncio.timeout(20.0):
            await asyncio.gather(*sending)
        assert [REQUEST] * 3 == postman.sent

    asyncio.run(run())


def test_a_shift_that_is_over_sends_nothing_more() -> None:
    """Another worker may be at it: what waits, waits for its end."""

    async def run() -> None:
        postman, gate = Postman(), Gate(10.0, lambda: 0.0)
        gate.renewed(0.0)
        gate.shut()
        sending = asyncio.ensure_future(GatedSender(postman, gate).send(REQUEST))
        await asyncio.sleep(0)
        gate.renewed(0.0)  # what was asked for before it was over
        await asyncio.sleep(0)
        sending.cancel()
        await asyncio.wait({sending}, timeout=20.0)

        assert sending.cancelled()
        assert [] == postman.sent

    asyncio.run(run())
