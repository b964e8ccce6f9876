"""
What each setting may be: one small check per kind of value.

A check gets the place and the coerced value, and returns the value in its normal
form, so that settings which mean the same are equal. Below the settings, so that
it can be read without them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from shadow_middleware.addresses import (
    check_allowed,
    check_listen,
    check_target,
    check_url,
)
from shadow_middleware.broker_checks import (
    check_broker,
    check_lease,
    check_partitions,
    check_replicas,
    check_seal,
    check_stream,
)
from shadow_middleware.configuration import Check, Place
from shadow_middleware.exchange import CONTROL
from shadow_middleware.functions import (
    HEADER,
    TOKEN,
    check_function,
    check_key,
    check_provider,
    check_skip,
    check_transport,
    check_transport_or_none,
    check_user,
)
from shadow_middleware.ranges import at_least, between, positive, rate, ratio, share
from shadow_middleware.rule import VALUE_SHAPES
from shadow_middleware.transform_checks import check_transforms

__all__ = [
    "RULE_CHECKS",
    "SETTINGS_CHECKS",
    "TARGET_CHECKS",
    "TRANSFORM_CHECKS",
    "at_least",
]

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
_MEDIA = re.compile(f"[{TOKEN}]+/[{TOKEN}]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST_VERSION = 100
_STORES = (
    "sqlite",
    "sqlite+pysqlite",
    "postgres",
    "postgresql",
    "postgresql+psycopg",
)
_NO_FILE = ("/", "/:memory:")


# --- addresses ------------------------------------------------------------------------


def _optional_target(place: Place, value: str) -> str:
    return check_target(place, value) if value else value


def _urls(place: Place, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(check_url(place, value) for value in values)


def _allowed(place: Place, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(check_allowed(place, value) for value in values)


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


def _capture_to(place: Place, value: str) -> str:
    """Check that it names a directory; the agent makes it where it is not there."""
    value = _one_line(place, value)
    if value.removesuffix(".zst").removesuffix(".gz").endswith(".ndjson"):
        raise place.error(
            f"{value!r} names a file", "name a directory: the agent rotates files in it"
        )
    return value


# --- words ---------------------------------------------------------------------------------


def _engine(place: Place, value: str) -> str:
    if value in ("agent", "file", "thread") or value.startswith("unix:"):
        if value == "unix:":
            raise place.error("'unix:' names no socket", "write 'unix:PATH'")
        return value
    known = ["agent", "file", "thread", "unix:PATH"]
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
    if value == CONTROL:
        raise place.error(
            f"{place.show(value)} is what the control is counted under",
            "a second copy of the live version is given as control_url",
        )
    return value


def _version(place: Place, value: str) -> str:
    value = _one_line(place, value)
    if len(value) > _LONGEST_VERSION or not value.isprintable():
        raise place.error(
            f"{place.show(value)} is not a version",
            f"use up to {_LONGEST_VERSION} characters of one line",
        )
    return value


def _optional_header(place: Place, value: str) -> str:
    if value and not HEADER.fullmatch(value):
        raise place.error(f"{place.show(value)} is not a header name")
    return value.lower()


def _shapes(place: Place, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({_shape(place, value) for value in values}))


def _shape(place: Place, value: str) -> str:
    name = value.strip().lower()
    if name and name not in VALUE_SHAPES:
        raise place.unknown(f"unknown shape {place.show(value)}", value, VALUE_SHAPES)
    return name


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


# --- rules -----------------------------------------------------------------------------------


def _route(place: Place, value: str) -> str:
    return _routes(place, (value,))[0]


def _statuses(place: Place, values: tuple[int, ...]) -> tuple[int, ...]:
    for value in values:
        if not 100 <= value <= 599:
            raise place.error(f"{place.show(value)} is not a status")
    return values


_HEADER_NAMES = _each(HEADER, "a header name")
_HEADER_GLOBS = _each(HEADER, "a header name or glob")

TRANSFORM_CHECKS: Mapping[str, Check] = {
    "route": _route,
    "pattern": _pattern,
    "function": check_function,
}
TARGET_CHECKS: Mapping[str, Check] = {
    "transform": check_transforms,
    "url": check_target,
    "name": _target_name,
    "methods": _methods,
    "include": _paths,
    "exclude": _paths,
    "concurrency": at_least(0),
    "total_timeout": at_least(0),
    "transport": check_transport_or_none,
    "version": _version,
    "rate": rate,
    "rate_limit": at_least(0),
}
RULE_CHECKS: Mapping[str, Check] = {
    "route": _route,
    "matches": _pattern,
    "absolute": at_least(0),
    "relative": at_least(0),
    "statuses": _statuses,
    "shape": _shape,
    "live": _pattern,
    "shadow": _pattern,
}
SETTINGS_CHECKS: Mapping[str, Check] = {
    "shadow_url": _optional_target,
    "live_urls": _urls,
    "target_allow": _allowed,
    "methods": _some_methods,
    "include": _paths,
    "exclude": _paths,
    "include_routes": _routes,
    "exclude_routes": _routes,
    "content_types": _media_types,
    "skip": check_skip,
    "rate": rate,
    "key": check_key,
    "max_request_body": at_least(0),
    "max_response_body": at_least(0),
    "engine": _engine,
    "agent_nice": between(0, 19),
    "buffer_bytes": at_least(1),
    "buffer_count": at_least(1),
    "drain_timeout": at_least(0),
    "broker_url": check_broker,
    "broker_stream": check_stream,
    "broker_partitions": check_partitions,
    "broker_bytes": at_least(1024 * 1024),
    "broker_age": positive,
    "broker_replicas": check_replicas,
    "broker_window": at_least(1),
    "broker_spool": _one_line,
    "broker_spool_bytes": at_least(1),
    "broker_credentials": _one_line,
    "broker_ca": _one_line,
    "broker_certificate": _one_line,
    "broker_certificate_key": _one_line,
    "broker_seal": check_seal,
    "broker_lease": check_lease,
    "capture_to": _capture_to,
    "capture_rotate_bytes": at_least(0),
    "capture_rotate_seconds": at_least(0),
    "capture_keep_bytes": at_least(0),
    "capture_keep_files": at_least(0),
    "signal_rate": at_least(0),
    "keep_headers": _HEADER_NAMES,
    "secret": _one_line,
    "transport": check_transport,
    "connect_timeout": positive,
    "read_timeout": positive,
    "total_timeout": positive,
    "concurrency": at_least(1),
    "queue_count": at_least(1),
    "queue_bytes": at_least(1),
    "max_shadow_body": at_least(0),
    "max_expanded_body": at_least(0),
    "breaker_failures": at_least(0),
    "breaker_retry_after": at_least(0),
    "breaker_fail_after": at_least(0),
    "breaker_ramp_up": at_least(0),
    "transform": check_transforms,
    "transform_timeout": positive,
    "user": check_user,
    "session_count": at_least(1),
    "session_bytes": at_least(1),
    "session_idle": positive,
    "ignore_headers": _HEADER_GLOBS,
    "ignore_paths": _paths,
    "max_differences": at_least(1),
    "compare_budget": positive,
    "rules_file": _one_line,
    "control_url": _optional_target,
    "control_rate": rate,
    "control_methods": _methods,
    "self_probe": rate,
    "noise_half_life": positive,
    "noise_cells": at_least(0),
    "value_shapes": _shapes,
    "timestamp_tolerance": at_least(0),
    "float_tolerance": share,
    "version_header": _optional_header,
    "latency_ratio": ratio,
    "latency_floor": at_least(0),
    "store_url": _store_url,
    "store_buffer": at_least(0),
    "store_keep_days": at_least(0),
    "store_keep_rows": at_least(0),
    "store_keep_bytes": at_least(0),
    "store_keep_sums_days": at_least(0),
    "max_stored_body": at_least(0),
    "redact_headers": _HEADER_GLOBS,
    "redact_paths": _paths,
    "redact_patterns": _patterns,
    "access_log": _one_line,
    "metrics_address": check_listen,
    "metrics_token": _one_line,
    "metrics_routes": at_least(0),
    "otel_metrics": check_provider,
}
