"""Who listens to signals in the worker: it stands where a live process else would."""

from __future__ import annotations

from typing import Any

from shadow_middleware.handoff import codec
from shadow_middleware.observe.receivers import Receivers

__all__ = ["Hearing"]


class Hearing:
    """What a bench needs of an intake, to tell of events in this process."""

    hello: codec.Hello | None = None

    def __init__(self) -> None:
        self._receivers = Receivers()

    @property
    def wants(self) -> tuple[str, ...]:
        """Short names of the signals that somebody listens to."""
        return self._receivers.wanted()

    def send_event(self, name: str, payload: dict[str, Any]) -> None:
        """Have the receivers called, on a thread of theirs."""
        self._receivers.take(name, payload)

    def close(self, timeout: float) -> None:
        """Give receivers up to `timeout` seconds."""
        self._receivers.close(timeout)
