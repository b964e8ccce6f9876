"""What an import path names, in the agent: transports, apps, the functions of steps."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["named"]


def named(path: str) -> Any:
    """
    Return what `module:name` names; the name may have parts, as of a class.

    Raises:
        ImportError: there is no such module, or it cannot be imported.
        AttributeError: it has no such name.
    """
    module, _, attribute = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    return found
