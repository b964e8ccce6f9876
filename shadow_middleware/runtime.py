"""
Starts, shares and parts from agents: one for equal settings in each process.

Nothing starts before the first
exchange is handed over or the app's lifespan begins; after a fork it starts anew.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib
import importlib.util
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from shadow_middleware.errors import ConfigurationError, MissingExtraError
from shadow_middleware.handoff.agent_socket import AgentSocket
from shadow_middleware.handoff.base import Launcher, Pipe
from shadow_middleware.handoff.keeper import Keeper
from shadow_middleware.handoff.spawn import AgentProcess, connect_to
from shadow_middleware.live import LiveSide
from shadow_middleware.observe.receivers import Receivers
from shadow_middleware.settings import Settings, to_wire

if TYPE_CHECKING:
    from shadow_middleware.service import Service
    from shadow_middleware.store.base import Store

__all__ = ["live_side", "serve_connection", "shutdown"]

logger = logging.getLogger("shadow_middleware")


_handoffs: dict[tuple[bytes, object], AgentSocket] = {}
_registry = threading.Lock()


def live_side(settings: Settings, *, store: Store | None = None) -> LiveSide:
    """
    Return the live side of these settings; it shares the process's runtime.

    Args:
        settings: Equal ones share one hand-off and one agent.
        store: With `engine="thread"`, where evidence goes instead of `store_url`.
    """
    _check_extras(settings)
    _check_capture(settings)
    wire = to_wire(settings)
    with _registry:
        handoff = _handoffs.get((wire, store))
        if handoff is None:
            handoff = _handoffs[wire, store] = _handoff(settings, wire, store)
    return LiveSide(settings, handoff)


def _check_extras(settings: Settings) -> None:
    """Refuse what an agent could not do, for it has nobody to tell."""
    for wanted, module in (
        (settings.metrics_address, "prometheus_client"),
        (settings.otel_metrics, "opentelemetry"),
    ):
        if wanted and importlib.util.find_spec(module) is None:
            raise ConfigurationError(
                f"{wanted!r} for metrics needs {module}; "
                "install it: pip install 'shadow-middleware[metrics]'"
            )
    if settings.broker_url and importlib.util.find_spec("nats") is None:
        raise MissingExtraError("nats", "broker_url")
    if settings.broker_seal and importlib.util.find_spec("cryptography") is None:
        raise MissingExtraError("seal", "broker_seal")
    # An agent of the host may be installed elsewhere, with a driver of its own.
    here = not settings.engine.startswith("unix:")
    on_postgres = settings.store_url.startswith("postgres")
    if here and on_postgres and importlib.util.find_spec("psycopg") is None:
        raise MissingExtraError("postgres", "A Postgres store")


def _check_capture(settings: Settings) -> None:
    """Refuse a capture that could never be written, for an agent could only log it."""
    folder = settings.capture_to
    if folder and os.path.exists(folder) and not os.path.isdir(folder):
        raise ConfigurationError(
            f"capture_to={folder!r} is a file; name a directory, or a new one"
        )


def _handoff(settings: Settings, wire: bytes, store: Store | None) -> AgentSocket:
    launch = _launcher(settings, store)
    return AgentSocket(
        lambda handoff: Keeper(handoff, launch, wire, Receivers()),
        max_bytes=settings.buffer_bytes,
        max_count=settings.buffer_count,
        cost_clock=time.thread_time_ns
        if settings.metrics_address or settings.otel_metrics
        else None,
    )


def shutdown(timeout: float = 2.0, *, wait: bool = True) -> bool:
    """
    Part from every agent of this process; a later request starts anew.

    Args:
        timeout: Seconds to push out what is held and, when waiting, for each agent
            to end what is under way.
        wait: Whether to wait for the agents. Without it they finish on their own.

    Returns:
        Whether everything was handed over and, when waiting, has ended.
    """
    with _registry:
        handoffs = list(_handoffs.values())
    done = [handoff.close(timeout, wait=wait) for handoff in handoffs]
    return all(done)


def _at_exit() -> None:
    # Agents are processes of their own and drain by themselves; threads are not.
    shutdown(wait=False)


def _after_fork() -> None:
    global _registry
    _registry = threading.Lock()
    for handoff in _handoffs.values():
        handoff.after_fork()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _hear_of_uwsgi() -> None:
    # It forks in C, and lets Python know only with --py-call-osafterfork. What it calls
    # is one for the whole process, and this module of its own shares that out.
    if "uwsgi" in sys.modules:
        with contextlib.suppress(Exception):  # it refuses to be without a master
            importlib.import_module("uwsgidecorators").postfork(_after_fork)


_hear_of_uwsgi()


def _launcher(settings: Settings, store: Store | None) -> Launcher:
    engine = settings.engine
    if engine == "thread":
        return ThreadAgent(store)
    if engine.startswith("unix:"):
        return lambda: connect_to(engine.removeprefix("unix:"))
    return AgentProcess(settings.agent_nice)


class ThreadAgent:
    """Starts an agent on a daemon thread of this process. Call it."""

    def __init__(self, store: Store | None = None) -> None:
        self._store = store

    def __call__(self) -> Pipe:
        """
        Return the connection to a new agent.

        Raises:
            OSError: no thread could be started.
        """
        ours, theirs = socket.socketpair()
        thread = threading.Thread(
            target=self._run,
            args=(theirs,),
            name="shadow-middleware-agent",
            daemon=True,
        )
        try:
            thread.start()
        except RuntimeError as error:  # there are too many
            ours.close()
            theirs.close()
            raise OSError(str(error)) from error
        return Pipe(ours, lambda timeout: _has_finished(thread, timeout), mortal=True)

    def _run(self, connection: socket.socket) -> None:
        try:
            asyncio.run(serve_connection(connection, store=self._store))
        except Exception:
            logger.exception("the shadow agent's thread failed")
            connection.close()


def _has_finished(thread: threading.Thread, timeout: float) -> bool:
    thread.join(timeout)
    return not thread.is_alive()


async def serve_connection(
    connection: socket.socket,
    *,
    store: Store | None = None,
    on_start: Callable[[Service], None] | None = None,
    on_settings: Callable[[Settings], None] | None = None,
) -> None:
    """
    Be the agent of one live process until it goes.

    Args:
        connection: The agent's end of a connected stream socket.
        store: Where evidence goes instead of the settings' `store_url`.
        on_start: Called with the service before it begins.
        on_settings: Called with the settings that the live process brings.
    """
    from shadow_middleware.drivers import open_works
    from shadow_middleware.service import Service, Works

    def opened(wire: bytes) -> Works:
        bench = open_works(wire, store)
        if on_settings is not None:
            on_settings(bench.settings)
        return bench

    service = Service(opened)
    loop = asyncio.get_running_loop()
    await loop.connect_accepted_socket(service.connect, connection)
    if on_start is not None:
        on_start(service)
    await service.run()
