"""An agent and workers on one loop, and what went through them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from shadow_middleware.broker.relay import Relay
from shadow_middleware.drivers import open_works
from shadow_middleware.exchange import Body, Exchange, Request, Response, Timing
from shadow_middleware.handoff import codec
from shadow_middleware.settings import Settings, to_wire
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.worker.worker import Worker

__all__ = [
    "agent",
    "counted",
    "exchange",
    "hello",
    "publish",
    "under_way",
    "until",
    "working",
]

PATIENCE = 90.0


def exchange(
    number: int,
    method: str = "GET",
    key: str | None = "k",
    *,
    session: str = "abc",
    body: bytes = b"",
) -> Exchange:
    """Return an exchange that live answered with `{"ok": true}`."""
    answer = b'{"ok": true}'
    return Exchange(
        f"{session}-{number:x}",
        time.time(),
        Request(method, b"/items/%d" % number, body=Body(body, len(body))),
        Response(
            200, [(b"content-type", b"application/json")], Body(answer, len(answer))
        ),
        Timing(0, 1_000_000, 2_000_000),
        "/items/{id}",
        key,
    )


def hello(
    session: str = "abc", handed: int = 0, lives: tuple[int, ...] = ()
) -> codec.Hello:
    """Return what a live process says first."""
    return codec.Hello(1, session, b"", 0.0, handed, handed, lives=lives)


@asynccontextmanager
async def agent(
    settings: Settings, said: codec.Hello | None = None
) -> AsyncIterator[Relay]:
    """Give an agent at work; it is left as a killed one would be."""
    relay = open_works(to_wire(settings))
    assert isinstance(relay, Relay)
    relay.start()
    relay.begin(said or hello())
    flushing = asyncio.get_running_loop().create_task(_flush(relay))
    try:
        yield relay
    finally:
        flushing.cancel()
        await asyncio.gather(flushing, return_exceptions=True)
        await relay._publisher.close()


async def _flush(relay: Relay) -> None:
    """Flush now and then, as the service around it does."""
    while True:
        await asyncio.sleep(0.1)
        relay.flush()


async def publish(
    settings: Settings, some: Iterable[Exchange], *, session: str = "abc"
) -> Relay:
    """Be an agent from beginning to end."""
    async with agent(settings, hello(session)) as relay:
        number = 0
        for one in some:
            relay.accept(one, 1_000)
            number += 1
        relay.account(session, number, {})
        await relay.close(10.0)
    return relay


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[Worker]:
    """Give a worker at work, which ends in order."""
    worker = Worker(settings)
    task = asyncio.get_running_loop().create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await task


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE):
        # What it waits for is another process's or thread's.
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def counted(settings: Settings) -> dict[tuple[str, str], int]:
    """Return what the store has counted, by outcome and reason."""
    store = SqlStore(settings.store_url)
    found: dict[tuple[str, str], int] = {}
    for row in store.totals():
        reason = "" if row.outcome.value == "match" else row.reason
        key = (row.outcome.value, reason)
        found[key] = found.get(key, 0) + row.count
    store.close()
    return found


def under_way(settings: Settings) -> int:
    """Return what was selected and has not ended, by the store's account."""
    store = SqlStore(settings.store_url)
    found = sum(one.selected - one.ended for one in store.progress())
    store.close()
    return found
