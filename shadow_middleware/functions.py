"""
What a setting may be that is a function, or that names one.

A function of the live side may be anything that can be called; one that runs beyond
the wall must be found again by its import path.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from typing import Any

from shadow_middleware.configuration import IMPORT_PATH, Place

__all__ = [
    "HEADER",
    "TOKEN",
    "check_function",
    "check_key",
    "check_provider",
    "check_skip",
    "check_transport",
    "check_transport_or_none",
    "check_user",
]

TOKEN = "!#$%&'*+.^_`|~0-9A-Za-z-"  # RFC 9110, section 5.6.2
HEADER = re.compile(f"[{TOKEN}]+")
"""The name of a header."""
_CLAIM = re.compile(f"jwt:[^:]+(?::(?:header|cookie):[{TOKEN}]+)?")
_TRANSPORTS = ("auto", "httpx")


def check_transport_or_none(place: Place, value: Any) -> str:
    """Return what `check_transport` does; the empty text stays."""
    return check_transport(place, value) if value != "" else ""


def check_transport(place: Place, value: Any) -> str:
    """Return the word or import path; a function is turned into its path."""
    if callable(value):
        return _import_path(place, value)
    if not isinstance(value, str):
        raise place.error(
            f"{place.show(value)} is not a transport",
            "give 'module:factory', a function that returns one",
        )
    if value in _TRANSPORTS or IMPORT_PATH.fullmatch(value):
        return value
    if value == "pyreqwest":
        raise place.error(
            "'pyreqwest' is none of ours, for it rewrites header names and some URLs",
            "give 'module:factory', a function of yours that returns its HttpxTransport",
        )
    known = [*_TRANSPORTS, "module:factory"]
    raise place.unknown(f"unknown transport {place.show(value)}", value, known)


def check_provider(place: Place, value: str) -> str:
    """Check the word or import path; the empty text stays."""
    if value in ("", "global") or IMPORT_PATH.fullmatch(value):
        return value
    known = ["global", "module:function"]
    raise place.unknown(f"unknown provider {place.show(value)}", value, known)


def check_function(place: Place, value: Any) -> str:
    """Return the import path of a function that runs beyond the wall."""
    if callable(value):
        return _import_path(place, value)
    if isinstance(value, str) and IMPORT_PATH.fullmatch(value):
        return value
    raise place.error(
        f"{place.show(value)} is neither a table nor 'module:function'",
        "name an action, or a function of yours by its import path",
    )


def _import_path(place: Place, function: Callable[..., Any]) -> str:
    """Return `module:name` where that finds the very same function again."""
    module = getattr(function, "__module__", None) or ""
    name = getattr(function, "__qualname__", "")
    advice = "move it to a module, and give it as 'module:function'"
    if "<lambda>" in name:
        raise place.error("a lambda cannot be imported by the agent", advice)
    if "<locals>" in name:
        raise place.error(
            f"the closure {name!r} cannot be imported by the agent", advice
        )
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found != function or module == "__main__":
        raise place.error(f"{function!r} cannot be imported by the agent", advice)
    return f"{module}:{name}"


def check_skip(place: Place, value: Any) -> Any:
    """Return the function, or None where there is none."""
    if value is None:
        return None
    if not callable(value):
        raise place.error(
            f"{place.show(value)} is not a function",
            "give the function itself, as a keyword argument or in Django's settings",
        )
    return _plain_function(place, value)


def check_user(place: Place, value: str) -> str:
    """Return the words for where a user is read from, in their normal form."""
    if value == "user":
        known = ["header:NAME", "cookie:NAME", "jwt:CLAIM"]
        raise place.unknown(f"unknown user {place.show(value)}", value, known)
    return str(check_key(place, value))


def check_key(place: Place, value: Any) -> Any:
    """Return the function, or the words for it in their normal form."""
    if callable(value):
        return _plain_function(place, value)
    if value in ("", "user"):
        return value
    if not isinstance(value, str):
        raise place.error(f"{place.show(value)} is not a key")
    kind, colon, name = value.partition(":")
    if kind == "jwt" and _CLAIM.fullmatch(value):
        return value
    if kind not in ("header", "cookie") or not colon:
        known = ["user", "header:NAME", "cookie:NAME", "jwt:CLAIM"]
        raise place.unknown(f"unknown key {place.show(value)}", value, known)
    if not HEADER.fullmatch(name):
        raise place.error(f"{place.show(value)} names no {kind}", f"'{kind}:NAME'")
    return f"header:{name.lower()}" if kind == "header" else value


def _plain_function(place: Place, value: Any) -> Any:
    call = getattr(value, "__call__", None)  # noqa: B004  # an object's own, to look at
    if inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(call):
        raise place.error(
            f"{place.show(value)} is a coroutine function",
            "it runs on the live side: give a plain function",
        )
    try:
        hash(value)
    except TypeError:
        raise place.error(f"{place.show(value)} is not hashable") from None
    return value
