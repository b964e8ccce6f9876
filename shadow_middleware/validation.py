"""
What each setting may be: one small check per kind of value.

A check gets the place and the coerced value, and returns the value in its normal
form, so that settings which mean the same are equal. Below the settings, so that
it can be read without them.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from shadow_middleware.addresses import check_url
from shadow_middleware.configuration import Check, Place

__all__ = ["RULE_CHECKS", "SETTINGS_CHECKS", "TARGET_CHECKS"]

# RFC 9110, PATCH, QUERY, WebDAV and its kin, and PURGE of caches; CONNECT is a tunnel.
# fmt: off
METHODS = [
    "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY",
    "PURGE", "ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY",
    "LABEL", "LINK", "LOCK", "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL",
    "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "ORDERPATCH", "PROPFIND", "PROPPATCH",
    "REBIND", "REPORT", "SEARCH", "UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK",
    "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL",
]
# fmt: on
_TOKEN = "!#$%&'*+.^_`|~0-9A-Za-z-"  # RFC 9110, section 5.6.2
_HEADER = re.compile(f"[{_TOKEN}]+")
_MEDIA = re.compile(f"[{_TOKEN}]+/[{_TOKEN}]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_IMPORT_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_TRANSPORTS = ("auto", "aiohttp", "httpx")
_SMALLEST_RATE = 0.0001
_STORES = (
    "sqlite",
    "sqlite+pysqlite",
    "postgres",
    "postgresql",
    "postgresql+psycopg",
)
_NO_FILE = ("/", "/:memory:")


# --- numbers ---------------------------------------------------------------------------


def _at_least(least: int) -> Check:
    def check(place: Place, value: float) -> float:
        if value < least:
            raise place.error(f"{place.show(value)} is below {least}")
        return value

    return check


def _positive(place: Place, value: float) -> float:
    if value <= 0:
        raise place.error(f"{place.show(value)} is not above 0")
    return value


def _rate(place: Place, value: float) -> float:
    if not 0 <= value <= 1:
        nearest = "0" if value < 0 else "1"
        raise place.error(
            f"{place.show(value)} is not between 0 and 1", f"the nearest is {nearest}"
        )
    if 0 < value < _SMALLEST_RATE:
        raise place.error(
            f"{place.show(value)} is below the smallest step", "did you mean 0.0001?"
        )
    return value


# --- addresses ------------------------------------------------------------------------


def _optional_url(place: Place, value: str) -> str:
    return check_url(place, value) if value else value


def _urls(place: Place, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(check_url(place, value) for value in values)


def _one_line(place: Place, value: str) -> str:
    """Leave out the line's end that a value read from a file brings with it."""
    return value.rstrip("\r\n")


def _store_url(place: Place, value: str) -> str:
    """Check the kind of database only; the store itself knows the rest."""
    value = _one_line(place, value)
    scheme, found, rest = value.partition("://")
    advice = "use sqlite:///FILE or postgresql://…, or an empty string for no store"
    if value and not found:
        raise place.error("no database address", advice)
    if value and scheme not in _STORES:
        raise place.error(f"the scheme {scheme!r} is not a store", advice)
    path = rest.partition("?")[0]
    if scheme.startswith("sqlite") and (path in _NO_FILE or not path.startswith("/")):
        raise place.error("names no file", advice)
    return value


# --- words ---------------------------------------------------------------------------------


def _engine(place: Place, value: str) -> str:
    if value in ("agent", "thread") or value.startswith("unix:"):
        if value == "unix:":
            raise place.error("'unix:' names no socket", "write 'unix:PATH'")
        return value
    known = ["agent", "thread", "unix:PATH"]
    raise place.unknown(f"unknown engine {place.show(value)}", value, known)


def _methods(place: Place, values: tuple[str, ...]) -> tuple[str, ...]:
    upper = [value.strip().upper() for value in values]
    for method in upper:
        if method not in METHODS:
            raise place.unknown(f"unknown method {method!r}", method, METHODS)
    return tuple(dict.fromkeys(upper))


def _some_methods(place: Place, values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise place.error("the list is empty", "to mirror nothing, set enabled=False")
    return _methods(place, values)


def _target_name(place: Place, value: str) -> str:
    if not _NAME.fullmatch(value):
        raise place.error(
            f"{place.show(value)} is not a name",
            "use up to 64 letters, digits, '.', '_' and '-'",
        )
    return value


def _each(pattern: re.Pattern[str], what: str, *, lower: bool = True) -> Check:
    def check(place: Place, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if not pattern.fullmatch(value):
                raise place.error(f"{place.show(value)} is not {what}")
        return tuple(value.lower() for value in values) if lower else values

    return check


def _media_types(place: Place, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _MEDIA.fullmatch(value):
            better = "" if "/" in value else f"did you mean 'application/{value}'?"
            raise place.error(f"{place.show(value)} is not a media type", better)
    return tuple(value.lower() for value in values)


def _paths(place: Place, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value != "**" and not value.startswith(("/", "**/")):
            raise place.error(
                f"{place.show(value)} does not start with '/' or '**/'",
                f"did you mean {_rooted(value)!r}?",
            )
    return values


def _rooted(value: str) -> str:
    """Return what was probably meant by a glob that can fit no path."""
    if set(value) == {"*"}:
        return "**"
    if value.startswith("*") and not value.startswith("*/"):
        return "**/*" + value.lstrip("*")
    return "/" + value.removeprefix("$").lstrip("./")


def _routes(place: Place, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        method, _, path = value.rpartition(" ")
        _paths(place, (path,))
        if method and method != "*":
            _methods(place, (method,))
    return values


def _patterns(place: Place, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        _pattern(place, value)
    return values


def _pattern(place: Place, value: str) -> str:
    if not value:
        return value
    import re2  # only where a pattern is given: the web process stays light

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(value, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        reason = reason.decode() if isinstance(reason, bytes) else reason
        raise place.error(
            f"{place.show(value)} is not an RE2 pattern: {reason}",
            "RE2 has no look-around and no back-references",
        ) from None
    return value


# --- functions ---------------------------------------------------------------------------


def _transport_or_none(place: Place, value: Any) -> str:
    return _transport(place, value) if value != "" else ""


def _transport(place: Place, value: Any) -> str:
    """Return the word or import path; a function is turned into its path."""
    if callable(value):
        return _import_path(place, value)
    if not isinstance(value, str):
        raise place.error(
            f"{place.show(value)} is not a transport",
            "give 'module:factory', a function that returns one",
        )
    if value in _TRANSPORTS or _IMPORT_PATH.fullmatch(value):
        return value
    if value == "pyreqwest":
        raise place.error(
            "'pyreqwest' is none of ours, for it rewrites header names and some URLs",
            "give 'module:factory', a function of yours that returns its HttpxTransport",
        )
    known = [*_TRANSPORTS, "module:factory"]
    raise place.unknown(f"unknown transport {place.show(value)}", value, known)


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


def _skip(place: Place, value: Any) -> Any:
    if value is None:
        return None
    if not callable(value):
        raise place.error(
            f"{place.show(value)} is not a function",
            "give the function itself, as a keyword argument or in Django's settings",
        )
    return _plain_function(place, value)


def _key(place: Place, value: Any) -> Any:
    if callable(value):
        return _plain_function(place, value)
    if value in ("", "user"):
        return value
    if not isinstance(value, str):
        raise place.error(f"{place.show(value)} is not a key")
    kind, colon, name = value.partition(":")
    if kind not in ("header", "cookie") or not colon:
        known = ["user", "header:NAME", "cookie:NAME"]
        raise place.unknown(f"unknown key {place.show(value)}", value, known)
    if not _HEADER.fullmatch(name):
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


# --- rules -----------------------------------------------------------------------------------


def _route(place: Place, value: str) -> str:
    return _routes(place, (value,))[0]


def _statuses(place: Place, values: tuple[int, ...]) -> tuple[int, ...]:
    for value in values:
        if not 100 <= value <= 599:
            raise place.error(f"{place.show(value)} is not a status")
    return values


_HEADER_NAMES = _each(_HEADER, "a header name")
_HEADER_GLOBS = _each(_HEADER, "a header name or glob")

TARGET_CHECKS: Mapping[str, Check] = {
    "url": check_url,
    "name": _target_name,
    "methods": _methods,
    "include": _paths,
    "exclude": _paths,
    "concurrency": _at_least(0),
    "total_timeout": _at_least(0),
    "transport": _transport_or_none,
}
RULE_CHECKS: Mapping[str, Check] = {
    "route": _route,
    "matches": _pattern,
    "absolute": _at_least(0),
    "relative": _at_least(0),
    "statuses": _statuses,
}
SETTINGS_CHECKS: Mapping[str, Check] = {
    "shadow_url": _optional_url,
    "live_urls": _urls,
    "methods": _some_methods,
    "include": _paths,
    "exclude": _paths,
    "include_routes": _routes,
    "exclude_routes": _routes,
    "content_types": _media_types,
    "skip": _skip,
    "rate": _rate,
    "key": _key,
    "max_request_body": _at_least(0),
    "max_response_body": _at_least(0),
    "engine": _engine,
    "buffer_bytes": _at_least(1),
    "buffer_count": _at_least(1),
    "drain_timeout": _at_least(0),
    "signal_rate": _at_least(0),
    "keep_headers": _HEADER_NAMES,
    "secret": _one_line,
    "transport": _transport,
    "connect_timeout": _positive,
    "read_timeout": _positive,
    "total_timeout": _positive,
    "concurrency": _at_least(1),
    "queue_count": _at_least(1),
    "queue_bytes": _at_least(1),
    "max_shadow_body": _at_least(0),
    "max_expanded_body": _at_least(0),
    "breaker_failures": _at_least(0),
    "breaker_retry_after": _at_least(0),
    "ignore_headers": _HEADER_GLOBS,
    "ignore_paths": _paths,
    "max_differences": _at_least(1),
    "compare_budget": _positive,
    "store_url": _store_url,
    "store_buffer": _at_least(0),
    "max_stored_body": _at_least(0),
    "redact_headers": _HEADER_GLOBS,
    "redact_paths": _paths,
    "redact_patterns": _patterns,
}
