"""
For the shadow's side: what a copy does is undone, and reaches nobody.

    from shadow_middleware.isolation import is_shadow

A *copy* is a request that carries a signed, fresh marker that was not seen before. The
doors are `isolation.asgi`, `.wsgi` and `.django`; `.sqlalchemy` rolls back what is
written through an engine; `install()` puts stubs in the place of what sends.

It stands alone: importing it needs the standard library only, and each of its modules
for a framework needs that framework and nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from shadow_middleware.isolation.context import ShadowRequest, current, is_shadow

if TYPE_CHECKING:
    from shadow_middleware.isolation.files import open_file
    from shadow_middleware.isolation.installing import install, uninstall
    from shadow_middleware.isolation.memory import Memory, SeenHere, SeenInFile
    from shadow_middleware.isolation.options import Answer, Http, Stubs
    from shadow_middleware.isolation.recording import Recorded, clear, counts, recorded

__all__ = [
    "Answer",
    "Http",
    "Memory",
    "Recorded",
    "SeenHere",
    "SeenInFile",
    "ShadowRequest",
    "Stubs",
    "clear",
    "counts",
    "current",
    "install",
    "is_shadow",
    "open_file",
    "recorded",
    "uninstall",
]

_HOMES: Final = {
    "Answer": "options",
    "Http": "options",
    "Memory": "memory",
    "Recorded": "recording",
    "SeenHere": "memory",
    "SeenInFile": "memory",
    "Stubs": "options",
    "clear": "recording",
    "install": "installing",
    "counts": "recording",
    "open_file": "files",
    "recorded": "recording",
    "uninstall": "installing",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
