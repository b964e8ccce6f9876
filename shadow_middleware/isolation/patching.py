"""Puts something in the place of a method, and takes it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Patches"]

_MISSING = object()


class Patches:
    """What was replaced, and how to undo it."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any]] = []

    def replace(
        self, owner: Any, name: str, make: Callable[[Any], Callable[..., Any]]
    ) -> None:
        """
        Replace a method or function by what `make` returns for the present one.

        Args:
            owner: A class or module.
            name: Whose attribute it is.
            make: Gets the present one; what it returns calls it where it is no copy.
        """
        own = vars(owner).get(name, _MISSING)
        present = getattr(owner, name)
        self._undo.append((owner, name, own))
        setattr(owner, name, make(present))

    def undo(self) -> None:
        """Put back what was there, the last first."""
        while self._undo:
            owner, name, own = self._undo.pop()
            if own is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, own)
