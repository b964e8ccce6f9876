"""A real HTTP server on a loopback port that behaves as a test tells it to."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Self

from shadow_middleware.testing.behaviours import Behaviour, answering, refusing
from shadow_middleware.testing.wire import Received, Reply, read

__all__ = ["ShadowServer"]


class ShadowServer:
    """
    A real HTTP/1.1 server on a loopback port, on a thread of its own.

    It records every request before it answers, and its behaviour can be switched
    while it runs::

        with ShadowServer(Reply.json({"id": 1})) as shadow:
            app = ShadowMiddleware(app, shadow_url=shadow.url, engine="thread")
            ...
            shadow.wait_for(1)
            shadow.become(refusing)
    """

    def __init__(self, behaviour: Behaviour | Reply | None = None) -> None:
        self._behaviour = _behaviour(behaviour)
        self._received: list[Received] = []
        self._changed = threading.Condition()
        self._connections: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="shadow-server", daemon=True
        )
        # Bound and never listening: it holds the port while nothing may connect.
        self._placeholder = _bound_socket(0)
        self.port: int = self._placeholder.getsockname()[1]
        """The port, the same over every change of behaviour."""

    @property
    def url(self) -> str:
        """The address to use as `shadow_url`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def received(self) -> list[Received]:
        """Every request so far, in the order in which they were complete."""
        with self._changed:
            return list(self._received)

    def become(self, behaviour: Behaviour | Reply) -> None:
        """Behave so from the next request on; `refusing` also ends open connections."""
        self._run(self._become(_behaviour(behaviour)))

    def wait_for(self, count: int, timeout: float = 60.0) -> list[Received]:
        """
        Return the requests once there are at least `count`.

        Raises:
            TimeoutError: there were fewer for `timeout` seconds; says how many.
        """
        try:
            return self.wait_until(lambda received: len(received) >= count, timeout)
        except TimeoutError:
            there = len(self.received)
            raise TimeoutError(
                f"{there} of {count} requests after {timeout} s"
            ) from None

    def wait_until(
        self, condition: Callable[[list[Received]], bool], timeout: float = 60.0
    ) -> list[Received]:
        """
        Return the requests once the condition holds for them.

        Raises:
            TimeoutError: it did not for `timeout` seconds; names the targets seen.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self._received), timeout):
                targets = [received.target for received in self._received]
                raise TimeoutError(f"after {timeout} s there were {targets}")
            return list(self._received)

    def clear(self) -> None:
        """Forget the requests so far."""
        with self._changed:
            self._received.clear()

    def start(self) -> Self:
        """Serve; `with` does it for you."""
        self._thread.start()
        self._run(self._become(self._behaviour))
        return self

    def stop(self) -> None:
        """End every connection, close the port and join the thread."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._placeholder.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60.0)

    async def _become(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        if behaviour is refusing:
            await self._close()
        elif self._listener is None:
            self._listener = _bound_socket(self.port)
            self._listener.listen(1024)
            self._listener.setblocking(False)
            self._loop.add_reader(self._listener, self._accept, self._listener)

    async def _close(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        await _ended(*self._connections)

    def _accept(self, listener: socket.socket) -> None:
        # Not `asyncio.start_server`, nor a task in `sock_accept`: ended at the wrong
        # moment, either loses a connection that was accepted, and the garbage
        # collector warns about it later.
        try:
            connection, _ = listener.accept()
        except OSError:  # whoever came has gone already
            return
        connection.setblocking(False)
        task = self._loop.create_task(self._serve(connection))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        # For a task that is cancelled before its first step.
        task.add_done_callback(partial(_close, connection))

    async def _serve(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection, limit=2**20)
        try:
            with suppress(OSError, EOFError, asyncio.CancelledError):
                await self._converse(reader, writer)
        finally:
            writer.transport.abort()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while not writer.is_closing():
            received = await read(reader)
            with self._changed:
                self._received.append(received)
                self._changed.notify_all()
            await self._behaviour(received, writer)
        with suppress(OSError):
            await writer.wait_closed()


def _behaviour(given: Behaviour | Reply | None) -> Behaviour:
    return answering(given) if given is None or isinstance(given, Reply) else given


def _close(connection: socket.socket, _: object) -> None:
    connection.close()


async def _ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _bound_socket(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound
