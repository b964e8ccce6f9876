"""
Who may come in as a copy: a signed, fresh marker that was not seen before.

What is not such a copy is an ordinary request, or is refused where only copies are
expected.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.isolation.context import ShadowRequest
from shadow_middleware.isolation.memory import Memory, SeenHere, SeenInFile
from shadow_middleware.transform import marker

__all__ = ["FORBIDDEN", "MAX_AGE", "REFUSED_HEADER", "Door", "refusal"]

MAX_AGE: Final = 60.0
"""Seconds, in either direction, that a marker may be old; for clocks that differ."""
REFUSED_HEADER: Final = marker.REFUSED_HEADER.decode().title()
"""Tells the live side why a write was refused, so that it counts no divergence."""
FORBIDDEN: Final = "only copies are served here\n"
"""What is answered, with 403, to what is no copy where only copies are served."""

_SECRET = "SHADOW_MIDDLEWARE_SECRET"


class Door:
    """Tells copies from ordinary requests."""

    def __init__(
        self,
        secret: str = "",
        *,
        only_shadow: bool = False,
        open_paths: Iterable[str] = (),
        max_age: float = MAX_AGE,
        memory: Memory | str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        Check what is given.

        Args:
            secret: As `secret` of the live side; else `SHADOW_MIDDLEWARE_SECRET`.
            only_shadow: Refuse what is not a copy, with 403.
            open_paths: Paths that are never refused, such as a health check's.
            max_age: Seconds that a marker may be old.
            memory: Which markers were seen: of this process where it is None, in a
                file that processes share where it is a path.
            clock: Seconds since the epoch.

        Raises:
            ConfigurationError: there is no secret, or something else is no use.
        """
        self._secret = _secret(secret or os.environ.get(_SECRET, ""))
        self.only_shadow = only_shadow
        self._open_paths = _paths(open_paths)
        self._max_age = _age(max_age)
        self._memory = _memory(memory)
        self._clock = clock

    def admit(self, markers: Sequence[bytes]) -> ShadowRequest | None:
        """
        Return the copy that these marker headers prove, or None.

        Unsigned, wrongly signed, old, seen before, or more than one: none of them
        has any effect.
        """
        if len(markers) != 1:
            return None
        now = self._clock()
        said = marker.read(
            markers[0], secret=self._secret, now=now, max_age=self._max_age
        )
        if said is None:
            return None
        until = said.at + self._max_age
        if not self._memory.first(markers[0], said.at, until, now):
            return None
        return ShadowRequest(said.id, said.hop)

    def refuses(self, request: ShadowRequest | None, path: str) -> bool:
        """Whether the request is to be answered with 403."""
        return self.only_shadow and request is None and path not in self._open_paths


def refusal(request: ShadowRequest) -> tuple[int, bytes]:
    """Return the status and body that tell that a copy's write was refused."""
    text = f"shadow_middleware: a write of this copy was refused: {request.refused}\n"
    return 503, text.encode()


def _secret(given: object) -> str:
    if not isinstance(given, str) or not given.strip():
        raise ConfigurationError(
            f"isolation needs the secret that signs markers: pass secret=..., or set "
            f"{_SECRET}, to the same value as 'secret' on the live side; without "
            f"it anybody could pass for a copy"
        )
    return given


def _age(given: object) -> float:
    if not isinstance(given, int | float) or not given > 0:
        raise ConfigurationError(
            f"max_age is the seconds that a marker may be old, more than 0, "
            f"not {given!r}"
        )
    return given


def _paths(given: object) -> frozenset[str]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ConfigurationError(
            f"open_paths is a list of paths, as ['/health'], not {given!r}"
        )
    return frozenset(given)


def _memory(given: Memory | str | None) -> Memory:
    if given is None:
        return SeenHere()
    if isinstance(given, str | os.PathLike):
        return SeenInFile(given)
    if not callable(getattr(given, "first", None)):
        raise ConfigurationError(
            f"memory is a path, or has a method first(value, at, until, now), "
            f"not {given!r}"
        )
    return given
