"""What a function was called with: as JSON by name, and as copies for the candidate."""

from __future__ import annotations

import copy as copying
import inspect
from collections.abc import Callable
from typing import Any

from shadow_middleware.experiment.values import captured

__all__ = ["Arguments"]

Copy = Callable[[Any], Any]


class Arguments:
    """
    How calls of one function are captured.

    The first argument of a method is its object: it is neither copied nor captured.

    Args:
        function: The one that is called; None where only values are known.
        copy: Makes a value that changes to the first do not reach.
    """

    def __init__(
        self, function: Callable[..., Any] | None, copy: Copy = copying.deepcopy
    ) -> None:
        self._copy = copy
        self._signature = inspect.signature(function) if function else None
        names = list(self._signature.parameters) if self._signature else []
        self._of_method = names[:1] in (["self"], ["cls"])

    def captured(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
        """
        Return them as JSON: a mapping by parameter name where that is known.

        Raises:
            Uncapturable: one of them cannot be read without changing it.
        """
        if self._signature is None:
            return captured({"args": args, "kwargs": kwargs} if args else kwargs)
        try:
            bound = self._signature.bind(*args, **kwargs).arguments
        except TypeError:  # control is about to say so, to the caller
            return captured({"args": args, "kwargs": kwargs})
        names = list(bound)[1:] if self._of_method else list(bound)
        return captured({name: bound[name] for name in names})

    def copied(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return copies of them. Raises what copying raises."""
        own = args[:1] if self._of_method else ()
        # Together, so that two names of one object still are.
        copied, named = self._copy((args[len(own) :], kwargs))
        return (*own, *copied), named
