"""
The thread that keeps an agent at the other end: start, listen, restart, part.

One for each handoff, off every request path. It sleeps in `select` and wakes for
what the agent says; otherwise four times a second, or twenty while there is traffic.
"""

from __future__ import annotations

import logging
import selectors
import threading
import time
from typing import Final

import msgspec

from shadow_middleware.errors import DecodeError
from shadow_middleware.handoff import codec
from shadow_middleware.handoff.agent_socket import AgentSocket
from shadow_middleware.handoff.base import Ears, Launcher, Pipe

__all__ = ["Keeper", "rest_after"]

logger = logging.getLogger("shadow_middleware")

TICK: Final = 0.25
BUSY_TICK: Final = 0.05
USES_INTERVAL: Final = 1.0
"""Seconds between two frames of what was not mirrored."""
FIRST_BACKOFF: Final = 0.5
LAST_BACKOFF: Final = 30.0
WELL: Final = 5.0
"""Seconds after which an agent was at work: its end says nothing of the next one."""


class Keeper:
    """Runs on a daemon thread from `start` to `close`."""

    def __init__(
        self,
        handoff: AgentSocket,
        launch: Launcher,
        settings: bytes,
        ears: Ears,
    ) -> None:
        self._handoff = handoff
        self._launch = launch
        self._settings = settings
        self._ears = ears
        self._stopping = threading.Event()
        self._parted = False
        self._pipe: Pipe | None = None
        self._next_uses = 0.0
        self._told_routes = 0
        self._thread = threading.Thread(
            target=self._run, name="shadow-middleware-keeper", daemon=True
        )

    def start(self) -> None:
        """Start the thread; called once."""
        self._thread.start()

    def close(self, timeout: float, *, wait: bool) -> bool:
        """Part from the agent; whether everything was handed over (and has ended)."""
        self._stopping.set()
        done = self._handoff.flush(timeout)
        pipe, self._parted = self._pipe, True
        if pipe is None:
            return done
        self._tell_of_routes()
        self._tell_of_uses()
        self._handoff.tell(codec.BYE, None)
        self._handoff.flush(min(timeout, 0.5))
        ended = pipe.wait(timeout) if wait or pipe.mortal else True
        self._ears.close(timeout if wait else 0.0)
        return done and ended

    def _run(self) -> None:
        backoff = 0.0
        while not self._stopping.wait(backoff):
            try:
                pipe = self._launch()
            except OSError as error:
                backoff = min(LAST_BACKOFF, backoff * 2 or FIRST_BACKOFF)
                logger.warning(
                    "no shadow agent could be started (%s); again in %.1f s",
                    error,
                    backoff,
                )
                continue
            if self._parted:
                pipe.socket.close()  # it came too late; without a hello it just ends
                pipe.wait(1.0)
                return
            began = time.monotonic()
            self._keep(pipe)
            lived = time.monotonic() - began
            backoff = rest_after(backoff, lived)

    def _keep(self, pipe: Pipe) -> None:
        wants = self._ears.wanted()
        hello = codec.Hello(
            version=codec.PROTOCOL,
            session=self._handoff.session,
            settings=self._settings,
            clock_offset=time.time() - time.monotonic(),
            selected=0,
            handed=0,
            wants=wants,
        )
        self._pipe = pipe
        self._handoff.attach(pipe.socket, hello)
        try:
            self._listen(pipe, wants)
        except OSError as error:  # as where the app has no file descriptor left
            logger.warning("the shadow agent cannot be listened to: %s", error)
        finally:
            self._handoff.detach(pipe.socket)
            self._pipe = None
            pipe.wait(0.0 if self._stopping.is_set() else 1.0)
        if not self._stopping.is_set():
            logger.warning("the shadow agent has gone; starting another")

    def _listen(self, pipe: Pipe, wants: tuple[str, ...]) -> None:
        """Return when the agent has gone."""
        frames = codec.Frames()
        seen = -1
        self._told_routes = 0
        with selectors.DefaultSelector() as selector:
            selector.register(pipe.socket, selectors.EVENT_READ)
            while True:
                tick = TICK if seen == (seen := self._handoff.selected) else BUSY_TICK
                interest = selectors.EVENT_READ
                speaks = not self._stopping.is_set()
                if speaks and self._handoff.stuck:
                    interest |= selectors.EVENT_WRITE
                selector.modify(pipe.socket, interest)
                ready = selector.select(tick)
                if _readable(ready) and not self._hear(pipe, frames):
                    return
                if speaks:
                    wants = self._speak(wants)

    def _speak(self, wants: tuple[str, ...]) -> tuple[str, ...]:
        """Send what is due; return the signals that somebody listens to by now."""
        self._handoff.settle()
        if self._handoff.waiting:
            self._handoff.flush()
        wanted = self._ears.wanted()
        if wanted != wants:
            self._handoff.tell(codec.WANTS, wanted)
        self._tell_of_routes()
        self._tell_of_uses_in_time()
        return wanted

    def _tell_of_routes(self) -> None:
        """Tell each agent once of all routes, and again where there are more."""
        census = self._handoff.census
        census.list_routes()
        routes = census.routes
        if len(routes) > self._told_routes:
            self._told_routes = len(routes)
            self._handoff.tell(codec.ROUTES, routes)

    def _tell_of_uses_in_time(self) -> None:
        """Tell of what was not mirrored, once in a while and while the agent listens."""
        now = time.monotonic()
        if now >= self._next_uses and not self._handoff.stuck:
            self._next_uses = now + USES_INTERVAL
            self._tell_of_uses()
            self._handoff.tell_cost()

    def _tell_of_uses(self) -> None:
        uses = self._handoff.census.take()
        if uses:
            self._handoff.tell(codec.USES, uses)

    def _hear(self, pipe: Pipe, frames: codec.Frames) -> bool:
        """Take in what the agent says; False when it has gone."""
        try:
            data = pipe.socket.recv(256 * 1024)
            if not data:
                return False
            for kind, payload in frames.feed(data):
                self._take(kind, payload)
        except BlockingIOError:
            return True
        except (OSError, DecodeError, msgspec.MsgspecError) as error:
            logger.warning("the shadow agent's connection failed: %s", error)
            return False
        return True

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == codec.STATUS:
            status = msgspec.msgpack.decode(payload, type=codec.Status)
            self._handoff.ended = status.ended
            # Once parted from, it could only put live to rest with nobody to wake it.
            if not self._stopping.is_set():
                self._handoff.rest(status.resting)
        elif kind == codec.EVENT:
            event = msgspec.msgpack.decode(payload, type=codec.Event)
            self._ears.take(event.name, event.payload)


def _readable(ready: list[tuple[selectors.SelectorKey, int]]) -> bool:
    return any(events & selectors.EVENT_READ for _, events in ready)


def rest_after(before: float, lived: float) -> float:
    """
    Return the seconds until the next agent is started, after one that has gone.

    Args:
        before: For how long that one was waited for.
        lived: Seconds that it lived.
    """
    if lived > WELL:
        return FIRST_BACKOFF
    return min(LAST_BACKOFF, max(FIRST_BACKOFF, before * 2))
