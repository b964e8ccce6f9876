"""Puts the stubs in their places, when it is told to, and takes them away again."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from typing import Final

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.isolation.options import Http, Stubs
from shadow_middleware.isolation.patching import Patches

__all__ = ["install", "uninstall"]

_PLACES: Final = {
    "threads": ((None, "threads"),),
    "http": (
        (None, "urllib"),
        ("httpx", "httpx"),
        ("httpx2", "httpx"),
        ("urllib3", "urllib3"),
        ("aiohttp", "aiohttp"),
    ),
    "mail": ((None, "mail"), ("django", "django_mail")),
    "tasks": (
        ("celery", "celery"),
        ("django.tasks", "django_tasks"),
        ("django_tasks", "django_tasks"),
    ),
    "files": (("django", "django_files"),),
    "caches": (("django", "django_caches"),),
    "redis": (("redis", "redis"),),
}
"""For each option: the library that it is about, and the module that knows it."""

_lock = threading.Lock()
_patches: Patches | None = None
_options: Stubs | None = None


def install(stubs: Stubs | None = None) -> None:
    """
    Put stubs in the place of what sends; ordinary requests notice nothing.

    Libraries are imported by it where they are installed. Installing the same again
    does nothing.

    Raises:
        ConfigurationError: others are installed already, with other options.
    """
    global _patches, _options
    stubs = stubs or Stubs()
    with _lock:
        if _patches is not None:
            if stubs == _options:
                return
            raise ConfigurationError(
                "stubs are installed already, with other options: call uninstall() first"
            )
        patches = Patches()
        try:
            _put(patches, stubs)
        except BaseException:
            patches.undo()
            raise
        _patches, _options = patches, stubs


def uninstall() -> None:
    """Take all stubs away; nothing happens where there are none."""
    global _patches, _options
    with _lock:
        if _patches is not None:
            _patches.undo()
        _patches = _options = None


def _put(patches: Patches, stubs: Stubs) -> None:
    for option, places in _PLACES.items():
        chosen = getattr(stubs, option)
        if not chosen:
            continue
        for library, stub in places:
            if library is None or _is_there(library):
                module = importlib.import_module(
                    f"shadow_middleware.isolation.stubs.{stub}"
                )
                http = chosen if isinstance(chosen, Http) else Http()
                module.put(patches, library=library, http=http)


def _is_there(library: str) -> bool:
    """Whether the library is installed, and in use where it is a framework."""
    top, _, _ = library.partition(".")
    if top in ("django", "django_tasks") and not _django_is_set_up():
        return False
    try:
        return importlib.util.find_spec(library) is not None
    except ModuleNotFoundError:
        return False


def _django_is_set_up() -> bool:
    """Whether this process is a Django project; elsewhere its parts cannot be used."""
    conf = sys.modules.get("django.conf")
    return conf is not None and bool(conf.settings.configured)
