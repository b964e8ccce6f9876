"""What an import path names, in the agent: transports, apps, the functions of steps."""

from __future__ import annotations

import importlib
from typing import Any

from shadow_middleware.errors import ConfigurationError

__all__ = ["imported"]


def imported(path: str, what: str) -> Any:
    """
    Return what `module:name` names; the name may have parts, as of a class.

    Raises:
        ConfigurationError: it cannot be imported; `what` is what the error calls it.
    """
    module, _, attribute = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{what}: cannot import {path!r}: {error}") from error
    return found
